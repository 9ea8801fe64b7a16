import { defineBackend, jsonText, listText } from '@mcp/contracts';
import { z } from 'zod';
import { features } from './features.ts';

export const manifest = defineBackend({
  name: 'bedrock',
  summary: 'Amazon Bedrock, by Converse and ConverseStream; vectors by InvokeModel.',
  runs: 'elsewhere',
  features,
  settings: {
    BEDROCK_REGION: {
      schema: z
        .string()
        .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be a region such as eu-central-1')
        .default('us-east-1'),
      meaning: 'AWS region whose Bedrock is asked.',
      operator: true,
    },
    BEDROCK_MODELS: {
      schema: listText(z.array(z.string().max(200)).min(1, 'must name at least one model')).optional(),
      meaning: 'Models and inference profiles of Bedrock that are offered, comma-separated.',
      operator: true,
    },
    BEDROCK_BASE_URL: {
      schema: z.url().optional(),
      meaning: 'Base URL of bedrock-runtime instead of that of BEDROCK_REGION.',
      operator: true,
    },
    AWS_BEARER_TOKEN_BEDROCK: {
      schema: z.string().min(1).optional(),
      meaning: 'API key for Bedrock; unset, requests are signed by BEDROCK_CREDENTIALS.',
      secret: { object: 'mcp-model-keys', key: 'aws_bearer_token_bedrock', made: { by: 'operator' } },
    },
    BEDROCK_CREDENTIALS: {
      schema: jsonText(
        z.strictObject({
          accessKeyId: z.string().min(1),
          secretAccessKey: z.string().min(1),
          sessionToken: z.string().optional(),
        }),
      ).optional(),
      meaning:
        'AWS credentials as JSON (accessKeyId, secretAccessKey, sessionToken); unset, those of the machine.',
      secret: { object: 'mcp-model-keys', key: 'bedrock_credentials', made: { by: 'operator' } },
    },
  },
  discovery: {
    servers: [],
    list: '/foundation-models',
    answer: z
      .object({ modelSummaries: z.array(z.object({ modelId: z.string() })) })
      .transform(({ modelSummaries }) => modelSummaries.map(({ modelId }) => modelId)),
    path: '',
    gives: { variable: 'BEDROCK_BASE_URL', as: 'url' },
    named_by: ['BEDROCK_MODELS'],
  },
});
