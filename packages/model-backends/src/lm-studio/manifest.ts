import { defineBackend } from '@mcp/contracts';
import { z } from 'zod';
import { PASSED_ON } from '../openai-wire/features.ts';
import { listAnswer } from '../openai-wire/list.ts';
import { ServerUrls } from '../self-hosted.ts';

export const manifest = defineBackend({
  name: 'lm-studio',
  summary: 'LM Studio, by its OpenAI API; models are described by its own.',
  runs: 'elsewhere',
  features: PASSED_ON,
  lacks: ['prefill'],
  settings: {
    LM_STUDIO_URL: {
      schema: ServerUrls.prefault('http://127.0.0.1:1234'),
      meaning: 'URLs of LM Studio servers, comma-separated.',
      operator: true,
    },
    LM_STUDIO_API_KEY: {
      schema: z.string().min(1).optional(),
      meaning: 'Key for the servers of LM_STUDIO_URL, where they want one.',
      secret: { object: 'mcp-model-keys', key: 'lm_studio_api_key', made: { by: 'operator' } },
    },
  },
  discovery: {
    servers: [{ name: 'LM Studio', ports: [1234] }],
    list: '/v1/models',
    answer: listAnswer,
    path: '',
    gives: { variable: 'LM_STUDIO_URL', as: 'urls' },
    named_by: ['LM_STUDIO_URL'],
  },
});
