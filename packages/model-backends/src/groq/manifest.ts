import { defineBackend } from '@mcp/contracts';
import { z } from 'zod';
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
  settings: {
    GROQ_BASE_URL: {
      schema: z.url().optional(),
      meaning: 'Base URL of Groq instead of https://api.groq.com/openai/v1.',
      operator: true,
    },
    GROQ_API_KEY: {
      schema: z.string().min(1).optional(),
      meaning: 'Key of an account at Groq.',
      secret: { object: 'mcp-model-keys', key: 'groq_api_key', made: { by: 'operator' } },
    },
  },
  discovery: {
    servers: [],
    list: '/models',
    answer: listAnswer,
    path: '',
    accounts: [
      {
        name: 'Groq',
        key_variable: 'GROQ_API_KEY',
        base_url: 'https://api.groq.com/openai/v1',
        base_url_variable: 'GROQ_BASE_URL',
      },
    ],
    gives: { variable: 'GROQ_BASE_URL', as: 'url' },
    named_by: ['GROQ_BASE_URL'],
  },
});
