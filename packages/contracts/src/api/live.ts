import { z } from 'zod';
import { QueueStatus } from '../models/model.ts';

/** Subjects on which replicas tell each other every second what they know; nothing of it is kept. */
export const LIVE_SUBJECTS = { gateway: 'mcp.live.gateway', queues: 'mcp.live.queues' } as const;

/** The queues of one replica of the model-gateway. */
export const QueueReport = z.object({ queues: z.array(QueueStatus).max(10_000) });
export type QueueReport = z.infer<typeof QueueReport>;

/** What one gateway has seen in the last minute; several add up. */
export const GatewayReport = z.object({
  requests: z.number().int().nonnegative(),
  failed: z.number().int().nonnegative(),
  /** Requests by how long they took: pairs of a bucket of the histogram and its count. */
  durations: z.array(z.tuple([z.number().int().nonnegative(), z.number().int().positive()])).max(1000),
  /** Since it started. */
  tokens_in_total: z.number().nonnegative(),
  tokens_out_total: z.number().nonnegative(),
});
export type GatewayReport = z.infer<typeof GatewayReport>;
