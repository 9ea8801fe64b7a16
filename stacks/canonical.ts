import type { Region, Stack } from './schema.ts';

/**
 * The same stack with every list that is a set in one order, so that who moves a line of it changes nothing. Regions
 * stand by their priority, the preferred one first. What is ordered on purpose stays: a region's peers.
 */
export function canonical(stack: Stack): Stack {
  const { kubernetes } = stack;
  return {
    ...stack,
    regions: [...stack.regions].sort(byPriority),
    services: sortedBy(
      stack.services.map((one) => ({ ...one, in_process: [...one.in_process].sort() })),
      ({ service }) => service,
    ),
    models: sortedBy(stack.models, ({ id }) => id),
    features: Object.fromEntries(sortedBy(Object.entries(stack.features), ([name]) => name)),
    kubernetes: {
      ...kubernetes,
      images: {
        ...kubernetes.images,
        platforms: [...kubernetes.images.platforms].sort(),
        allowed_registries: [...kubernetes.images.allowed_registries].sort(),
      },
      egress: sortedEgress(kubernetes.egress),
    },
  };
}

function byPriority(a: Region, b: Region): number {
  return a.priority - b.priority || (a.name < b.name ? -1 : 1);
}

type Egress = Stack['kubernetes']['egress'];

function sortedEgress(egress: Egress): Egress {
  const sorted = Object.entries(egress).map(([kind, hosts]) => [
    kind,
    sortedBy(
      hosts.map((host) => ({ ...host, except: [...host.except].sort() })),
      ({ cidr, port, except }) => `${cidr} ${port} ${except.join()}`,
    ),
  ]);
  return Object.fromEntries(sorted) as Egress;
}

/** By code units: the same on every machine, whatever its language. */
function sortedBy<T>(list: readonly T[], keyOf: (one: T) => string): T[] {
  const keyed = list.map((one) => ({ one, key: keyOf(one) }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ one }) => one);
}
