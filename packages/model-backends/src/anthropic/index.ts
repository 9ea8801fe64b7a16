import type { ConfigOf, ModelBackend } from '@mcp/contracts';
import { decodeAnthropicMessage, decodeAnthropicStream, toAnthropic } from '@mcp/wire';
import { z } from 'zod';
import { accountKey } from '../accounts.ts';
import { capabilitiesOf, type ListedModel } from '../facts.ts';
import { ignoredBy } from '../features.ts';
import { RemoteBackend, type Wire } from '../remote.ts';
import { Upstream } from '../upstream.ts';
import { features } from './features.ts';
import type { manifest } from './manifest.ts';
import { ANTHROPIC_MODELS } from './models.ts';

const VERSION = '2023-06-01';
const DEFAULT_CONTEXT = 200_000;

const can = z.object({ supported: z.boolean() }).nullish();
const Listed = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      max_input_tokens: z.number().int().positive().nullish(),
      capabilities: z.object({ image_input: can, structured_outputs: can, thinking: can }).nullish(),
    }),
  ),
});
const Counted = z.object({ input_tokens: z.number().int().nonnegative() });

export function create(env: ConfigOf<typeof manifest.settings>): readonly ModelBackend[] {
  const base_url = env.ANTHROPIC_BASE_URL;
  const account = { backend: 'anthropic', variable: 'ANTHROPIC_API_KEY', base_url };
  const key = accountKey(env.ANTHROPIC_API_KEY, account);
  const upstream = new Upstream({
    name: 'anthropic',
    base_url: base_url ?? 'https://api.anthropic.com',
    headers: { 'anthropic-version': VERSION, ...(key === undefined ? {} : { 'x-api-key': key }) },
  });
  return [
    new RemoteBackend({
      backend: 'anthropic',
      name: 'anthropic',
      upstream,
      wire: messagesWire(upstream),
      ignores: ignoredBy(features),
      published: ANTHROPIC_MODELS,
      max_context: DEFAULT_CONTEXT,
      residency: base_url === undefined ? 'any' : undefined,
    }),
  ];
}

/** The Messages API. */
function messagesWire(upstream: Upstream): Wire {
  return {
    async list(signal) {
      return Listed.parse(await upstream.read('/v1/models?limit=1000', signal)).data.map(describe);
    },
    async chat(request, call) {
      const response = await upstream.post('/v1/messages', toAnthropic(request), call);
      const streams = String(response.headers['content-type'] ?? '').includes('event-stream');
      return streams
        ? decodeAnthropicStream(upstream.bytes(response, call))
        : decodeAnthropicMessage(await upstream.json(response, call));
    },
    async count({ model, messages }, { signal }) {
      const { max_tokens: _answer, ...body } = toAnthropic({ model, messages: [...messages] });
      const counted = await upstream.read('/v1/messages/count_tokens', signal, body).catch(() => undefined);
      return Counted.safeParse(counted).data?.input_tokens;
    },
  };
}

function describe({
  id,
  max_input_tokens,
  capabilities,
}: z.infer<typeof Listed>['data'][number]): ListedModel {
  return {
    id,
    ...(max_input_tokens == null ? {} : { max_context: max_input_tokens }),
    ...(capabilities == null
      ? {}
      : {
          capabilities: capabilitiesOf({
            tools: true,
            json_schema: capabilities.structured_outputs?.supported === true,
            images: capabilities.image_input?.supported === true,
            reasoning: capabilities.thinking?.supported === true,
          }),
        }),
  };
}
