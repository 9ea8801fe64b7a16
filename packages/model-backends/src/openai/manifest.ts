import { Capability, defineBackend, jsonText, Residency } from '@mcp/contracts';
import { z } from 'zod';
import { PASSED_ON } from '../openai-wire/features.ts';
import { listAnswer } from '../openai-wire/list.ts';
import { OPENAI_MODELS } from './models.ts';

/** Prices in US dollars per million tokens; a model without an entry has an unknown price, never a free one. */
const Prices = z.record(
  z.string(),
  z.object({
    input: z.number().nonnegative(),
    output: z.number().nonnegative(),
    /** Of input that the provider had in its cache. */
    cached: z.number().nonnegative().exactOptional(),
  }),
);

/** A row of OPENAI_TARGETS. */
export const TargetConfig = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,30}$/),
  base_url: z.url(),
  api_key: z.string().optional(),
  /** Models it serves, where its list cannot be read or is too long. */
  models: z.array(z.string()).optional(),
  embedding_models: z.array(z.string()).default([]),
  /** Of models that nobody says it of; unset, 128,000. */
  max_context: z.number().int().positive().optional(),
  /** Most requests at once for each of its models; without it, as many as it takes. */
  max_concurrency: z.number().int().min(1).max(4096).optional(),
  prices: Prices.default({}),
  /** What all its models can do. */
  capabilities: z.array(Capability).optional(),
  /** Where it processes texts. */
  residency: Residency.optional(),
  /** Joules per token, read or written, as its operator declares them. */
  energy_j_per_token: z.number().nonnegative().optional(),
});
export type TargetConfig = z.infer<typeof TargetConfig>;

export const manifest = defineBackend({
  name: 'openai',
  summary: 'OpenAI, and any other server that speaks its wire.',
  runs: 'elsewhere',
  features: PASSED_ON,
  lacks: ['prefill'],
  published: OPENAI_MODELS,
  settings: {
    OPENAI_BASE_URL: {
      schema: z.url().optional(),
      meaning: 'Base URL of a server that speaks the OpenAI wire.',
      operator: true,
    },
    OPENAI_API_KEY: {
      schema: z.string().min(1).optional(),
      meaning: 'Key for OPENAI_BASE_URL.',
      secret: { object: 'mcp-model-keys', key: 'openai_api_key', made: { by: 'operator' } },
    },
    OPENAI_TARGETS: {
      schema: jsonText(
        z
          .array(TargetConfig)
          .refine(
            (targets) => new Set(targets.map(({ name }) => name)).size === targets.length,
            'two targets have the same name: give each its own',
          ),
      ).optional(),
      meaning: 'Several OpenAI-compatible servers, as JSON.',
      secret: { object: 'mcp-model-keys', key: 'openai_targets', made: { by: 'operator' } },
    },
  },
  discovery: {
    servers: [],
    list: '/v1/models',
    answer: listAnswer,
    path: '/v1',
    accounts: [
      {
        name: 'OpenAI',
        key_variable: 'OPENAI_API_KEY',
        base_url: 'https://api.openai.com/v1',
        base_url_variable: 'OPENAI_BASE_URL',
      },
    ],
    gives: { variable: 'OPENAI_BASE_URL', as: 'url' },
    named_by: ['OPENAI_BASE_URL', 'OPENAI_TARGETS'],
  },
});
