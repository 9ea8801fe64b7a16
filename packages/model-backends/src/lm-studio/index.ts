import type { ConfigOf, ModelBackend } from '@mcp/contracts';
import { z } from 'zod';
import { capabilitiesOf, type ListedModel } from '../facts.ts';
import { Listed, openAiServer } from '../openai-wire/server.ts';
import { namedServers, SELF_HOSTED } from '../self-hosted.ts';
import type { Upstream } from '../upstream.ts';
import type { manifest } from './manifest.ts';

/** Its own list says more than that on OpenAI's wire. */
const Described = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      type: z.string(),
      max_context_length: z.number().int().positive().nullish(),
      loaded_context_length: z.number().int().positive().nullish(),
      capabilities: z.array(z.string()).nullish(),
    }),
  ),
});

export function create(env: ConfigOf<typeof manifest.settings>): readonly ModelBackend[] {
  return namedServers('lm-studio', env.LM_STUDIO_URL).map(({ name, url }) =>
    openAiServer({
      backend: 'lm-studio',
      name,
      base_url: url,
      api_key: env.LM_STUDIO_API_KEY,
      dialect: { path: (call) => `/v1/${call}`, list },
    }),
  );
}

async function list(upstream: Upstream, signal: AbortSignal): Promise<readonly ListedModel[]> {
  const described = Described.safeParse(await upstream.read('/api/v0/models', signal).catch(() => undefined));
  if (described.data === undefined) {
    const { data } = Listed.parse(await upstream.read('/v1/models', signal));
    return data.map(({ id }) => ({ ...SELF_HOSTED, id }));
  }
  return described.data.data.map(({ id, type, capabilities, ...context }) => {
    const max_context = context.loaded_context_length ?? context.max_context_length;
    return {
      ...SELF_HOSTED,
      id,
      ...(type === 'embeddings' ? { kind: 'embedding' as const } : {}),
      ...(max_context == null ? {} : { max_context }),
      capabilities: capabilitiesOf({
        tools: capabilities?.includes('tool_use') === true,
        json_schema: type !== 'embeddings',
        images: type === 'vlm',
      }),
    };
  });
}
