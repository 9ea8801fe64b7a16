import { defineBackend, listText } from '@mcp/contracts';
import { z } from 'zod';
import { serverUrls } from '../self-hosted.ts';
import { features } from './features.ts';

export const manifest = defineBackend({
  name: 'triton',
  summary:
    'NVIDIA Triton, by KServe v2 over HTTP (the generate extension for chat, inference for embeddings) or gRPC.',
  runs: 'elsewhere',
  transports: ['http', 'grpc'],
  features,
  settings: {
    TRITON_URL: {
      schema: serverUrls(
        z.url({
          protocol: /^(https?|grpcs?)$/,
          error: 'must be such as http://127.0.0.1:8000 or grpc://127.0.0.1:8001',
        }),
      ).prefault('http://127.0.0.1:8000'),
      meaning:
        'URLs of Triton servers, comma-separated; the scheme says how they are asked: http, https, grpc, or grpcs (gRPC over TLS).',
      operator: true,
    },
    TRITON_MODELS: {
      schema: listText(z.array(z.string().max(200)).min(1, 'must name at least one model')).optional(),
      meaning:
        'Models of Triton that are offered, comma-separated; unset, those of its index, which may be restricted.',
      operator: true,
    },
    TRITON_CHAT_TEMPLATE: {
      schema: z.enum(['chatml', 'plain']).default('chatml'),
      meaning: 'How a conversation becomes the one text that Triton takes: chatml (Qwen, SmolLM2) or plain.',
      operator: true,
    },
  },
  discovery: {
    servers: [],
    list: '/v2',
    answer: z.object({ name: z.literal('triton') }).transform(({ name }) => [name]),
    path: '',
    gives: { variable: 'TRITON_URL', as: 'urls' },
    named_by: ['TRITON_URL'],
  },
});
