/** What the backend of servers with OpenAI's wire reads of its environment. */
import { defineSettings, jsonText } from '@mcp/contracts';
import { z } from 'zod';

/** Prices in US dollars per million tokens; a model without an entry has an unknown price, never a free one. */
const Prices = z.record(
  z.string(),
  z.object({ input: z.number().nonnegative(), output: z.number().nonnegative() }),
);
export type Prices = z.infer<typeof Prices>;

export const TargetConfig = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,30}$/),
  base_url: z.url(),
  api_key: z.string().optional(),
  /** Models it serves, where its list cannot be read or is too long. */
  models: z.array(z.string()).optional(),
  embedding_models: z.array(z.string()).default([]),
  max_context: z.number().int().positive().default(128_000),
  /** Most requests at once for each of its models; without it, as many as it takes. */
  max_concurrency: z.number().int().min(1).max(4096).optional(),
  prices: Prices.default({}),
});

const Targets = z
  .array(TargetConfig)
  .refine(
    (targets) => new Set(targets.map(({ name }) => name)).size === targets.length,
    'two targets have the same name: give each its own',
  );

export const openaiSettings = defineSettings({
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
    schema: jsonText(Targets).optional(),
    meaning: 'Several OpenAI-compatible servers, as JSON.',
    secret: { object: 'mcp-model-keys', key: 'openai_targets', made: { by: 'operator' } },
  },
});
