import { type ChatCompletionRequest, type ConfigOf, type ModelBackend, PlatformError } from '@mcp/contracts';
import { accountKey } from '../accounts.ts';
import { openAiServer } from '../openai-wire/server.ts';
import type { manifest } from './manifest.ts';
import { DEEPSEEK_MODELS } from './models.ts';

export function create(env: ConfigOf<typeof manifest.settings>): readonly ModelBackend[] {
  const base_url = env.DEEPSEEK_BASE_URL;
  const account = { backend: 'deepseek', variable: 'DEEPSEEK_API_KEY', base_url };
  return [
    openAiServer({
      backend: 'deepseek',
      name: 'deepseek',
      base_url: base_url ?? 'https://api.deepseek.com',
      api_key: accountKey(env.DEEPSEEK_API_KEY, account),
      published: DEEPSEEK_MODELS,
      residency: 'any',
      dialect: { body },
    }),
  ];
}

/** It knows JSON, but no schema for it, and `max_tokens` alone. */
function body({ max_completion_tokens, ...request }: ChatCompletionRequest): object {
  if (request.response_format?.type === 'json_schema')
    throw new PlatformError(
      'unsupported_parameter',
      'DeepSeek writes JSON, but holds it to no schema. Ask for response_format json_object and describe it in the prompt, or call a function.',
      { param: 'response_format' },
    );
  return max_completion_tokens == null ? request : { ...request, max_tokens: max_completion_tokens };
}
