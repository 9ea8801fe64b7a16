import type { GovernanceJob } from './job.ts';

/** A key that signs for longer is replaced. */
const MAX_AGE_DAYS = 30;

/**
 * Replaces the key that logs are signed with once it is old enough, takes up a change that a crash cut off, and destroys
 * the private key before it when nobody is to roll back to it any more. Throws where the keys do not verify.
 */
export const keyRotation: GovernanceJob = {
  name: 'key-rotation',
  async run({ clients, log, call }) {
    const change = { change: 'rotate', dry_run: false, rotate_if_older_than_days: MAX_AGE_DAYS } as const;
    const { steps, after } = await clients.core.changeLogKeys(change, call);
    log.info({ steps, ...after }, 'the keys of logs were looked after');
    return { checked: 1, unconfirmed: 0, complete: true, failures: [] };
  },
};
