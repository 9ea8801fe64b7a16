/** Erases conversations whose time is over, in batches: each is counted and erased in one transaction. */
import { type CallContext, PlatformError, type Retention, type RetentionBatch } from '@mcp/contracts';
import type { Eraser } from '../encryption/eraser.ts';
import type { CoreKit } from '../kit.ts';
import { SELF } from '../log/state.ts';
import type { ConversationStore } from '../store/conversations.ts';
import { type Candidate, countErased, placeIn, type RetentionStore } from '../store/retention.ts';
import { dueBefore, dueByOwner, sumsOf } from './terms.ts';

/** Conversations that are looked at in one batch, and how long it may take: whoever wants more asks again. */
const PAGE = 200;
const BATCH_MS = 5000;

export interface PrunerDeps {
  readonly policy: Retention;
  readonly store: ConversationStore;
  readonly retention: RetentionStore;
  readonly eraser: Eraser;
  readonly kit: Pick<CoreKit, 'metrics' | 'log'>;
}

type Outcome = 'erased' | 'held' | 'kept';

export class Pruner {
  readonly #deps: PrunerDeps;

  constructor(deps: PrunerDeps) {
    this.#deps = deps;
  }

  /** The next batch of the pass that is under way. What one batch leaves, the next one erases, in whichever replica. */
  async next(call: CallContext): Promise<RetentionBatch> {
    const { policy, retention } = this.#deps;
    const now_ms = Date.now();
    const before = dueByOwner(policy, 'conversation_days', now_ms)?.latest;
    const pass = await retention.pass();
    const at = { cursor: pass.cursor, limit: PAGE };
    const page = before === undefined ? [] : await retention.candidates({ ...at, before });
    const done = { conversations: 0, records: 0, held: 0 };
    let last: Candidate | undefined;
    for (const one of page) {
      if (call.signal.aborted || Date.now() > now_ms + BATCH_MS) break;
      last = one;
      const due = dueBefore(policy, 'conversation_days', { owner: one.owner, now_ms });
      if (due === undefined || one.updated_at >= due) continue;
      const { outcome, records } = await this.#prune(one, pass.started_at, call);
      if (outcome === 'erased') {
        done.conversations++;
        done.records += records;
      }
      if (outcome === 'held') done.held++;
    }
    const complete = page.length < PAGE && (last === page.at(-1) || page.length === 0);
    const cursor = last === undefined ? pass.cursor : placeIn(last);
    await retention.advance(pass, { cursor, held: done.held, complete });
    if (done.conversations > 0) await this.#deps.eraser.settle();
    return { ...done, complete };
  }

  async #prune(
    { id, updated_at }: Candidate,
    started_at: string,
    call: CallContext,
  ): Promise<{ outcome: Outcome; records: number }> {
    const { store, eraser, kit } = this.#deps;
    const count = (status: Outcome) => kit.metrics.inc('retention_conversations_total', { status });
    try {
      const stored = await store.get(id, SELF);
      const sums = sumsOf(stored);
      const { now } = await eraser.eraseResting(id, call, async (tx) => {
        const row = await tx
          .selectFrom('conversations')
          .select(['updated_at', 'status'])
          .where('id', '=', id)
          .executeTakeFirst();
        // It was gone on with meanwhile.
        if (row?.updated_at !== updated_at || row.status === 'running') return false;
        await countErased(tx, started_at, sums);
        return true;
      });
      if (!now) return { outcome: 'kept', records: 0 };
      count('erased');
      return { outcome: 'erased', records: stored.records.length };
    } catch (err) {
      if (err instanceof PlatformError && err.code === 'conflict') {
        count('held');
        return { outcome: 'held', records: 0 };
      }
      kit.log.error({ err, conversation_id: id }, 'a conversation whose time is over could not be erased');
      count('kept');
      return { outcome: 'kept', records: 0 };
    }
  }
}
