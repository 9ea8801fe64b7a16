import type { ConfigOf, ModelBackend } from '@mcp/contracts';
import { z } from 'zod';
import { accountKey } from '../accounts.ts';
import { openAiServer, type Row } from '../openai-wire/server.ts';
import type { manifest } from './manifest.ts';
import { GROQ_MODELS } from './models.ts';

const Listed = z.object({ context_window: z.number().int().positive() });

export function create(env: ConfigOf<typeof manifest.settings>): readonly ModelBackend[] {
  const base_url = env.GROQ_BASE_URL;
  return [
    openAiServer({
      backend: 'groq',
      name: 'groq',
      base_url: base_url ?? 'https://api.groq.com/openai/v1',
      api_key: accountKey(env.GROQ_API_KEY, { backend: 'groq', variable: 'GROQ_API_KEY', base_url }),
      published: GROQ_MODELS,
      residency: 'any',
      dialect: {
        facts(row: Row) {
          const { data } = Listed.safeParse(row);
          return data === undefined ? {} : { max_context: data.context_window };
        },
      },
    }),
  ];
}
