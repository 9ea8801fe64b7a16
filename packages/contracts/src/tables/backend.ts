/** What a model backend says about itself: `packages/model-backends/src/<name>/manifest.ts`. */
import { z } from 'zod';
import { FEATURES } from '../models/formats.ts';
import { ModelInfo } from '../models/model.ts';
import { define } from './define.ts';
import { Settings } from './settings.ts';

const Port = z.number().int().min(1).max(65_535);
const Variable = z.string().regex(/^[A-Z][A-Z0-9_]*$/, 'must be a variable such as OLLAMA_URL');

/** Servers of a backend that a start looks for on its own machine, and accounts it looks for in the environment. */
const Discovery = z.strictObject({
  /** As people call them, with the ports that they usually have. */
  servers: z.array(z.strictObject({ name: z.string().min(1), ports: z.array(Port).min(1) })),
  /** Path that lists a server's models. */
  list: z.string().startsWith('/', 'must be a path such as /v1/models'),
  /** Reads their ids from that answer. Whoever answers something else is another server. */
  answer: z.custom<z.ZodType<string[]>>((value) => value instanceof z.ZodType, 'must be a zod schema'),
  /** What stands between a server's address and its base URL. */
  path: z.string().regex(/^(\/[\w/-]*\w)?$/, 'must be empty, or a path such as /v1'),
  /** Accounts are found by their key. One whose key is a setting of the backend needs nothing to be handed over. */
  accounts: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        key_variable: Variable,
        base_url: z.url(),
        /** Says another base URL. */
        base_url_variable: Variable.optional(),
      }),
    )
    .default([]),
  /** The setting that takes what was found: the base URL of the first server, or those of all, comma-separated. */
  gives: z.strictObject({ variable: Variable, as: z.enum(['url', 'urls']) }),
  /** Settings that name a server: with one of them the backend is in use, whatever is found. */
  named_by: z.array(Variable).min(1),
});

/**
 * What a backend makes of a field. `yes`: it does it. `passed on`: the server behind decides. `no effect`: it is taken
 * and changes nothing, and the caller is told. `refused`: with `unsupported_parameter`.
 */
const Support = z.enum(['yes', 'passed on', 'no effect', 'refused']);
const FeatureRow = z.strictObject({
  support: Support,
  /** What a reader of the table has to know beside it. */
  note: z.string().min(1).exactOptional(),
});
export type FeatureRow = z.infer<typeof FeatureRow>;

const OF_A_SERVER = { id: true, backend: true, owned_by: true, status: true, detail: true } as const;
/** What is known of a model beside its id; what is missing is unknown. */
export type ModelFacts = Readonly<Partial<Omit<ModelInfo, keyof typeof OF_A_SERVER>>>;
const ModelFacts = ModelInfo.omit(OF_A_SERVER).partial() as unknown as z.ZodType<ModelFacts>;

/** What a provider published about its models on a day. */
const PublishedFacts = z.strictObject({
  source: z.url(),
  /** The day on which the source said so. */
  date: z.iso.date(),
  /** What has to be known to read the prices. */
  note: z.string().min(1).optional(),
  models: z.record(z.string(), ModelFacts).readonly(),
});
export type PublishedFacts = z.infer<typeof PublishedFacts>;

const BackendManifestSchema = z
  .strictObject({
    name: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'must be a short lower-case name such as ollama'),
    /** What it is, for the table in docs/backends.md. */
    summary: z.string().min(1),
    /**
     * `elsewhere`: whoever asks it needs no weights and no queue of its own, only a way out. The gateway asks it
     * without the hop over the model-gateway, and the egress `model-backends` is opened for both.
     */
    runs: z.enum(['in-process', 'elsewhere']),
    /** How its servers are asked; the scheme of an address says which, where there are several. */
    transports: z
      .array(z.enum(['http', 'grpc']))
      .min(1)
      .readonly()
      .default(['http']),
    settings: Settings,
    /** What it makes of each thing that a completion may ask for. */
    features: z.record(z.enum(FEATURES), z.union([Support, FeatureRow])).readonly(),
    /** What the provider does not offer, beside the features that are refused. */
    lacks: z
      .array(z.enum(['embeddings', 'tools', 'json_schema', 'images', 'prefill']))
      .readonly()
      .default([]),
    /** What its provider published about its models, for the table in docs/backends.md. */
    published: PublishedFacts.optional(),
    discovery: Discovery.optional(),
  })
  .superRefine(({ settings, discovery }, context) => {
    for (const variable of discovery === undefined ? [] : [discovery.gives.variable, ...discovery.named_by])
      if (!Object.hasOwn(settings, variable))
        context.addIssue({
          code: 'custom',
          path: ['discovery'],
          message: `${variable} is no setting of the backend: add it to settings, or name one of ${Object.keys(settings).join(', ')}`,
        });
  });
export type BackendManifest = z.output<typeof BackendManifestSchema>;
export type BackendDiscovery = z.output<typeof Discovery>;

/** A manifest with the exact types of what others are typed by. */
type Exactly<S extends Settings, R extends BackendManifest['runs']> = Omit<
  BackendManifest,
  'settings' | 'runs'
> & { readonly settings: S; readonly runs: R };

/** Checks a backend's manifest where it is written. Throws a DefinitionError with every fault. */
export function defineBackend<const S extends Settings, const R extends BackendManifest['runs']>(
  manifest: Omit<z.input<typeof BackendManifestSchema>, 'settings' | 'runs'> & {
    readonly settings: S;
    readonly runs: R;
  },
): Exactly<S, R> {
  const checked = define(`The manifest of the backend ${manifest.name}`, BackendManifestSchema, manifest);
  return checked as Exactly<S, R>;
}
