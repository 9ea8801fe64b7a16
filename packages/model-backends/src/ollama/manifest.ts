import { defineBackend } from '@mcp/contracts';
import { z } from 'zod';
import { features } from './features.ts';

export const manifest = defineBackend({
  name: 'ollama',
  summary: 'An Ollama server, by its own API.',
  runs: 'elsewhere',
  features,
  settings: {
    OLLAMA_URL: {
      schema: z.url().default('http://127.0.0.1:11434'),
      meaning: 'Base URL of an Ollama server.',
      operator: true,
    },
  },
  discovery: {
    servers: [{ name: 'Ollama', ports: [11434] }],
    list: '/api/tags',
    answer: z
      .object({ models: z.array(z.object({ name: z.string() })) })
      .transform(({ models }) => models.map(({ name }) => name)),
    path: '',
    gives: { variable: 'OLLAMA_URL', as: 'url' },
    named_by: ['OLLAMA_URL'],
  },
});
