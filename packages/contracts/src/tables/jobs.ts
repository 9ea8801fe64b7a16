import { z } from 'zod';
import { PageLimit } from '../api/call.ts';

/** The work a job does. A new kind: one row here, one file in `apps/task-engine/src/jobs/`. */
export const JobSpec = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('summarize-conversation'),
    conversation_id: z.uuid(),
    model: z.string().min(1).max(200).optional(),
  }),
  z.strictObject({
    kind: z.literal('embed-batch'),
    texts: z.array(z.string().min(1).max(20_000)).min(1).max(2048),
    model: z.string().min(1).max(200).optional(),
  }),
  z.strictObject({
    kind: z.literal('export'),
    conversation_ids: z.array(z.uuid()).min(1).max(1000).optional(),
    format: z.enum(['jsonl']).default('jsonl'),
  }),
]);
export type JobSpec = z.infer<typeof JobSpec>;
export type JobKind = JobSpec['kind'];

/** A figure of the grid as it is now, of carbon or of money, asked for at somebody's server. */
const PowerSignal = z.strictObject({
  /** Answers `GET` with JSON in one of the shapes of docs/scheduling.md. */
  url: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }),
  /** Jobs wait while it is higher. */
  max: z.number().nonnegative(),
  every_s: z.number().int().min(1).max(3600).default(300),
  /** What was read longer ago does not count any more. */
  stale_s: z
    .number()
    .int()
    .min(1)
    .max(24 * 3600)
    .default(1800),
});
export type PowerSignal = z.infer<typeof PowerSignal>;

/** When electricity is cheap, and which jobs wait for it. Never what a client waits for: that is no job. */
export const OffPeak = z
  .strictObject({
    /** Price of each hour of the day in UTC, from midnight on, in any unit: of a tariff, or of the carbon in it. */
    tariff: z
      .array(z.number().nonnegative())
      .length(24, 'must have a price for each of the 24 hours')
      .optional(),
    /** Hours of at most this price are off-peak. */
    max_price: z.number().nonnegative().optional(),
    /** Counts before the hours, as long as it is known. */
    signal: PowerSignal.optional(),
    kinds: z
      .array(z.enum(JobSpec.options.map(({ shape }) => shape.kind.value)))
      .min(1)
      .default(['embed-batch']),
    /** After so long a job begins whatever the hour. */
    latest_s: z
      .number()
      .int()
      .min(1)
      .max(48 * 3600)
      .default(24 * 3600),
  })
  .refine(({ tariff, max_price }) => (tariff === undefined) === (max_price === undefined), {
    error: 'tariff and max_price go together: name both, or neither beside a signal',
  })
  .refine(({ tariff, signal }) => tariff !== undefined || signal !== undefined, {
    error: 'name a tariff with its max_price, a signal, or both',
  });
export type OffPeak = z.infer<typeof OffPeak>;

/** The JetStream stream of jobs that wait, and the durable consumer through which the engines take them. */
export const JOB_QUEUE = { stream: 'MCP_JOBS', consumer: 'workers' } as const;

export const JobStatus = z.enum(['queued', 'running', 'retrying', 'completed', 'cancelled', 'dead']);
export type JobStatus = z.infer<typeof JobStatus>;

export const Job = z.object({
  id: z.uuid(),
  kind: z.string(),
  status: JobStatus,
  owner: z.string(),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
  attempt: z.number().int().nonnegative(),
  max_attempts: z.number().int().positive(),
  progress: z.object({ done: z.number().nonnegative(), total: z.number().nonnegative(), note: z.string() }),
  trace_id: z.string(),
  /** Present when completed. */
  result: z.unknown().optional(),
  /** Present when retrying or dead: what went wrong, for the client. */
  error: z.object({ code: z.string(), message: z.string() }).optional(),
});
export type Job = z.infer<typeof Job>;

/** What of a job's `result` is at `GET /v1/jobs/{id}/result`. */
export const JobFile = z.object({
  href: z.string(),
  content_type: z.string(),
  size_bytes: z.number().int().nonnegative(),
  /** SHA-256 (hex) of the content. */
  sha256: z.string(),
});
export type JobFile = z.infer<typeof JobFile>;

/** `POST /v1/jobs`. The same `idempotency_key` of one owner gives the same job. */
export const CreateJobRequest = z.strictObject({
  spec: JobSpec,
  idempotency_key: z.string().min(1).max(200).optional(),
});
export type CreateJobRequest = z.infer<typeof CreateJobRequest>;

export const ListJobsQuery = z.strictObject({
  status: JobStatus.optional(),
  limit: PageLimit,
});
export type ListJobsQuery = z.infer<typeof ListJobsQuery>;
