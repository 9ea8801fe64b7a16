/** Where the dependencies of a stack are: run by the program, run by somebody else, or not there. */
import type { ServiceManifest } from '@mcp/contracts';
import { dependencies, type KnownDependency } from '@mcp/dependencies';
import type { ExternalHost, KubernetesSettings } from './kubernetes.ts';

/** A dependency that the program runs in the clusters of a stack. */
export interface RunHere {
  readonly by: 'program';
  readonly image: string;
  readonly replicas: number;
  readonly storage_gib: number | undefined;
}

/** One that somebody else runs, with the addresses where it is reached. */
interface RunElsewhere {
  readonly by: 'others';
  readonly hosts: readonly ExternalHost[];
}

/** What of a stack says where they are. */
interface Placed {
  readonly nats: { readonly external_url?: string | undefined };
  readonly kubernetes: KubernetesSettings;
}

/** Those that have a setting of their own, for more hangs on it than where they are. Undefined: the setting says nothing. */
const OWN_SETTING: Readonly<Record<string, (stack: Placed) => readonly ExternalHost[] | undefined>> = {
  nats: ({ nats, kubernetes }) => (nats.external_url === undefined ? undefined : kubernetes.egress.nats),
  postgres: ({ kubernetes }) => (kubernetes.database === 'external' ? kubernetes.egress.database : undefined),
  // Without collectors of the program's own the services may reach another one.
  collector: ({ kubernetes }) =>
    kubernetes.dependencies.collector === undefined ? kubernetes.egress.otlp : undefined,
};

/** Where a stack has a dependency; undefined: nowhere. */
export function placeOf(stack: Placed, name: KnownDependency): RunHere | RunElsewhere | undefined {
  const hosts = OWN_SETTING[name]?.(stack);
  if (hosts !== undefined) return hosts.length === 0 ? undefined : { by: 'others', hosts };
  const { manifest } = dependencies[name];
  const said = stack.kubernetes.dependencies[name];
  if (said === undefined) return undefined;
  if ('hosts' in said) return { by: 'others', hosts: said.hosts };
  return manifest.runs === undefined
    ? undefined
    : {
        by: 'program',
        image: said.image ?? manifest.runs.image,
        replicas: said.replicas,
        storage_gib: said.storage_gib,
      };
}

/** The dependency that the program runs in the clusters of a stack; undefined where it does not. */
export function runHere(stack: Placed, name: KnownDependency): RunHere | undefined {
  const place = placeOf(stack, name);
  return place?.by === 'program' ? place : undefined;
}

/** Names of all dependencies, in the order of their table. */
export const DEPENDENCY_NAMES = Object.keys(dependencies) as readonly KnownDependency[];

/** Whether a name that a manifest needs is one of the table. */
function isDependency(name: string): name is KnownDependency {
  return Object.hasOwn(dependencies, name);
}

/** What services need, each once, in the order in which they say it. */
export function neededBy(manifests: readonly ServiceManifest[]): KnownDependency[] {
  return [...new Set(manifests.flatMap(({ needs }) => needs))].filter(isDependency);
}

/** Dependencies that a stack must have and has not. */
export function missingDependencies(stack: Placed, needed: readonly KnownDependency[]): KnownDependency[] {
  return needed.filter(
    (name) => dependencies[name].manifest.presence === 'required' && placeOf(stack, name) === undefined,
  );
}

/** Why the needs and ports of services do not fit the table of dependencies: a line each. */
export function dependencyFaults(manifests: readonly ServiceManifest[]): string[] {
  const unknown = manifests.flatMap(({ name, needs }) =>
    needs
      .filter((one) => !isDependency(one))
      .map(
        (one) =>
          `${name} needs ${one}, which is not in dependencies/: there are ${DEPENDENCY_NAMES.join(', ')}; add a folder for it`,
      ),
  );
  const clashes = DEPENDENCY_NAMES.flatMap((dependency) =>
    dependencies[dependency].manifest.ports.flatMap(({ number }) =>
      manifests
        .filter(({ port }) => port === number)
        .map(
          ({ name }) =>
            `port ${number} is used twice, by ${dependency} and ${name}: give one of them another port`,
        ),
    ),
  );
  return [...unknown, ...clashes];
}
