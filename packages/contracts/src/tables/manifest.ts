import { z } from 'zod';
import { define } from './define.ts';

/** The deployables. A new service: one name here, one folder in `apps/`, one line in `stacks/services.ts`. */
export const ServiceName = z.enum(['gateway', 'core', 'model-gateway', 'task-engine', 'governance']);
export type ServiceName = z.infer<typeof ServiceName>;

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
    /** Subjects of others, or of no stream, that it may publish to. */
    publishes: z.array(z.string()).default([]),
    /** Subjects beyond its own that it hears. */
    hears: z.array(z.string()).default([]),
  }),
  /** What it may reach outside the cluster. */
  egress: z.array(z.enum(['model-backends', 'identity-provider', 'log-archive'])),
  /** Room for what must survive a pod; undefined: it keeps nothing. */
  volume: z.object({ size_gib: z.number().int().min(1) }).optional(),
  /** True where models may run in its process: the weights of the stack's embedded models are part of its image. */
  weights: z.boolean().default(false),
  /** True when it listens to the outside world. */
  public: z.boolean(),
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
});
export type ServiceManifest = z.infer<typeof ServiceManifest>;

/** Checks a manifest where it is written. Throws a DefinitionError with every fault. */
export function defineManifest(manifest: z.input<typeof ServiceManifest>): ServiceManifest {
  return define(`The manifest of ${manifest.name}`, ServiceManifest, manifest);
}

/** Name of the copy that a region keeps of a peer's bucket. */
export function copyOfBucket(bucket: string, region: string): string {
  return `${bucket}_${region}`;
}
