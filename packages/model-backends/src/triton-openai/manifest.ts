import { defineBackend } from '@mcp/contracts';
import { z } from 'zod';
import { PASSED_ON } from '../openai-wire/features.ts';
import { listAnswer } from '../openai-wire/list.ts';
import { ServerUrls } from '../self-hosted.ts';

export const manifest = defineBackend({
  name: 'triton-openai',
  summary: 'The OpenAI front end of NVIDIA Triton.',
  runs: 'elsewhere',
  features: PASSED_ON,
  lacks: ['prefill'],
  settings: {
    TRITON_OPENAI_URL: {
      schema: ServerUrls.prefault('http://127.0.0.1:9000'),
      meaning: 'URLs of Triton OpenAI front end servers, comma-separated.',
      operator: true,
    },
    TRITON_OPENAI_API_KEY: {
      schema: z.string().min(1).optional(),
      meaning: 'Key for the servers of TRITON_OPENAI_URL, where they want one.',
      secret: { object: 'mcp-model-keys', key: 'triton_openai_api_key', made: { by: 'operator' } },
    },
  },
  discovery: {
    servers: [{ name: 'Triton OpenAI front end', ports: [9000] }],
    list: '/v1/models',
    answer: listAnswer,
    path: '',
    gives: { variable: 'TRITON_OPENAI_URL', as: 'urls' },
    named_by: ['TRITON_OPENAI_URL'],
  },
});
