/** How many connections to PostgreSQL each replica of core may have. */
import type { KubernetesSettings } from './kubernetes.ts';
import type { ServicePlacement } from './placement.ts';
import { ROLLOUT_SETS, services, startReplicas } from './services.ts';

/** One for a transaction, one beside it. */
const FEWEST = 2;

/** What of a stack the connections follow from. */
interface Placed {
  readonly services: readonly ServicePlacement[];
  readonly regions: readonly unknown[];
  readonly kubernetes: Pick<KubernetesSettings, 'database' | 'database_connections'>;
}

/** Pods with core in them that there are at most, in all regions together. */
function mostPods({ services: placed, regions }: Placed): number {
  const most = placed
    .filter(({ service, in_process }) => service === 'core' || in_process.includes('core'))
    .map((placement) => {
      const { scaling } = services[placement.service];
      return scaling.on === 'cpu' && placement.autoscale !== false ? scaling.max : startReplicas(placement);
    });
  return ROLLOUT_SETS * (most[0] ?? 1) * regions.length;
}

/**
 * Connections to PostgreSQL that one replica of core may have, so that all of them, in every region, have no more than
 * the database has.
 */
export function connectionsPerReplica(stack: Placed): number {
  return Math.floor(stack.kubernetes.database_connections / mostPods(stack));
}

/** Why the connections of an external database are too few; undefined where they are enough. */
export function shortOfConnections(stack: Placed): string | undefined {
  const { database, database_connections } = stack.kubernetes;
  if (database !== 'external' || connectionsPerReplica(stack) >= FEWEST) return undefined;
  const pods = mostPods(stack);
  return `is ${database_connections}, but up to ${pods} pods of core need ${FEWEST} each: allow PostgreSQL ${FEWEST * pods} or more (max_connections) and say so here, or let core scale less`;
}
