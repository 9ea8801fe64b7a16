import { z } from 'zod';
import { define } from './define.ts';
import { FlagTable } from './flags.ts';
import { MetricTable } from './metrics.ts';
import { ServiceName } from './service-name.ts';
import { Settings } from './settings.ts';

/** Infrastructure that services need beside each other: a folder in `dependencies/`, which the table of services is held to. */
export const DependencyName = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'must be a name such as nats');

/** Kubernetes quantities: `250m`, `512Mi`. */
export const Cpu = z.string().regex(/^\d+m?$/, 'must be a CPU quantity such as 250m or 2');
export const Memory = z.string().regex(/^\d+(Mi|Gi)$/, 'must be a memory quantity such as 512Mi or 2Gi');

/**
 * The one place where a service says what it needs. The local process, the compose entry, Deployment, Service,
 * probes, NetworkPolicy, autoscaling and PodDisruptionBudget all derive from it.
 */
export const ServiceManifest = z.object({
  name: ServiceName,
  summary: z.string(),
  port: z.number().int().min(1024).max(65535),
  /** Entry module, relative to the repository. */
  entry: z.string(),
  /** Services it calls over HTTP. */
  calls: z.array(ServiceName),
  /** Whose requests it may pass on in those calls: `granted` needs a grant of a service that speaks for anyone. */
  speaks_for: z.enum(['anyone', 'granted', 'itself']),
  /** Infrastructure it connects to. */
  needs: z.array(DependencyName),
  /** What of the event bus is its own: it may touch nothing else there. */
  bus: z.object({
    /** JetStream streams with their subjects. */
    streams: z.record(z.string(), z.array(z.string())),
    /** Key-value buckets. */
    buckets: z.array(z.string()),
    /** Object stores. */
    objects: z.array(z.string()).default([]),
    /** Buckets of them that peers of the region keep a copy of: nothing in them has a residency. */
    shared: z.array(z.string()).default([]),
    /** Streams of them that peers of the region keep a copy of: the same holds. */
    shared_streams: z.array(z.string()).default([]),
    /** Subjects of others, or of no stream, that it may publish to. */
    publishes: z.array(z.string()).default([]),
    /** Subjects beyond its own that it subscribes to. */
    subscribes: z.array(z.string()).default([]),
  }),
  /** What it may reach outside the cluster. */
  egress: z
    .array(
      z.enum([
        'model-backends',
        'identity-provider',
        'log-archive',
        'kms',
        'moderation',
        'power-signal',
        'witnesses',
        'anchors',
      ]),
    )
    .default([]),
  /** Room for what must survive a pod, always or where the database is embedded; undefined: it keeps nothing. */
  volume: z
    .object({ size_gib: z.number().int().min(1), where: z.enum(['always', 'embedded-database']) })
    .optional(),
  /** True where models may run in its process: the weights of the stack's embedded models are part of its image. */
  weights: z.boolean().default(false),
  /** True when it listens to the outside world. */
  public: z.boolean().default(false),
  size: z.object({ cpu_request: Cpu, cpu_limit: Cpu, memory_request: Memory, memory_limit: Memory }),
  scaling: z.discriminatedUnion('on', [
    z.object({
      on: z.literal('cpu'),
      min: z.number().int().min(1),
      max: z.number().int().min(1),
      target_percent: z.number().int().min(1).max(100),
    }),
    z.object({
      on: z.literal('queue'),
      min: z.number().int().min(0),
      max: z.number().int().min(1),
      target_messages: z.number().int().min(1),
      /** JetStream stream and durable consumer whose lag is the load. */
      stream: z.string(),
      consumer: z.string(),
    }),
    z.object({ on: z.literal('fixed'), replicas: z.number().int().min(1) }),
  ]),
  slo: z.object({ p95_ms: z.number().positive(), error_ratio: z.number().min(0).max(1) }),
  /** How long a draining process may take, in seconds. */
  drain_s: z.number().int().min(1).max(300),
  /** What it reads of the environment, beside what every service does (`packages/service-kit/manifest.ts`). */
  settings: Settings.default({}),
  /** What it records, beside what every service does. */
  metrics: MetricTable.default({}),
  /** Feature flags that it asks for. */
  flags: FlagTable.default({}),
});
export type ServiceManifest = z.infer<typeof ServiceManifest>;

type None = Readonly<Record<never, never>>;
/** The tables of a manifest, which the types of configuration, metrics and flags are derived from. */
export type Tables = Pick<ServiceManifest, 'settings' | 'metrics' | 'flags'>;
/** A manifest that has nothing but what every service has. */
export interface NoTables extends Tables {
  readonly settings: None;
  readonly metrics: None;
  readonly flags: None;
}
/** A manifest with the exact types of its tables. */
export type ManifestWith<T extends Tables> = Omit<ServiceManifest, keyof Tables> & T;

/** Checks a manifest where it is written. Throws a DefinitionError with every fault. */
export function defineManifest<
  const S extends Settings = None,
  const M extends MetricTable = None,
  const F extends FlagTable = None,
>(
  manifest: Omit<z.input<typeof ServiceManifest>, keyof Tables> & {
    readonly settings?: S;
    readonly metrics?: M;
    readonly flags?: F;
  },
): ManifestWith<{ readonly settings: S; readonly metrics: M; readonly flags: F }> {
  const checked = define(`The manifest of ${manifest.name}`, ServiceManifest, manifest);
  return checked as ReturnType<typeof defineManifest<S, M, F>>;
}

/** Name of the copy that a region keeps of a peer's bucket or stream. */
export function copyOf(name: string, region: string): string {
  return `${name}_${region}`;
}
