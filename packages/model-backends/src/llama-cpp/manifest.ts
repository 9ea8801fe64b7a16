import { defineBackend } from '@mcp/contracts';
import { z } from 'zod';
import { PASSED_ON } from '../openai-wire/features.ts';
import { listAnswerOf } from '../openai-wire/list.ts';
import { ServerUrls } from '../self-hosted.ts';

export const manifest = defineBackend({
  name: 'llama-cpp',
  summary: 'The server of llama.cpp, by its OpenAI API; tokens are counted by the server.',
  runs: 'elsewhere',
  features: PASSED_ON,
  settings: {
    LLAMA_CPP_URL: {
      schema: ServerUrls.prefault('http://127.0.0.1:8080'),
      meaning: 'URLs of llama.cpp servers, comma-separated.',
      operator: true,
    },
    LLAMA_CPP_API_KEY: {
      schema: z.string().min(1).optional(),
      meaning: 'Key for the servers of LLAMA_CPP_URL, where they want one.',
      secret: { object: 'mcp-model-keys', key: 'llama_cpp_api_key', made: { by: 'operator' } },
    },
  },
  discovery: {
    servers: [{ name: 'llama.cpp', ports: [8080] }],
    list: '/v1/models',
    answer: listAnswerOf('llamacpp'),
    path: '',
    gives: { variable: 'LLAMA_CPP_URL', as: 'urls' },
    named_by: ['LLAMA_CPP_URL'],
  },
});
