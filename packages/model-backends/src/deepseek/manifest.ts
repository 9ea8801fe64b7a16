import { defineBackend } from '@mcp/contracts';
import { account } from '../accounts.ts';
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
  ...account('DEEPSEEK', {
    name: 'DeepSeek',
    base_url: 'https://api.deepseek.com',
    lists: { path: '/models', answer: listAnswer },
  }),
});
