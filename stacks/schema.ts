import { AnchorSettings } from '@mcp/anchors/manifest';
import {
  ArbitrationTerms,
  define,
  Graphs,
  ModelAliases,
  ModelPools,
  OffPeak,
  Residency,
  ResidencyRules,
  Retention,
} from '@mcp/contracts';
import { BackendName } from '@mcp/model-backends/registry';
import { PiiPolicy } from '@mcp/safety/manifest';
import { z } from 'zod';
import { shortOfConnections } from './database.ts';
import { missingDependencies, neededBy } from './dependencies.ts';
import { Encryption, isElsewhere } from './encryption.ts';
import { KubernetesSettings } from './kubernetes.ts';
import { Features, Limits, RiskRouting, Safety } from './limits.ts';
import { ServicePlacement } from './placement.ts';
import { services } from './services.ts';

/** A region: a row of `regions.ts`. */
export const Region = z.object({
  name: z.string().regex(/^[a-z][a-z0-9-]{1,30}$/, 'must be a short lower-case name such as eu-central'),
  residency: Residency,
  /** Kube context to deploy to; `current` is the one in use. */
  kube_context: z.string().min(1),
  namespace: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/),
  /** Where clients are near, for routing by latency. */
  latency_zone: z.string().min(1),
  /** Regions it fails over to, in order. */
  peers: z.array(z.string()),
  /** Lower is preferred. */
  priority: z.number().int().min(0).max(100),
});
export type Region = z.infer<typeof Region>;

/** A chat or embedding model that the stack offers. */
export const StackModel = z.object({
  id: z.string().min(1).max(200),
  kind: z.enum(['chat', 'embedding']),
  backend: BackendName,
  /** For embedded models: the asset to fetch (`packages/assets`). */
  asset: z.string().optional(),
  max_context: z.number().int().min(256).max(1_000_000),
  cost_input_per_mtok_usd: z.number().nonnegative().nullable(),
  cost_output_per_mtok_usd: z.number().nonnegative().nullable(),
  /**
   * Inferences it works on at once. An embedded model shares its weights among so many; unset, by cores and memory.
   * Elsewhere it is the most that is sent to one server; unset, as many as the server takes (learnt from its 429s).
   */
  max_concurrency: z.number().int().min(1).max(4096).optional(),
  /** The local start does not wait for it. */
  background: z.boolean().default(false),
});
export type StackModel = z.infer<typeof StackModel>;

/** Who else than the platform's keys says who a caller is: OpenID Connect, for `npm start` and a cluster alike. */
const IdentityProvider = z.strictObject({
  /** Compared with the tokens' `iss`, letter by letter. */
  issuer: z.url({ protocol: /^https$/, error: 'must be an https URL' }),
  /** What the tokens' `aud` must name. */
  audience: z.string().min(1),
  /** Where its keys are; undefined: found by discovery. */
  jwks_url: z.url({ protocol: /^https$/, error: 'must be an https URL' }).optional(),
  /** What stands before a scope of this platform; undefined: `mcp:`. */
  scope_prefix: z.string().max(100).optional(),
});

/** What runs where: the only description of the platform. */
export const Stack = z
  .object({
    name: z.string().regex(/^[a-z][a-z0-9-]{1,30}$/),
    regions: z.array(Region).min(1),
    services: z.array(ServicePlacement).min(1),
    models: z.array(StackModel).min(1),
    /** Graphs of agents of its own; one with the name of a built-in graph replaces it. */
    graphs: Graphs.default([]),
    /** Names that stand for several models, by name: who answers, and who stands in. */
    aliases: ModelAliases.default({}),
    /** Where texts may be processed, for all and for single callers; undefined: wherever a model is. */
    residency: ResidencyRules.optional(),
    /** Pools of the servers of a model, by model: short and long contexts, fast and slow machines. */
    pools: ModelPools.default({}),
    /** Watts of a busy core, where its machines do not tell what they take. */
    energy: z.strictObject({ cpu_watts_per_core: z.number().min(0.1).max(500).optional() }).default({}),
    /** Prices of electricity by hour, and the jobs that wait for cheap ones; undefined: none does. */
    off_peak: OffPeak.optional(),
    limits: Limits,
    features: Features,
    safety: Safety.default({}),
    encryption: Encryption.default({}),
    /** What becomes of personal data; undefined: it is tagged (docs/personal-data.md). */
    pii: PiiPolicy.optional(),
    /** Undefined: the arbitration's own weights and thresholds hold. */
    arbitration: ArbitrationTerms.optional(),
    /** Undefined: conversations are kept for good, answers for 30 days, feedback for 180. */
    retention: Retention.optional(),
    risk: RiskRouting.default({}),
    /** Undefined: API keys alone, and no pod reaches an identity provider. */
    identity_provider: IdentityProvider.optional(),
    /** Who watches the transparency log, beside the linked regions, whose logs are watched here, and where it is anchored. */
    transparency: z
      .strictObject({
        /** Prefixes of URLs (C2SP tlog-witness), and verifier keys. */
        witnesses: z.array(z.strictObject({ url: z.url(), key: z.string().min(1).max(1000) })).default([]),
        /** Verifier keys. */
        witnessed: z.array(z.string().min(1).max(1000)).default([]),
        /** Where checkpoints are kept outside the platform. */
        anchors: z.array(AnchorSettings).max(10).default([]),
      })
      .default({ witnesses: [], witnessed: [], anchors: [] }),
    /** `external_url`: somebody else runs the event bus. */
    nats: z.strictObject({ external_url: z.string().optional() }).default({}),
    log_level: z.enum(['debug', 'info', 'warn', 'error']),
    kubernetes: KubernetesSettings,
  })
  .superRefine((stack, context) => {
    duplicates(stack.regions.map((region) => region.name)).forEach((name) => {
      context.addIssue({
        code: 'custom',
        path: ['regions'],
        message: `region ${name} is named twice: give each region its own name`,
      });
    });
    duplicates(stack.regions.map(({ kube_context, namespace }) => `${namespace} of ${kube_context}`)).forEach(
      (place) => {
        context.addIssue({
          code: 'custom',
          path: ['regions'],
          message: `two regions share the namespace ${place}: give each region its own`,
        });
      },
    );
    const { metrics_port } = stack.kubernetes;
    const taken = Object.values(services).find(({ port }) => port === metrics_port);
    if (taken !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['kubernetes', 'metrics_port'],
        message: `${metrics_port} is the port of ${taken.name}: choose another one`,
      });
    const placed = stack.services.flatMap((placement) => [placement.service, ...placement.in_process]);
    for (const name of missingDependencies(stack, neededBy(placed.map((one) => services[one]))))
      context.addIssue({
        code: 'custom',
        path: ['kubernetes', 'dependencies', name],
        message:
          'is missing, and services of this stack need it: say how much of it there is, or where it is',
      });
    duplicates(placed).forEach((name) => {
      context.addIssue({
        code: 'custom',
        path: ['services'],
        message: `service ${name} is placed twice: keep one placement`,
      });
    });
    duplicates(stack.models.map((model) => model.id)).forEach((id) => {
      context.addIssue({
        code: 'custom',
        path: ['models'],
        message: `model ${id} is named twice: give each model its own id`,
      });
    });
    if (isElsewhere(stack.encryption) && stack.kubernetes.egress.kms.length === 0)
      context.addIssue({
        code: 'custom',
        path: ['kubernetes', 'egress', 'kms'],
        message: `is empty, but encryption.kms is of the kind ${stack.encryption.kms?.kind}: no NetworkPolicy would let core reach it. Name its addresses, such as { cidr: '10.20.0.5/32', port: 8200 }`,
      });
    const short = shortOfConnections(stack);
    if (short !== undefined)
      context.addIssue({ code: 'custom', path: ['kubernetes', 'database_connections'], message: short });
    const names = new Set(stack.regions.map((region) => region.name));
    for (const region of stack.regions) {
      for (const peer of region.peers.filter((name) => !names.has(name) || name === region.name)) {
        context.addIssue({
          code: 'custom',
          path: ['regions'],
          message: `region ${region.name} has the peer ${peer}, which is not another region of this stack`,
        });
      }
    }
  });
export type Stack = z.infer<typeof Stack>;

/** Checks a stack where it is written, so that a wrong one fails on import. Throws a DefinitionError with every fault. */
export function defineStack(stack: z.input<typeof Stack>): Stack {
  return define(`The stack ${stack.name}`, Stack, stack);
}

function duplicates(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, at) => names.indexOf(name) !== at))];
}
