import { z } from 'zod';

/** Where data may live and be worked on. */
export const Residency = z.enum(['eu', 'us', 'any']);
export type Residency = z.infer<typeof Residency>;

/** A row of the routing table that gateways are given, and show at `GET /v1/regions`. */
export const RegionRoute = z.object({
  name: z.string(),
  residency: Residency,
  /** Where clients are near, for routing by latency. */
  latency_zone: z.string(),
  /** Lower is preferred. */
  priority: z.number().int(),
  /** Base URL of its gateway; null where only its own clients know it. */
  url: z.url().nullable(),
  /** True: it fails over to the region whose table this is, where its keys are good too. */
  fails_over_here: z.boolean(),
});
export type RegionRoute = z.infer<typeof RegionRoute>;
