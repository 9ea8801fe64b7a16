import { setTimeout as sleep } from 'node:timers/promises';
import { type CallContext, type LogCheck, PlatformError } from '@mcp/contracts';
import type { Clients } from '@mcp/service-kit';
import type { Findings, GovernanceJob } from './job.ts';

/** How long one run goes on; a pass over more logs takes several. */
const RUN_MS = 50 * 60_000;
/** When the core is asked again while another replica of governance has it check. */
const AGAIN_MS = 1000;

/**
 * Verifies every conversation log against what is kept of it outside the store. The core does it in batches and
 * remembers in its store how far it has come and what it has found, so that a run goes on where the last one stopped.
 */
export const logCheck: GovernanceJob = {
  name: 'log-check',
  async run({ clients, metrics, log, call }) {
    const until_ms = Date.now() + RUN_MS;
    const known = new Set<string>();
    let found: Findings = { checked: 0, unconfirmed: 0, complete: false, failures: [] };
    do {
      call.signal.throwIfAborted();
      const batch = await nextBatch(clients, call);
      if (batch === undefined) continue;
      found = {
        checked: found.checked + batch.checked,
        unconfirmed: found.unconfirmed + batch.unconfirmed,
        complete: batch.complete,
        failures: batch.failures,
      };
      for (const { id, broken_at, reason } of batch.failures.filter((one) => !known.has(one.id))) {
        known.add(id);
        log.error({ conversation_id: id, broken_at, reason }, 'a conversation log does not verify');
      }
    } while (!found.complete && Date.now() < until_ms);
    const { checked, unconfirmed, failures } = found;
    const counts = {
      broken: failures.length,
      unconfirmed,
      ok: Math.max(0, checked - unconfirmed - failures.length),
    };
    for (const [status, count] of Object.entries(counts))
      metrics.inc('provenance_verifications_total', { status }, count);
    return found;
  },
};

/** Undefined: somebody else has the core check just now, which was waited for a moment. */
async function nextBatch({ core }: Clients, call: CallContext): Promise<LogCheck | undefined> {
  try {
    return await core.checkLogs(call);
  } catch (error) {
    if (!(error instanceof PlatformError && error.code === 'overloaded')) throw error;
    await sleep(AGAIN_MS, undefined, { signal: call.signal });
    return undefined;
  }
}
