import { defineBackend } from '@mcp/contracts';
import { z } from 'zod';
import { features } from './features.ts';
import { ANTHROPIC_MODELS } from './models.ts';

export const manifest = defineBackend({
  name: 'anthropic',
  summary: 'Anthropic, by its Messages API.',
  runs: 'elsewhere',
  features,
  lacks: ['embeddings'],
  published: ANTHROPIC_MODELS,
  settings: {
    ANTHROPIC_BASE_URL: {
      schema: z.url().optional(),
      meaning: 'Base URL of a server that speaks the Messages API, instead of https://api.anthropic.com.',
      operator: true,
    },
    ANTHROPIC_API_KEY: {
      schema: z.string().min(1).optional(),
      meaning: 'Key of an account at Anthropic.',
      secret: { object: 'mcp-model-keys', key: 'anthropic_api_key', made: { by: 'operator' } },
    },
  },
  discovery: {
    servers: [],
    list: '/v1/models',
    answer: z
      .object({ data: z.array(z.object({ type: z.literal('model'), id: z.string() })) })
      .transform(({ data }) => data.map(({ id }) => id)),
    path: '',
    accounts: [
      {
        name: 'Anthropic',
        key_variable: 'ANTHROPIC_API_KEY',
        base_url: 'https://api.anthropic.com',
        base_url_variable: 'ANTHROPIC_BASE_URL',
      },
    ],
    gives: { variable: 'ANTHROPIC_BASE_URL', as: 'url' },
    named_by: ['ANTHROPIC_BASE_URL'],
  },
});
