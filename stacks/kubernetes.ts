import { dependencies, type KnownDependency } from '@mcp/dependencies';
import { z } from 'zod';
import { Features, Limits } from './limits.ts';

const Gib = z.number().int().min(1).max(10_000);
const Percent = z.number().int().min(0).max(100);

/** An address outside the cluster that pods may reach. */
export const ExternalHost = z.strictObject({
  cidr: z.string().regex(/^[\d.]+\/\d{1,2}$|^[0-9a-f:]+\/\d{1,3}$/, 'must be a CIDR such as 203.0.113.0/24'),
  except: z.array(z.string()).default([]),
  port: z.number().int().min(1).max(65535),
});
export type ExternalHost = z.infer<typeof ExternalHost>;

const PRIVATE_NETWORKS = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', '100.64.0.0/10'];

/** Everything outside private networks: where an address is only known by name. */
const publicInternet = (port: number) => [{ cidr: '0.0.0.0/0', except: PRIVATE_NETWORKS, port }];

/** How a new version is tried before it is promoted (Flagger). */
const Promotion = z.strictObject({
  /** Between two checks, in seconds. */
  interval_s: z.number().int().min(5).max(3600).default(30),
  /** Checks that must hold before it is promoted. */
  iterations: z.number().int().min(2).max(100).default(10),
  /** Checks that may fail before it is rolled back. */
  threshold: z.number().int().min(1).max(20).default(3),
});

/** A dependency that the program runs: what its manifest leaves to the stack. */
const RunByProgram = z.strictObject({
  replicas: z.number().int().min(1).default(1),
  /** Volume of each server, where it has one. */
  storage_gib: Gib.optional(),
  /** Another image than the manifest's. */
  image: z.string().optional(),
});

/** A dependency that somebody else runs, at these addresses. */
const RunByOthers = z.strictObject({ hosts: z.array(ExternalHost).min(1) });

const Settings = z.strictObject({
  images: z.strictObject({
    /** Registry and path; an image is `<repository>/<service>`. */
    repository: z.string().regex(/^[a-z0-9.:-]+(\/[a-z0-9._-]+)+$/, 'must be such as ghcr.io/acme/mcp'),
    tag: z.string().regex(/^(?!latest$)[\w][\w.-]{0,127}$/, 'must be a fixed tag, never latest'),
    /** True: the program builds and pushes the images, and Deployments name them by digest. */
    build: z.boolean(),
    platforms: z.array(z.enum(['linux/amd64', 'linux/arm64'])).default(['linux/amd64']),
    /** Registry reference for the build cache. */
    cache: z.string().optional(),
    /** Further registries whose images are admitted, as prefixes that end in `/`. */
    allowed_registries: z.array(z.string().endsWith('/')),
    /** Who signs them, keyless: the issuer of the identity and what its subject must look like. */
    signer: z.strictObject({ issuer: z.url(), subject_regexp: z.string() }).optional(),
  }),
  /** Which parts of the cluster are there. One that is on without its CRDs fails the preview. */
  features: z.strictObject({
    gateway_api: z.boolean(),
    /** BackendTrafficPolicy and ClientTrafficPolicy of Envoy Gateway: limits at the edge. */
    envoy_policies: z.boolean(),
    keda: z.boolean(),
    gatekeeper: z.boolean(),
    flagger: z.boolean(),
    service_monitor: z.boolean(),
    image_signatures: z.boolean(),
  }),
  edge: z.strictObject({
    /** GatewayClass: envoy, traefik, istio, … */
    gateway_class: z.string(),
    /** Host name that clients use; `<region>.` is put before it where there are several. */
    host: z.string(),
    /** Secret of type kubernetes.io/tls; undefined: plain HTTP, for a cluster on one machine. */
    tls_secret: z.string().optional(),
    requests_per_second: z.number().int().min(1),
  }),
  canary: z.strictObject({
    /** Share of requests to the canary of the gateway, in percent; 0: only by header. */
    weight: Percent,
    /** True: a canary Deployment of the gateway stands beside the stable one. */
    enabled: z.boolean(),
    /** Tag or digest of the gateway's image that is tried; undefined: the stable one's. */
    image: z
      .string()
      .regex(
        /^(sha256:[0-9a-f]{64}|(?!latest$)[\w][\w.-]{0,127})$/,
        'must be a fixed tag or a digest such as sha256:… (64 digits)',
      )
      .optional(),
    /** Flags and limits that are tried; others are as in the stack. */
    features: Features.default({}),
    limits: Limits.partial().default({}),
  }),
  promotion: Promotion.default(() => Promotion.parse({})),
  /** StorageClass of volumes; undefined: the cluster's default. */
  storage_class: z.string().optional(),
  /** Dependencies that the program runs, by name, and how much of each; or where somebody else runs one. */
  dependencies: z.partialRecord(
    z.enum(Object.keys(dependencies) as [KnownDependency, ...KnownDependency[]]),
    z.union([RunByProgram, RunByOthers]),
  ),
  /** Where conversations are: embedded (SQLite on a volume, one replica of core) or PostgreSQL (config `databaseUrl`). */
  database: z.enum(['embedded', 'external']),
  /**
   * Connections that the external PostgreSQL has for core, all regions and replicas together: its `max_connections` less
   * what it keeps for administrators and you need yourself. The default is for PostgreSQL's own of 100.
   */
  database_connections: z.number().int().min(2).default(95),
  /** Addresses per kind of egress that manifests declare, and of what is external in this stack. */
  egress: z.strictObject({
    'model-backends': z.array(ExternalHost).default(publicInternet(443)),
    'identity-provider': z.array(ExternalHost).default(publicInternet(443)),
    /** Event bus, where it is managed by somebody else (`nats.external_url`). */
    nats: z.array(ExternalHost).default(publicInternet(4222)),
    /** Event buses of regions in other clusters: both directions of their links. */
    regions: z.array(ExternalHost).default(publicInternet(7422)),
    otlp: z.array(ExternalHost).default([]),
    /** PostgreSQL. There must be one where the database is external: an address of nobody is reached by nobody. */
    database: z.array(ExternalHost).default([]),
    'log-archive': z.array(ExternalHost).default([]),
    /** The key management service of `encryption.kms`, where it is not the kind local. */
    kms: z.array(ExternalHost).default([]),
    /** Gateways of regions in other clusters, and witnesses of `transparency.witnesses`. */
    witnesses: z.array(ExternalHost).default(publicInternet(443)),
    /** Object storage of `transparency.anchors`. */
    anchors: z.array(ExternalHost).default(publicInternet(443)),
    /** The server of `safety.moderation`. */
    moderation: z.array(ExternalHost).default([]),
    /** The server of `off_peak.signal`. */
    'power-signal': z.array(ExternalHost).default(publicInternet(443)),
  }),
  /** Port of every pod for its metrics: the only one that the monitoring namespace reaches. */
  metrics_port: z.number().int().min(1024).max(65535).default(9464),
  monitoring_namespace: z.string().default('monitoring'),
  keda_namespace: z.string().default('keda'),
  edge_namespace: z.string().default('envoy-gateway-system'),
  /** Requests of pods as a share of their manifest's: small machines run everything at once. */
  request_percent: z.number().int().min(5).max(100).default(100),
});

/** What a stack says about Kubernetes alone; `npm start` has no use for it. */
export const KubernetesSettings = Settings.superRefine((settings, context) => {
  const { database, egress, images, canary } = settings;
  for (const [name, message] of misfits(settings.dependencies))
    context.addIssue({ code: 'custom', path: ['dependencies', name], message });
  if (images.build && canary.image !== undefined && !canary.image.startsWith('sha256:'))
    context.addIssue({
      code: 'custom',
      path: ['canary', 'image'],
      message: `is the tag ${canary.image}, but this stack names images by digest: pulumi stack output images shows those that were built`,
    });
  if (database === 'external' && egress.database.length === 0)
    context.addIssue({
      code: 'custom',
      path: ['egress', 'database'],
      message:
        "is empty, but the database is external: no NetworkPolicy would let core reach it. Name the addresses of PostgreSQL, such as { cidr: '10.20.0.0/24', port: 5432 }",
    });
});
export type KubernetesSettings = z.infer<typeof KubernetesSettings>;

/** What a stack says of a dependency that its manifest does not allow, by name. */
function misfits(said: z.infer<typeof Settings>['dependencies']): [string, string][] {
  return (Object.keys(said) as KnownDependency[]).flatMap((name): [string, string][] => {
    const [place, { runs }] = [said[name], dependencies[name].manifest];
    if (place === undefined || 'hosts' in place) return [];
    if (runs === undefined)
      return [[name, 'is run by nobody here: say at which addresses it is (hosts), or leave it out']];
    const allowed = runs.replicas.join(', ');
    const faults: [string, string][] = runs.replicas.includes(place.replicas)
      ? []
      : [[name, `has ${place.replicas} replicas: it can have ${allowed}`]];
    if ((runs.volume === undefined) !== (place.storage_gib === undefined))
      faults.push([
        name,
        runs.volume === undefined
          ? 'has storage_gib, but keeps nothing on a volume: leave it out'
          : 'has a volume: say how large (storage_gib)',
      ]);
    return faults;
  });
}

/** What one server of a dependency may store, in bytes: its volume, less what its files take beside the data. */
export function storageBytes(storage_gib: number): number {
  return Math.floor(storage_gib * 0.9 * 1024) * 1024 * 1024;
}

/** The same of the event bus; undefined where somebody else runs it. */
export function busStorageBytes({ dependencies: said }: Pick<KubernetesSettings, 'dependencies'>): number {
  const bus = said.nats;
  return bus === undefined || 'hosts' in bus ? 0 : storageBytes(bus.storage_gib ?? 0);
}
