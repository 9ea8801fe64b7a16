import { DefinitionError, type ServiceManifest, type ServiceName } from '@mcp/contracts';
import { manifest as core } from '../apps/core/manifest.ts';
import { manifest as gateway } from '../apps/gateway/manifest.ts';
import { manifest as governance } from '../apps/governance/manifest.ts';
import { manifest as modelGateway } from '../apps/model-gateway/manifest.ts';
import { manifest as taskEngine } from '../apps/task-engine/manifest.ts';
import { manifest as transparencyLog } from '../apps/transparency-log/manifest.ts';
import { dependencyFaults } from './dependencies.ts';

/** Every deployable, by name. A new service: a folder in `apps/` with a `manifest.ts`, and one line here. */
export const services = distinct({
  gateway,
  core,
  'model-gateway': modelGateway,
  'task-engine': taskEngine,
  governance,
  'transparency-log': transparencyLog,
});

/** Checks that services can live in one process or on one machine. Throws a DefinitionError. */
export function distinct<const T extends Readonly<Record<ServiceName, ServiceManifest>>>(all: T): T {
  const manifests = Object.values<ServiceManifest>(all);
  const faults: string[] = manifests.flatMap(({ name, port }, at) =>
    manifests
      .slice(at + 1)
      .filter((other) => other.port === port)
      .map(
        (other) => `port ${port} is used twice, by ${name} and ${other.name}: give one of them another port`,
      ),
  );
  faults.push(...dependencyFaults(manifests));
  if (faults.length > 0) throw new DefinitionError('The table of services', faults);
  return all;
}

/** New pods stand beside the old ones in a rollout, and Flagger keeps a second set for what it tries. */
export const ROLLOUT_SETS = 2;

/** Replicas of a placed service before any autoscaler acts. */
export function startReplicas({
  service,
  replicas,
}: {
  readonly service: ServiceName;
  readonly replicas?: number | undefined;
}): number {
  const { scaling }: ServiceManifest = services[service];
  return replicas ?? (scaling.on === 'fixed' ? scaling.replicas : scaling.min);
}
