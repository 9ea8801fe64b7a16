import { type ChainVerdict, type LogCheck, PlatformError } from '@mcp/contracts';
import type { LogChecks } from '../store/log-checks.ts';
import type { LogHeads } from './heads.ts';
import { type LogStateDeps, SELF, verdictOn } from './state.ts';

/** What one batch looks at, at most, and how long it may take: whoever wants more asks again. */
const BATCH = 200;
const BATCH_MS = 5000;

export interface LogCheckDeps extends LogStateDeps {
  readonly checks: LogChecks;
  readonly heads: LogHeads;
}

/** A place in the pass: first all conversations in the order of ids, then all heads in the order of the bucket. */
type Place =
  | { readonly at: 'conversations'; readonly id: string }
  | { readonly at: 'heads'; readonly seq: number };

interface Batch {
  readonly next: Place | null;
  readonly verdicts: readonly ChainVerdict[];
}

/**
 * Checks the next logs: every conversation against what is kept outside, then every head that is kept outside for a
 * conversation that is no longer there. Goes on from where the last batch stopped, in whichever replica that was.
 */
export async function checkNext(deps: LogCheckDeps, signal: AbortSignal): Promise<LogCheck> {
  const pass = await deps.checks.pass();
  const place = placeOf(pass.cursor);
  const { next, verdicts } =
    place.at === 'conversations'
      ? await conversations(deps, place.id, signal)
      : await orphans(deps, place.seq);
  for (const verdict of verdicts) await deps.checks.record(verdict);
  const unconfirmed = verdicts.filter(({ status }) => status === 'unconfirmed').length;
  const step = { checked: verdicts.length, unconfirmed, complete: next === null };
  await deps.checks.advance(pass, { ...step, cursor: next === null ? '' : cursorOf(next) });
  return { ...step, failures: await deps.checks.failures() };
}

async function conversations(deps: LogCheckDeps, after: string, signal: AbortSignal): Promise<Batch> {
  const page = await deps.checks.after(after, BATCH);
  const until_ms = Date.now() + BATCH_MS;
  const verdicts: ChainVerdict[] = [];
  let last = after;
  for (const { id, status } of page) {
    if (signal.aborted || Date.now() > until_ms) return { next: { at: 'conversations', id: last }, verdicts };
    last = id;
    if (status !== 'running') verdicts.push((await verdictOn(deps, id, SELF)).verdict);
  }
  const next: Place = page.length < BATCH ? { at: 'heads', seq: 1 } : { at: 'conversations', id: last };
  return { next, verdicts };
}

async function orphans(deps: LogCheckDeps, seq: number): Promise<Batch> {
  const page = await deps.heads.page(seq, BATCH);
  if (page === undefined)
    throw new PlatformError(
      'unavailable',
      'The event bus cannot be asked which heads it keeps. The check goes on from here when it can.',
      { retry_after_ms: 5000 },
    );
  const verdicts = (await deps.checks.absent(page.ids)).map(
    (id): ChainVerdict => ({
      id,
      ok: false,
      status: 'broken',
      records: 0,
      broken_at: 0,
      reason:
        'The store has no such conversation, and the event bus keeps the head of its log: it was removed.',
      head: null,
    }),
  );
  return { next: page.next === null ? null : { at: 'heads', seq: page.next }, verdicts };
}

function cursorOf(place: Place): string {
  return place.at === 'heads' ? `heads:${place.seq}` : place.id;
}

function placeOf(cursor: string): Place {
  const seq = /^heads:(\d+)$/.exec(cursor)?.[1];
  return seq === undefined ? { at: 'conversations', id: cursor } : { at: 'heads', seq: Number(seq) };
}
