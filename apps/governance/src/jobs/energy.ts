import { bringEnergyUpToDate } from '@mcp/model-serving/energy';
import type { GovernanceJob } from './job.ts';

/**
 * Brings the joules per token of every model up to date once a day. Models of which too few tokens came since, or whose
 * figure is of today, count as unconfirmed: theirs stays.
 */
export const energy: GovernanceJob = {
  name: 'energy',
  async run({ bus, log, call }) {
    const found = { checked: 0, unconfirmed: 0, complete: true, failures: [] };
    for await (const { model, j_per_token, changed } of bringEnergyUpToDate(await bus(), Date.now())) {
      call.signal.throwIfAborted();
      found.checked++;
      if (!changed) found.unconfirmed++;
      log.info({ model, j_per_token, changed }, 'joules per token');
    }
    return found;
  },
};
