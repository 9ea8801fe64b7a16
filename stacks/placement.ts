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

type Placement = z.input<typeof ServicePlacement>;

/** Every service in a process of its own, each as its manifest says; what a stack says otherwise, by service, and `false` for one that it leaves out. */
export function everyService(
  otherwise: { readonly [N in ServiceName]?: Omit<Placement, 'service'> | false } = {},
): Placement[] {
  return ServiceName.options.flatMap((service) => {
    const own = otherwise[service];
    return own === false ? [] : [{ service, ...own }];
  });
}

/** The services of one process or pod: the placed one, and those in the same process. */
export type Placed = Pick<ServicePlacement, 'service' | 'in_process'>;

/** The services of one process or pod: the placed one, then those in the same process. */
export function servicesOf(placement: Placed): readonly ServiceName[] {
  return [placement.service, ...placement.in_process.filter((name) => name !== placement.service)];
}
