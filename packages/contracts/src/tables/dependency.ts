/** What infrastructure beside the services is: the shape of a dependency's manifest, and of what its folder derives from a place. */
import { z } from 'zod';
import { define } from './define.ts';
import { Cpu, DependencyName, Memory, type ServiceManifest } from './manifest.ts';

/**
 * Who may reach a port in a cluster: pods of the services that need the dependency, its own other servers, the
 * monitoring namespace, the autoscaler (KEDA), the same dependency of linked regions. The kubelet reaches every port.
 */
const Caller = z.enum(['users', 'replicas', 'monitoring', 'autoscaler', 'regions']);

const Port = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,14}$/, 'must be a port name of Kubernetes such as client'),
  number: z.number().int().min(1024).max(65535),
  /** Nobody: it is for probes alone. One for replicas or regions alone is open only where there are some. */
  from: z.array(Caller),
  /** True: HTTP is spoken there. */
  http: z.boolean().default(false),
});

/** GET of a path; without one, a connection that is accepted. */
const Probe = z.strictObject({
  path: z.string().startsWith('/').optional(),
  period_s: z.number().int().min(1),
});

const Secret = z.strictObject({
  /** `user`: one for each service that needs it; `replicas` and `regions`: for the servers, where there are such. */
  for: z.enum(['user', 'itself', 'replicas', 'regions']),
  object: z.string().regex(/^mcp-[a-z-]*[a-z]$/, 'must be a Secret such as mcp-nats-link'),
  key: z.string(),
  /** `random`: made once and kept in the state; `operator`: put there by hand. */
  made: z.enum(['random', 'operator']),
});

/** An image by a fixed tag or digest; a stack that builds mirrors it and names the mirror by digest. */
const Image = z
  .string()
  .regex(
    /^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._-]+)+(:(?!latest$)[\w][\w.-]{0,127}|@sha256:[0-9a-f]{64})$/,
    'must name a registry and a fixed tag or digest, such as docker.io/library/nats:2.15.2',
  );

/** How the platform runs it. */
const Runs = z.strictObject({
  image: Image,
  size: z.strictObject({ cpu_request: Cpu, cpu_limit: Cpu, memory_request: Memory, memory_limit: Memory }),
  /** Undefined: it has no configuration files. */
  config_dir: z.string().startsWith('/').optional(),
  /** Room that survives a pod, on a claim of each server; undefined: it keeps nothing. */
  volume: z.strictObject({ dir: z.string().startsWith('/') }).optional(),
  /** Servers that a stack may ask for. */
  replicas: z.array(z.number().int().min(1)).min(1),
  probes: z.strictObject({
    port: z.string(),
    startup: Probe.extend({ failures: z.number().int().min(1) }),
    readiness: Probe,
    liveness: Probe,
  }),
  /** How long it may take to end, and how long before that it still answers. */
  grace_s: z.number().int().min(1).max(300),
  linger_s: z.number().int().min(1).max(60).optional(),
  /** Prometheus metrics of its own; undefined: it has none, or a service tells them. */
  metrics: z.strictObject({ port: z.string() }).optional(),
  /** Certificate with which servers prove themselves to each other, mounted where there are replicas or regions. */
  certificate: z.strictObject({ object: z.literal('mcp-nats-tls'), dir: z.string() }).optional(),
  /** Its container in docker-compose.dev.yml; undefined: Compose does without. */
  compose: z
    .strictObject({
      /** Variant of the image with a program for its health check. */
      tag_suffix: z.string().optional(),
      /** Command that ends with 0 when it is ready. */
      healthcheck: z.array(z.string()).min(1),
      grace_s: z.number().int().min(1),
    })
    .optional(),
});

/** Its process of `npm start`. */
const Local = z.strictObject({
  /** Program of `packages/assets`. */
  program: z.string(),
  /** What the person at the terminal knows it as, and where to have it from. */
  what: z.string(),
  homepage: z.url(),
  /** Ports of {@link Port} that are open on this machine, to this machine. The first tells that it is ready. */
  ports: z.array(z.string()).min(1),
  /** How the first line that a client is sent begins, and what is in it once it is ready. */
  greeting: z.strictObject({ begins: z.string(), contains: z.string(), otherwise: z.string() }),
  storage_bytes: z.number().int().positive().optional(),
  /** URL scheme under which the terminal shows it. */
  scheme: z.string(),
});

/**
 * The one place where a piece of infrastructure says what it is. Charts, network policies, bounds, monitors, the
 * compose file, the local process and the docs derive from it.
 */
export const DependencyManifest = z
  .strictObject({
    name: DependencyName,
    summary: z.string(),
    /** `required`: a stack whose services need it has it. `optional`: they do without where a stack leaves it out. */
    presence: z.enum(['required', 'optional']),
    ports: z.array(Port).min(1),
    /** Addresses of a stack (`egress`) that it may reach itself. */
    egress: z.array(z.enum(['otlp'])).default([]),
    secrets: z.array(Secret).default([]),
    /** Undefined: the platform runs it nowhere; a stack says where somebody else does. */
    runs: Runs.optional(),
    /** Undefined: the local platform does without. */
    local: Local.optional(),
  })
  .superRefine(({ ports, runs, local }, context) => {
    const names = new Set(ports.map(({ name }) => name));
    const named: [string[], string | undefined][] = [
      [['runs', 'probes', 'port'], runs?.probes.port],
      [['runs', 'metrics', 'port'], runs?.metrics?.port],
      ...(local?.ports ?? []).map((one): [string[], string] => [['local', 'ports'], one]),
    ];
    for (const [path, name] of named)
      if (name !== undefined && !names.has(name))
        context.addIssue({
          code: 'custom',
          path,
          message: `${name} is no port of it: there are ${[...names].join(', ')}`,
        });
    if (names.size < ports.length)
      context.addIssue({ code: 'custom', path: ['ports'], message: 'two have one name: give each its own' });
  });
export type DependencyManifest = z.infer<typeof DependencyManifest>;

/** A service with what is in the same pod: one user of a dependency. */
export interface DependencyUser {
  readonly name: string;
  readonly inside: readonly ServiceManifest[];
}

/** The same dependency in another region. Each pair of regions has one link, which one of them dials. */
export interface DependencyLink {
  readonly region: string;
  readonly dials: boolean;
  /** `host:port` of the other. */
  readonly address: string;
  /** True: the other fails over to this region, which keeps copies of what services share. */
  readonly fails_over_here: boolean;
  /** True: this region fails over to the other, which keeps copies of what services share here. */
  readonly fails_over_there: boolean;
}

/** What only a cluster tells a dependency. */
export interface ClusterPlace {
  readonly region: { readonly name: string; readonly residency: string };
  /** Addresses of its servers within the cluster: as many as the stack asks for. */
  readonly servers: readonly string[];
  /** The address of a server, as its container may write it: with the variable `POD_NAME`. */
  readonly own_address: string;
  readonly users: readonly DependencyUser[];
  readonly links: readonly DependencyLink[];
  /** Every service that the stack places. */
  readonly services: readonly ServiceManifest[];
  /** Kinds of its `egress` for which the stack has addresses. */
  readonly reaches: readonly string[];
}

/** Where a dependency runs: a pod, a container of Compose, a process of this machine, or one of a test. */
export interface DependencyPlace {
  /** Address to listen on; undefined: every one. */
  readonly host?: string;
  /** Ports that are open there, by name. */
  readonly ports: Readonly<Record<string, number>>;
  readonly config_dir: string;
  readonly data_dir: string;
  readonly storage_bytes?: number;
  /** The one password outside of a cluster; undefined: whoever reaches it may use it. */
  readonly password?: string;
  /** False: what it stores need not survive the machine, as in a test. */
  readonly durable: boolean;
  readonly cluster?: ClusterPlace;
}

/** A variable of its environment: a value, a key of a Secret, or the name of its pod. */
export type DependencyVariable =
  | { readonly name: string; readonly value: string }
  | { readonly name: string; readonly secret: { object: string; key: string; optional?: boolean } }
  | { readonly name: string; readonly field: 'metadata.name' };

/** How it is started at a place. */
export interface DependencyStart {
  /** Texts of its configuration files, by name; secrets are never in them. */
  readonly files: Readonly<Record<string, string>>;
  readonly args: readonly string[];
  readonly env: readonly DependencyVariable[];
}

/** A dependency: what it is, and how it is started wherever it runs. */
export interface Dependency {
  readonly manifest: DependencyManifest;
  readonly start: (place: DependencyPlace) => DependencyStart;
  /** Users beside the services, each with a secret of its own: operators. */
  readonly operators?: readonly string[];
}

/** Checks a manifest where it is written. Throws a DefinitionError with every fault. */
export function defineDependency(manifest: z.input<typeof DependencyManifest>): DependencyManifest {
  return define(`The manifest of the dependency ${manifest.name}`, DependencyManifest, manifest);
}
