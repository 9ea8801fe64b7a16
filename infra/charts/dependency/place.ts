/** Where a dependency runs in a region: what its folder in `dependencies/` is told, and how it is started there. */
import type { Dependency, DependencyLink, DependencyStart, DependencyUser } from '@mcp/contracts';
import { dependencies, type KnownDependency } from '@mcp/dependencies';
import {
  DEPENDENCY_NAMES,
  dials,
  failingOverTo,
  linkedRegions,
  type Region,
  type RunHere,
  runHere,
  type Stack,
  storageBytes,
} from '@mcp/stacks';
import { type RegionContext, workloads } from '../../context.ts';

type Runs = NonNullable<Dependency['manifest']['runs']>;
export type Port = Dependency['manifest']['ports'][number];

/** A dependency that the program runs in the regions of a stack. */
export interface Running {
  readonly name: KnownDependency;
  readonly dependency: Dependency;
  readonly runs: Runs;
  readonly here: RunHere;
}

/** Those that the program runs, in the order of their table. */
export function running(stack: Stack): Running[] {
  return DEPENDENCY_NAMES.flatMap((name) => runningOne(stack, name) ?? []);
}

/** One of them by its name; undefined where the program does not run it. */
export function runningOne(stack: Stack, name: KnownDependency): Running | undefined {
  const dependency = dependencies[name];
  const { runs } = dependency.manifest;
  const here = runHere(stack, name);
  return runs === undefined || here === undefined ? undefined : { name, dependency, runs, here };
}

/** Number of a port of a dependency. Throws when it has none of that name. */
export function portOf(name: KnownDependency, port: string): number {
  const found = dependencies[name].manifest.ports.find((one) => one.name === port);
  if (found === undefined) throw new Error(`The dependency ${name} has no port ${port}.`);
  return found.number;
}

/** The Service by which each server of a dependency has an address of its own. */
export function headlessOf(name: string): string {
  return `${name}-headless`;
}

/** Pods with a service in them that needs a dependency. */
export function usersOf(stack: Stack, name: KnownDependency): DependencyUser[] {
  return workloads(stack)
    .filter(({ inside }) => inside.some(({ needs }) => needs.includes(name)))
    .map(({ manifest, inside }) => ({ name: manifest.name, inside }));
}

/** A region that the same dependency of this one is linked with. */
export interface Link {
  readonly region: Region;
  /** True: this region dials. */
  readonly dials: boolean;
  readonly same_cluster: boolean;
  readonly host: string;
}

/** Links of a dependency's regions. Each pair has one, which the less preferred region dials. */
export function linksOf(
  { stack, region }: Pick<RegionContext, 'stack' | 'region'>,
  name: KnownDependency,
): Link[] {
  return linkPort(dependencies[name]) === undefined
    ? []
    : linkedRegions(stack, region).map((other) => {
        const same_cluster = other.kube_context === region.kube_context;
        return {
          region: other,
          dials: dials(region, other),
          same_cluster,
          host: same_cluster ? nameInside(name, other) : nameOutside(stack, name, other),
        };
      });
}

function linkPort({ manifest }: Dependency): Port | undefined {
  return manifest.ports.find(({ from }) => from.includes('regions'));
}

/** The Service by which regions of other clusters reach a dependency of this one. */
export function linkServiceOf(name: string): string {
  return `${name}-link`;
}

/** Every such Service that there may be: no other may be a load balancer. */
export function linkServices(): string[] {
  return DEPENDENCY_NAMES.filter((name) => linkPort(dependencies[name]) !== undefined).map(linkServiceOf);
}

/** Whether other clusters dial this region, which they can only from outside. */
export function listensOutside(context: RegionContext, name: KnownDependency): boolean {
  return linksOf(context, name).some((link) => !link.dials && !link.same_cluster);
}

function nameInside(name: string, { namespace }: Region): string {
  return `${headlessOf(name)}.${namespace}.svc.cluster.local`;
}

/** Host name by which other clusters reach a dependency of a region. */
export function nameOutside(stack: Stack, name: string, region: Region): string {
  return `${name}.${region.name}.${stack.kubernetes.edge.host}`;
}

/** Names by which the servers of a stack are reached from each other: what a certificate for all of them holds. */
export function namesOf(stack: Stack, name: KnownDependency): string[] {
  const names = stack.regions.flatMap((region) => [
    nameInside(name, region),
    `*.${nameInside(name, region)}`,
    nameOutside(stack, name, region),
  ]);
  return [...new Set(names)].sort();
}

/** Ports that are open in a region: one for other servers or regions only where there are some. */
export function openPorts(context: RegionContext, { name, dependency, here }: Running): Port[] {
  const dialled = linksOf(context, name).some((link) => !link.dials);
  const open = ({ from }: Port) =>
    from.length === 0 ||
    from.some((caller) =>
      caller === 'replicas' ? here.replicas > 1 : caller === 'regions' ? dialled : true,
    );
  return dependency.manifest.ports.filter(open);
}

/** Whether its servers prove themselves by certificate: to each other, or to those of other regions. */
export function isCertified(context: RegionContext, { name, runs, here }: Running): boolean {
  return runs.certificate !== undefined && (here.replicas > 1 || linksOf(context, name).length > 0);
}

/** How it is started in a region. */
export function startIn(context: RegionContext, one: Running): DependencyStart {
  const { stack, region, settings } = context;
  const { name, dependency, runs, here } = one;
  const port = linkPort(dependency)?.number;
  const peers = failingOverTo(stack, region).map((peer) => peer.name);
  const links = linksOf(context, name).map(
    (link): DependencyLink => ({
      region: link.region.name,
      dials: link.dials,
      address: `${link.host}:${port}`,
      fails_over_here: peers.includes(link.region.name),
      fails_over_there: region.peers.includes(link.region.name),
    }),
  );
  const inside = nameInside(name, region);
  return dependency.start({
    ports: Object.fromEntries(openPorts(context, one).map((open) => [open.name, open.number])),
    config_dir: runs.config_dir ?? '/',
    data_dir: runs.volume?.dir ?? '/',
    durable: true,
    ...(here.storage_gib === undefined ? {} : { storage_bytes: storageBytes(here.storage_gib) }),
    cluster: {
      region,
      servers: Array.from({ length: here.replicas }, (_, at) => `${name}-${at}.${inside}`),
      own_address: `$(POD_NAME).${inside}`,
      users: usersOf(stack, name).sort((a, b) => a.name.localeCompare(b.name)),
      links,
      services: workloads(stack).flatMap((workload) => workload.inside),
      reaches: dependency.manifest.egress.filter((kind) => settings.egress[kind].length > 0),
    },
  });
}
