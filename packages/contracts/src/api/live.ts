import { z } from 'zod';
import { ModelInfo, QueueStatus } from '../models/model.ts';

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

const figure = z.number().nonnegative();

/** Rates of the last minute and totals since the gateways started. */
export const RequestFigures = z.object({
  p50_ms: figure.nullable(),
  p95_ms: figure.nullable(),
  requests_per_s: figure,
  error_ratio: figure,
  tokens_in_total: figure,
  tokens_out_total: figure,
  replicas: z.int().positive().describe('Gateways whose figures these are.'),
});
export type RequestFigures = z.infer<typeof RequestFigures>;

/** `GET /admin/stats`: what the region does now. */
export const PlatformStats = z.object({
  at: z.iso.datetime(),
  ...RequestFigures.shape,
  queues: z.array(QueueStatus),
  models: z.array(ModelInfo),
});
export type PlatformStats = z.infer<typeof PlatformStats>;
