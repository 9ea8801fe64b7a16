import { dev } from './dev.ts';
import { local } from './local.ts';
import { multiRegion } from './multi-region.ts';
import { prod } from './prod.ts';
import type { Stack } from './schema.ts';

export * from './addons.ts';
export { remoteBackends } from './backends.ts';
export { canonical } from './canonical.ts';
export * from './context.ts';
export * from './dependencies.ts';
export * from './environment.ts';
export { FLAGS, isFlag } from './flags.ts';
export * from './identities.ts';
export * from './kubernetes.ts';
export { METRICS, type MetricName, type Metrics } from './metrics.ts';
export * from './peers.ts';
export * from './placement.ts';
export * from './schema.ts';
export * from './secrets.ts';
export { ROLLOUT_SETS, services, startReplicas } from './services.ts';
export { VARIABLES, type VariableRow } from './variables.ts';

/** Every stack, by name. A new environment is a new file and one entry here. */
export const stacks: Readonly<Record<string, Stack>> = { local, 'multi-region': multiRegion, dev, prod };
