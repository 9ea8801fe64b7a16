import { defineBackend } from '@mcp/contracts';
import { account } from '../accounts.ts';
import { PASSED_ON } from '../openai-wire/features.ts';
import { listAnswer } from '../openai-wire/list.ts';
import { GROQ_MODELS } from './models.ts';

export const manifest = defineBackend({
  name: 'groq',
  summary: 'Groq, by its OpenAI-compatible API.',
  runs: 'elsewhere',
  features: PASSED_ON,
  lacks: ['embeddings'],
  published: GROQ_MODELS,
  ...account('GROQ', {
    name: 'Groq',
    base_url: 'https://api.groq.com/openai/v1',
    lists: { path: '/models', answer: listAnswer },
  }),
});
