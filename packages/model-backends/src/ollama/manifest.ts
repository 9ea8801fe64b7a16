/** What the backend of an Ollama server reads of its environment. */
import { defineSettings } from '@mcp/contracts';
import { z } from 'zod';

export const ollamaSettings = defineSettings({
  OLLAMA_URL: {
    schema: z.url().default('http://127.0.0.1:11434'),
    meaning: 'Base URL of an Ollama server.',
    operator: true,
  },
});
