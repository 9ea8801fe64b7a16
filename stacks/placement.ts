/** Which services run in one process. */
import { ServiceName } from '@mcp/contracts';
import { z } from 'zod';

/** One process of the local runner, or one Deployment: a service and those in the same process. */
export const ServicePlacement = z.object({
  service: ServiceName,
  in_process: z.array(ServiceName).default([]),
  /** Size and scaling come from the manifest unless overridden here. */
  replicas: z.number().int().min(1).optional(),
  /** False: the number of replicas stays as it is. */
  autoscale: z.boolean().optional(),
});
export type ServicePlacement = z.infer<typeof ServicePlacement>;

/** The services of one process or pod: the placed one, and those in the same process. */
export type Placed = Pick<ServicePlacement, 'service' | 'in_process'>;

/** The services of one process or pod: the placed one, then those in the same process. */
export function servicesOf(placement: Placed): readonly ServiceName[] {
  return [placement.service, ...placement.in_process.filter((name) => name !== placement.service)];
}
