import { type ConfigOf, type ModelBackend, PlatformError, type Residency } from '@mcp/contracts';
import { z } from 'zod';
import { ignoredBy } from '../features.ts';
import { RemoteBackend, type Wire } from '../remote.ts';
import { Upstream } from '../upstream.ts';
import { eventsOf, streamed } from './answer.ts';
import { converseBody } from './body.ts';
import { embed, embeddingFamilyOf } from './embed.ts';
import { features } from './features.ts';
import type { manifest } from './manifest.ts';
import { signing } from './sign.ts';

const Refused = z.object({ message: z.string() });

export function create(env: ConfigOf<typeof manifest.settings>): readonly ModelBackend[] {
  const { BEDROCK_REGION: region, BEDROCK_MODELS: models, AWS_BEARER_TOKEN_BEDROCK: token } = env;
  if (models === undefined)
    throw new Error('MODEL_BACKENDS names bedrock: set BEDROCK_MODELS, or take bedrock out.');
  const upstream = new Upstream({
    name: 'bedrock',
    base_url: env.BEDROCK_BASE_URL ?? `https://bedrock-runtime.${region}.amazonaws.com`,
    ...(token === undefined
      ? { authorize: signing(region, env.BEDROCK_CREDENTIALS) }
      : { headers: { authorization: `Bearer ${token}` } }),
    failure(json) {
      const { data } = Refused.safeParse(json);
      return data !== undefined && /model identifier is invalid/i.test(data.message)
        ? new PlatformError('model_not_found', data.message, { param: 'model' })
        : undefined;
    },
  });
  return [
    new RemoteBackend({
      backend: 'bedrock',
      name: 'bedrock',
      upstream,
      wire: converse(upstream, models),
      ignores: ignoredBy(features),
      facts: (id) => ({ residency: residencyOf(id, region) }),
    }),
  ];
}

/** An inference profile says in its name where it may go: `eu.…`, `us.…`, `global.…`. */
function residencyOf(id: string, region: string): Residency {
  const [, profile] = /^(?:arn:.*\/)?(eu|us|apac|jp|au|global)\./.exec(id) ?? [];
  const where = profile ?? region.split('-')[0];
  return where === 'eu' || where === 'us' ? where : 'any';
}

function converse(upstream: Upstream, models: readonly string[]): Wire {
  return {
    list: async () =>
      models.map((id) => ({
        id,
        kind: embeddingFamilyOf(id) === undefined ? ('chat' as const) : ('embedding' as const),
      })),
    embed: (request, call) => embed(upstream, request, call),
    async chat(request, call) {
      const path = `/model/${encodeURIComponent(request.model)}`;
      const body = converseBody(request);
      if (request.stream !== true) return eventsOf(await upstream.postJson(`${path}/converse`, body, call));
      const response = await upstream.post(`${path}/converse-stream`, body, call);
      return String(response.headers['content-type'] ?? '').includes('eventstream')
        ? streamed(upstream.bytes(response, call))
        : eventsOf(await upstream.json(response, call));
    },
  };
}
