import { defineBackend, jsonText, Residency } from '@mcp/contracts';
import { z } from 'zod';
import { PASSED_ON } from '../openai-wire/features.ts';
import { listAnswer } from '../openai-wire/list.ts';

export const manifest = defineBackend({
  name: 'azure-openai',
  summary: 'Deployments of Azure OpenAI.',
  runs: 'elsewhere',
  features: PASSED_ON,
  lacks: ['prefill'],
  settings: {
    AZURE_OPENAI_ENDPOINT: {
      schema: z.url().optional(),
      meaning: 'Endpoint of an Azure OpenAI resource, such as https://example.openai.azure.com.',
      operator: true,
    },
    AZURE_OPENAI_API_KEY: {
      schema: z.string().min(1).optional(),
      meaning: 'Key of the resource of AZURE_OPENAI_ENDPOINT.',
      secret: { object: 'mcp-model-keys', key: 'azure_openai_api_key', made: { by: 'operator' } },
    },
    AZURE_OPENAI_API_VERSION: {
      schema: z
        .string()
        .regex(/^(v1|\d{4}-\d{2}-\d{2}(-preview)?)$/, 'must be v1, or a version such as 2024-10-21')
        .default('2024-10-21'),
      meaning: 'Version of its API; `v1`: that without versions.',
      operator: true,
    },
    AZURE_OPENAI_DEPLOYMENTS: {
      schema: jsonText(z.record(z.string().min(1).max(64), z.string().min(1).max(64))).optional(),
      meaning: 'Its deployments, as JSON: the name of each and the model that it serves.',
      operator: true,
    },
    AZURE_OPENAI_RESIDENCY: {
      schema: Residency.optional(),
      meaning: 'Where its deployments process texts: eu, us, or any for global ones.',
      operator: true,
    },
  },
  discovery: {
    servers: [],
    list: '/openai/models',
    answer: listAnswer,
    path: '',
    gives: { variable: 'AZURE_OPENAI_ENDPOINT', as: 'url' },
    named_by: ['AZURE_OPENAI_ENDPOINT'],
  },
});
