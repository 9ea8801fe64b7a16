import { z } from 'zod';
import { ChainVerdict } from '../conversation/conversation.ts';

/** Report of one run of a governance job. */
export const GovernanceRun = z.object({
  job: z.string(),
  id: z.uuid(),
  started_at: z.iso.datetime(),
  finished_at: z.iso.datetime().nullable(),
  ok: z.boolean().nullable(),
  checked: z.number().int().nonnegative(),
  /** Of them, those that could not be confirmed just now. */
  unconfirmed: z.number().int().nonnegative().default(0),
  /** True when everything was looked at; false when the next run goes on from here. */
  complete: z.boolean().default(true),
  failures: z.array(ChainVerdict),
  error: z.string().nullable(),
});
export type GovernanceRun = z.infer<typeof GovernanceRun>;
