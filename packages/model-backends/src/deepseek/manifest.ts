import { defineBackend } from '@mcp/contracts';
import { z } from 'zod';
import { PASSED_ON } from '../openai-wire/features.ts';
import { listAnswer } from '../openai-wire/list.ts';
import { DEEPSEEK_MODELS } from './models.ts';

export const manifest = defineBackend({
  name: 'deepseek',
  summary: 'DeepSeek, by its OpenAI-compatible API.',
  runs: 'elsewhere',
  features: {
    ...PASSED_ON,
    response_format: { support: 'passed on', note: '`json_object`; a schema is refused' },
  },
  lacks: ['embeddings', 'json_schema', 'prefill'],
  published: DEEPSEEK_MODELS,
  settings: {
    DEEPSEEK_BASE_URL: {
      schema: z.url().optional(),
      meaning: 'Base URL of DeepSeek instead of https://api.deepseek.com.',
      operator: true,
    },
    DEEPSEEK_API_KEY: {
      schema: z.string().min(1).optional(),
      meaning: 'Key of an account at DeepSeek.',
      secret: { object: 'mcp-model-keys', key: 'deepseek_api_key', made: { by: 'operator' } },
    },
  },
  discovery: {
    servers: [],
    list: '/models',
    answer: listAnswer,
    path: '',
    accounts: [
      {
        name: 'DeepSeek',
        key_variable: 'DEEPSEEK_API_KEY',
        base_url: 'https://api.deepseek.com',
        base_url_variable: 'DEEPSEEK_BASE_URL',
      },
    ],
    gives: { variable: 'DEEPSEEK_BASE_URL', as: 'url' },
    named_by: ['DEEPSEEK_BASE_URL'],
  },
});
