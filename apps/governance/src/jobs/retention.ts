import type { CallContext } from '@mcp/contracts';
import type { Clients } from '@mcp/service-kit';
import type { GovernanceJob } from './job.ts';

/** How long one run goes on; what is left, the next one erases. */
const RUN_MS = 40 * 60_000;

/**
 * Erases conversations whose time is over: the core does it in batches, and remembers how far it has come. Then jobs,
 * which are the task-engine's, by what the core says of their time and of holds.
 */
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
    const jobs = await eraseJobs(clients, call, until_ms);
    log.info(jobs, 'jobs whose time is over were erased');
    return {
      checked: erased.conversations + jobs.erased,
      unconfirmed: 0,
      complete: complete && jobs.complete,
      failures: [],
    };
  },
};

async function eraseJobs({ core, taskEngine }: Clients, call: CallContext, until_ms: number) {
  const found = { erased: 0, held: 0, renewed: 0 };
  let after = 0;
  do {
    call.signal.throwIfAborted();
    const { jobs, next } = await taskEngine.ended({ after }, call);
    if (jobs.length > 0) {
      const { due, held } = await core.dueJobs({ jobs }, call);
      const keep = jobs.map(({ id }) => id).filter((id) => !due.includes(id));
      const { erased, renewed } = await taskEngine.settle({ erase: due, keep }, call);
      found.erased += erased;
      found.renewed += renewed;
      found.held += held;
    }
    if (next === null) return { ...found, complete: true };
    after = next;
  } while (Date.now() < until_ms);
  return { ...found, complete: false };
}
