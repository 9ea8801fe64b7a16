import type { ConfigOf, ModelBackend } from '@mcp/contracts';
import { openAiServer } from '../openai-wire/server.ts';
import { namedServers, SELF_HOSTED } from '../self-hosted.ts';
import type { manifest } from './manifest.ts';

export function create(env: ConfigOf<typeof manifest.settings>): readonly ModelBackend[] {
  return namedServers('triton-openai', env.TRITON_OPENAI_URL).map(({ name, url }) =>
    openAiServer({
      backend: 'triton-openai',
      name,
      base_url: `${url}/v1`,
      api_key: env.TRITON_OPENAI_API_KEY,
      dialect: { facts: () => SELF_HOSTED },
    }),
  );
}
