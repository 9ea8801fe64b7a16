import { defineBackend, jsonText, listText } from '@mcp/contracts';
import { z } from 'zod';
import { features } from './features.ts';

export const manifest = defineBackend({
  name: 'vertex',
  summary: 'Gemini on Google Vertex AI, by generateContent.',
  runs: 'elsewhere',
  features,
  lacks: ['prefill'],
  settings: {
    VERTEX_PROJECT: {
      schema: z.string().min(1).optional(),
      meaning: 'Google Cloud project whose Vertex AI is asked.',
      operator: true,
    },
    VERTEX_LOCATION: {
      schema: z
        .string()
        .regex(/^[a-z][a-z0-9-]*$/, 'must be global, or a location such as europe-west4')
        .default('global'),
      meaning: 'Location of Vertex AI; `global`: Google chooses.',
      operator: true,
    },
    VERTEX_MODELS: {
      schema: listText(z.array(z.string().max(200)).min(1, 'must name at least one model')).optional(),
      meaning: 'Models of Vertex AI that are offered, comma-separated, such as gemini-2.5-flash.',
      operator: true,
    },
    VERTEX_BASE_URL: {
      schema: z.url().optional(),
      meaning: 'Base URL instead of that of VERTEX_LOCATION.',
      operator: true,
    },
    VERTEX_API_KEY: {
      schema: z.string().min(1).optional(),
      meaning: 'API key for Vertex AI; unset, VERTEX_CREDENTIALS are used.',
      secret: { object: 'mcp-model-keys', key: 'vertex_api_key', made: { by: 'operator' } },
    },
    VERTEX_CREDENTIALS: {
      schema: jsonText(z.looseObject({ type: z.string() })).optional(),
      meaning: "Google credentials as JSON, such as a service account's; unset, those of the machine.",
      secret: { object: 'mcp-model-keys', key: 'vertex_credentials', made: { by: 'operator' } },
    },
  },
  discovery: {
    servers: [],
    list: '/v1/publishers/google/models',
    answer: z
      .object({ publisherModels: z.array(z.object({ name: z.string() })) })
      .transform(({ publisherModels }) => publisherModels.map(({ name }) => name)),
    path: '',
    gives: { variable: 'VERTEX_BASE_URL', as: 'url' },
    named_by: ['VERTEX_MODELS'],
  },
});
