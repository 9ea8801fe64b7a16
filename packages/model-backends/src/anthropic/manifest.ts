import { defineBackend } from '@mcp/contracts';
import { z } from 'zod';
import { account } from '../accounts.ts';
import { features } from './features.ts';
import { ANTHROPIC_MODELS } from './models.ts';

export const manifest = defineBackend({
  name: 'anthropic',
  summary: 'Anthropic, by its Messages API.',
  runs: 'elsewhere',
  features,
  lacks: ['embeddings'],
  published: ANTHROPIC_MODELS,
  ...account('ANTHROPIC', {
    name: 'Anthropic',
    base_url: 'https://api.anthropic.com',
    lists: {
      path: '/v1/models',
      answer: z
        .object({ data: z.array(z.object({ type: z.literal('model'), id: z.string() })) })
        .transform(({ data }) => data.map(({ id }) => id)),
    },
  }),
});
