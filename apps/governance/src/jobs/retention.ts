import type { GovernanceJob } from './job.ts';

/** How long one run goes on; what is left, the next one erases. */
const RUN_MS = 40 * 60_000;

/** Erases conversations whose time is over. The core does it in batches, and remembers how far it has come. */
export const retention: GovernanceJob = {
  name: 'retention',
  async run({ clients, log, call }) {
    const until_ms = Date.now() + RUN_MS;
    const erased = { conversations: 0, records: 0, held: 0 };
    let complete = false;
    while (!complete && Date.now() < until_ms) {
      call.signal.throwIfAborted();
      const batch = await clients.core.prune(call);
      erased.conversations += batch.conversations;
      erased.records += batch.records;
      erased.held += batch.held;
      complete = batch.complete;
    }
    log.info({ ...erased, complete }, 'conversations whose time is over were erased');
    return { checked: erased.conversations, unconfirmed: 0, complete, failures: [] };
  },
};
