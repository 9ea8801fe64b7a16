import { defineBackend } from '@mcp/contracts';
import { z } from 'zod';
import { PASSED_ON } from '../openai-wire/features.ts';
import { listAnswer } from '../openai-wire/list.ts';
import { ServerUrls } from '../self-hosted.ts';

export const manifest = defineBackend({
  name: 'vllm',
  summary: 'vLLM servers, by their OpenAI API; tokens are counted by the server.',
  runs: 'elsewhere',
  features: PASSED_ON,
  settings: {
    VLLM_URL: {
      schema: ServerUrls.prefault('http://127.0.0.1:8000'),
      meaning: 'URLs of vLLM servers, comma-separated.',
      operator: true,
    },
    VLLM_API_KEY: {
      schema: z.string().min(1).optional(),
      meaning: 'Key for the servers of VLLM_URL, where they want one.',
      secret: { object: 'mcp-model-keys', key: 'vllm_api_key', made: { by: 'operator' } },
    },
  },
  discovery: {
    servers: [{ name: 'vLLM', ports: [8000, 8001] }],
    list: '/v1/models',
    answer: listAnswer,
    path: '',
    gives: { variable: 'VLLM_URL', as: 'urls' },
    named_by: ['VLLM_URL'],
  },
});
