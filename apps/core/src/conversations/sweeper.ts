import { setTimeout as sleep } from 'node:timers/promises';
import { type ConversationStatus, type LogRecord, PlatformError, type Retention } from '@mcp/contracts';
import { isFinished } from '@mcp/conversation';
import { sessionEntry, signLog } from '@mcp/provenance';
import type { Logger } from '@mcp/service-kit';
import type { AccessLog } from '../encryption/accesses.ts';
import type { ClearRows } from '../encryption/clear-rows.ts';
import type { Committer } from '../log/committer.ts';
import type { LogPublisher } from '../log/publisher.ts';
import { checkLog, headerOf, type LogStateDeps, SELF } from '../log/state.ts';
import { dueByOwner } from '../retention/terms.ts';
import type { AnswerStore } from '../store/answers.ts';
import type { ConversationStore, Lease, Stored } from '../store/conversations.ts';
import type { FeedbackStore } from '../store/feedback.ts';
import type { Leases } from '../store/leases.ts';
import type { LogEntries } from '../store/log-entries.ts';
import type { Upkeep } from '../store/upkeep.ts';

const SWEEP_MS = 5000;
/** Conversations looked after in one sweep; the rest waits for the next. */
const MAX_PER_SWEEP = 100;
/** How long a sweep waits for the bus. */
const REFRESH_MS = 1000;
/** When a log that could not be committed is tried again. */
const AGAIN_MS = 10_000;

export interface SweeperDeps extends LogStateDeps {
  readonly upkeep: Upkeep;
  readonly answers: AnswerStore;
  readonly clear: ClearRows;
  readonly accesses: AccessLog;
  readonly feedback: Pick<FeedbackStore, 'expire'>;
  readonly leases: Leases;
  readonly committer: Committer;
  readonly entries: LogEntries;
  readonly publisher: Pick<LogPublisher, 'nudge'>;
  /** How long answers and feedback are kept. */
  readonly policy: Retention;
  readonly log: Logger;
}

/**
 * Looks, again and again, for conversations whose run is dead (its lease has ended), and for logs that could not be
 * committed, whichever replica they were of: the first are marked interrupted, both are committed. Stored answers
 * and feedback that are too old are forgotten, and what is in the clear from before is encrypted.
 */
export class Sweeper {
  readonly #deps: SweeperDeps;
  readonly #timer: NodeJS.Timeout;
  #sweeping: Promise<void> | undefined;
  #closed = false;

  constructor(deps: SweeperDeps) {
    this.#deps = deps;
    this.#timer = setInterval(() => void this.sweep(), SWEEP_MS).unref();
  }

  /** One sweep. Does not throw: the next one tries again. */
  sweep(): Promise<void> {
    this.#sweeping ??= this.#sweep()
      .catch((err: unknown) => this.#deps.log.error({ err }, 'conversations could not be looked after'))
      .finally(() => {
        this.#sweeping = undefined;
      });
    return this.#sweeping;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#sweeping;
  }

  async #sweep(): Promise<void> {
    const { heads, upkeep, answers, feedback, accesses, committer, policy } = this.#deps;
    const now_ms = Date.now();
    const due = {
      answers: dueByOwner(policy, 'answer_days', now_ms),
      feedback: dueByOwner(policy, 'feedback_days', now_ms),
    };
    if (due.answers !== undefined) await answers.expire(due.answers);
    if (due.feedback !== undefined) await feedback.expire(due.feedback);
    await accesses.expire();
    await this.#encrypt();
    // A bus that is away must not keep dead runs waiting.
    await Promise.race([heads.refresh(), sleep(REFRESH_MS, undefined, { ref: false })]);
    if (heads.reachable) await upkeep.recommitOthers(heads.generation, MAX_PER_SWEEP);
    // What only waits for the bus or the archive goes on waiting while they are away.
    const only_running = !heads.reachable || committer.paused;
    await this.#enter();
    for (const id of await upkeep.due({ limit: MAX_PER_SWEEP, only_running })) {
      if (this.#closed) return;
      await this.#lookAfter(id);
    }
  }

  /** What is in the clear from before stays so while the key management service is away. */
  async #encrypt(): Promise<void> {
    const { clear, log } = this.#deps;
    await clear.sweep(MAX_PER_SWEEP).catch((err: unknown) => {
      log.error({ err }, 'conversations from before encryption could not be encrypted');
    });
  }

  /** Takes what waits to the transparency log, records from before there was one too. */
  async #enter(): Promise<void> {
    const { entries, store, publisher, log } = this.#deps;
    for (const id of await entries.behind(MAX_PER_SWEEP)) {
      const records = await hashesOf(store, id).catch((err: unknown) => {
        log.error(
          { err, conversation_id: id },
          'records cannot be read, and are not entered in the transparency log',
        );
        return [];
      });
      await entries.catchUp(id, records);
    }
    publisher.nudge();
  }

  async #lookAfter(id: string): Promise<void> {
    const { leases, upkeep, log } = this.#deps;
    const lease = leases.hold(id);
    try {
      if (await upkeep.take(lease)) await this.#end(lease);
    } catch (err) {
      log.error({ err, conversation_id: id }, 'a conversation could not be looked after');
    } finally {
      leases.release(lease);
    }
  }

  async #end(lease: Lease): Promise<void> {
    const { store, committer, secret, log } = this.#deps;
    const tombstone = await store.tombstone(lease.id, SELF);
    if (tombstone !== undefined) {
      const { log: erased, stored } = tombstone;
      const commitment = await committer.commitErased(erased);
      const session = sessionEntry(lease.id, stored.records);
      return store.endRun(lease, { status: 'cancelled', commitment, session, again_ms: AGAIN_MS });
    }
    const { stored, verdict } = await checkLog(this.#deps, lease.id, SELF);
    const status = statusAtRest(stored);
    const { head, mac, anchored } = stored;
    if (verdict.status === 'broken')
      log.error(
        { conversation_id: lease.id, reason: verdict.reason },
        'a log does not verify; it is left as it is',
      );
    const commitment =
      verdict.status === 'broken'
        ? { head, mac, anchored }
        : await committer.commit(signLog(headerOf(stored), stored.records, secret));
    const session =
      verdict.status === 'broken' || stored.records.length === 0
        ? undefined
        : sessionEntry(lease.id, stored.records);
    await store.endRun(lease, { status, commitment, session, again_ms: AGAIN_MS }).catch((error: unknown) => {
      // A run has taken it meanwhile: it is alive.
      if (!(error instanceof PlatformError && error.code === 'conflict')) throw error;
    });
    if (stored.summary.status === 'running')
      log.warn(
        { conversation_id: lease.id, status, committed: commitment !== undefined },
        'a dead run was ended',
      );
  }
}

/** What a conversation is once nobody is at work on it. */
function statusAtRest({ summary, records }: Stored): ConversationStatus {
  if (summary.status !== 'running') return summary.status;
  return isFinished(records, summary.exchanges) ? 'completed' : 'interrupted';
}

/** What the transparency log is given of a conversation, of an erased one too. */
async function hashesOf(
  store: ConversationStore,
  id: string,
): Promise<readonly Pick<LogRecord, 'seq' | 'hash'>[]> {
  const tombstone = await store.tombstone(id, SELF);
  return tombstone === undefined ? (await store.get(id, SELF)).records : tombstone.stored.records;
}
