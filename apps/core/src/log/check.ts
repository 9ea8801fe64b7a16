import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ChainVerdict, type LogCheck, PlatformError } from '@mcp/contracts';
import type { LogChecks } from '../store/log-checks.ts';
import type { LogCheckRow } from '../store/schema.ts';
import type { TamperAlerts } from './alerts.ts';
import type { LogHeads } from './heads.ts';
import { type LogScanDeps, SCANNED, scanLog, scanPiece } from './scan.ts';
import { type LogStateDeps, SELF } from './state.ts';
import { verdictOn } from './verdicts.ts';

/** What one batch looks at, at most, and how long it may take: whoever wants more asks again. */
const BATCH = 200;
const BATCH_MS = 5000;

export interface LogCheckDeps extends LogStateDeps {
  readonly checks: LogChecks;
  readonly heads: LogHeads;
  /** The transparency log, and what the store has of it; undefined: there is none. */
  readonly scan: LogScanDeps | undefined;
  readonly alerts: TamperAlerts;
  /** Logs, heads and bundles of entries that are looked at in a second, at most. */
  readonly checks_per_second: number;
}

/** A place in the pass: first all conversations in the order of ids, then all heads in the order of the bucket, then all of the transparency log. */
type Place =
  | { readonly at: 'conversations'; readonly id: string }
  | { readonly at: 'heads'; readonly seq: number }
  | { readonly at: 'entries'; readonly index: number };

interface Batch {
  readonly next: Place | null;
  /** Logs, heads or bundles of entries that were looked at. */
  readonly steps: number;
  readonly verdicts: readonly ChainVerdict[];
}

/**
 * Checks the next logs: every conversation against what is kept outside, then every head that is kept outside for a
 * conversation that is no longer there, then every entry of the transparency log against the store. Goes on from where the last batch stopped, in whichever replica that was.
 */
export async function checkNext(deps: LogCheckDeps, signal: AbortSignal): Promise<LogCheck> {
  const pass = await deps.checks.pass();
  if (pass === undefined)
    throw new PlatformError('overloaded', 'Another replica checks logs just now. Ask again in a second.', {
      retry_after_ms: 1000,
    });
  try {
    return await checkBatch(deps, pass, signal);
  } finally {
    await deps.checks.release(pass);
    await deps.alerts.send();
  }
}

/** Checks logs that are picked at random: what is tampered with is found before the pass comes by, the more likely the more of it there is. */
export async function checkSample(
  deps: LogCheckDeps,
  conversations: number,
  signal: AbortSignal,
): Promise<LogCheck> {
  const verdicts = await checkEach(deps, await picked(deps, conversations), signal);
  if (deps.scan !== undefined) verdicts.push(...(await readable(scanPiece(deps.scan, Math.random()))));
  for (const verdict of verdicts) await deps.checks.record(verdict);
  await deps.alerts.send();
  const unconfirmed = verdicts.filter(({ status }) => status === 'unconfirmed').length;
  const failures = verdicts.filter(({ status }) => status === 'broken');
  return { checked: verdicts.length, unconfirmed, complete: true, failures };
}

/** Those behind a place at random, and round from the beginning: however few there are, each is picked. */
async function picked({ checks }: LogCheckDeps, most: number) {
  const from = randomUUID();
  const behind = await checks.after(from, most);
  if (behind.length === most) return behind;
  const round = await checks.after('', most - behind.length);
  return [...behind, ...round.filter(({ id }) => id <= from)];
}

async function checkBatch(deps: LogCheckDeps, pass: LogCheckRow, signal: AbortSignal): Promise<LogCheck> {
  const began_ms = performance.now();
  const { next, steps, verdicts } = await batchAt(deps, placeOf(pass.cursor), signal);
  for (const verdict of verdicts) await deps.checks.record(verdict);
  // What a pass before found in the log and this one did not is in order again.
  if (next === null) await deps.checks.resolve(SCANNED, pass.started_at);
  const unconfirmed = verdicts.filter(({ status }) => status === 'unconfirmed').length;
  const step = { checked: verdicts.length, unconfirmed, complete: next === null };
  await deps.checks.advance(pass, { ...step, cursor: next === null ? '' : cursorOf(next) });
  // So many in a second, and no more: the check is nobody's hurry.
  const pause_ms = (steps * 1000) / deps.checks_per_second - (performance.now() - began_ms);
  if (pause_ms > 0) await sleep(Math.min(pause_ms, BATCH_MS), undefined, { signal }).catch(() => undefined);
  return { ...step, failures: await deps.checks.failures() };
}

function batchAt(deps: LogCheckDeps, place: Place, signal: AbortSignal): Promise<Batch> {
  switch (place.at) {
    case 'conversations':
      return conversations(deps, place.id, signal);
    case 'heads':
      return orphans(deps, place.seq);
    case 'entries':
      return entries(deps, place.index);
    default:
      return place satisfies never;
  }
}

async function entries({ scan }: LogCheckDeps, index: number): Promise<Batch> {
  if (scan === undefined) return { next: null, steps: 0, verdicts: [] };
  const { next, bundles, verdicts } = await readable(scanLog(scan, index, Date.now() + BATCH_MS));
  return { next: next === null ? null : { at: 'entries', index: next }, steps: bundles, verdicts };
}

async function readable<T>(read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (cause) {
    if (cause instanceof PlatformError && cause.code === 'unavailable')
      throw new PlatformError(
        'unavailable',
        'The transparency log cannot be read just now. The check goes on from here when it can.',
        { retry_after_ms: 5000, cause },
      );
    throw cause;
  }
}

async function conversations(deps: LogCheckDeps, after: string, signal: AbortSignal): Promise<Batch> {
  const page = await deps.checks.after(after, BATCH);
  const verdicts: ChainVerdict[] = [];
  const until_ms = Date.now() + BATCH_MS;
  let last = after;
  for (const one of page) {
    if (signal.aborted || Date.now() > until_ms)
      return { next: { at: 'conversations', id: last }, steps: verdicts.length, verdicts };
    last = one.id;
    verdicts.push(...(await checkEach(deps, [one], signal)));
  }
  const next: Place = page.length < BATCH ? { at: 'heads', seq: 1 } : { at: 'conversations', id: last };
  return { next, steps: page.length, verdicts };
}

/** Verdicts on conversations that rest; none on those that run. */
async function checkEach(
  deps: LogCheckDeps,
  page: readonly { readonly id: string; readonly status: string }[],
  signal: AbortSignal,
): Promise<ChainVerdict[]> {
  const verdicts: ChainVerdict[] = [];
  for (const { id, status } of page)
    if (status !== 'running' && !signal.aborted) verdicts.push((await verdictOn(deps, id, SELF)).verdict);
  return verdicts;
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
  const next: Place = page.next === null ? { at: 'entries', index: 0 } : { at: 'heads', seq: page.next };
  return { next, steps: page.ids.length, verdicts };
}

function cursorOf(place: Place): string {
  switch (place.at) {
    case 'conversations':
      return place.id;
    case 'heads':
      return `heads:${place.seq}`;
    case 'entries':
      return `entries:${place.index}`;
    default:
      return place satisfies never;
  }
}

function placeOf(cursor: string): Place {
  const [, part, number] = /^(heads|entries):(\d+)$/.exec(cursor) ?? [];
  switch (part) {
    case 'heads':
      return { at: 'heads', seq: Number(number) };
    case 'entries':
      return { at: 'entries', index: Number(number) };
    default:
      return { at: 'conversations', id: cursor };
  }
}
