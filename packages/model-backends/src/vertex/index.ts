import { randomUUID } from 'node:crypto';
import { type ConfigOf, type ModelBackend, PlatformError, type Residency } from '@mcp/contracts';
import { decodeSse, errorFromBody } from '@mcp/wire';
import { z } from 'zod';
import { ignoredBy } from '../features.ts';
import { readAnswer } from '../read-answer.ts';
import { RemoteBackend, type Wire } from '../remote.ts';
import { Upstream, type UpstreamOptions } from '../upstream.ts';
import { GeminiReader } from './answer.ts';
import { contentsOf, generateBody } from './body.ts';
import { features } from './features.ts';
import type { manifest } from './manifest.ts';

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
const DEFAULT_CONTEXT = 1_048_576;

type Env = ConfigOf<typeof manifest.settings>;

const Counted = z.object({ totalTokens: z.number().int().nonnegative() });
const Predicted = z.object({
  predictions: z.array(
    z.object({
      embeddings: z.object({
        values: z.array(z.number()),
        statistics: z.object({ token_count: z.number() }).nullish(),
      }),
    }),
  ),
});
/** How long a refusal asks to wait: `google.rpc.RetryInfo`. */
const Retry = z.object({
  error: z.object({ details: z.array(z.looseObject({ retryDelay: z.string().optional() })) }),
});

export function create(env: Env): readonly ModelBackend[] {
  const { VERTEX_PROJECT: project, VERTEX_LOCATION: location, VERTEX_MODELS: models } = env;
  if (models === undefined || (project === undefined && env.VERTEX_API_KEY === undefined))
    throw new Error(
      'MODEL_BACKENDS names vertex: set VERTEX_MODELS, and VERTEX_PROJECT or VERTEX_API_KEY, or take vertex out.',
    );
  const host = location === 'global' ? 'aiplatform' : `${location}-aiplatform`;
  const upstream = new Upstream({
    name: 'vertex',
    base_url: env.VERTEX_BASE_URL ?? `https://${host}.googleapis.com`,
    ...keyOf(env),
    failure(json, { status, headers: _headers, retry_after_ms }) {
      const details = Retry.safeParse(json).data?.error.details ?? [];
      const delay = details.find(({ retryDelay }) => retryDelay !== undefined)?.retryDelay;
      const wait_ms = retry_after_ms ?? (delay === undefined ? undefined : Number.parseFloat(delay) * 1000);
      return errorFromBody(json, { status, retry_after_ms: Number.isNaN(wait_ms) ? undefined : wait_ms });
    },
  });
  const prefix = project === undefined ? '/v1' : `/v1/projects/${project}/locations/${location}`;
  return [
    new RemoteBackend({
      backend: 'vertex',
      name: 'vertex',
      upstream,
      wire: geminiWire(upstream, { prefix, models }),
      ignores: ignoredBy(features),
      max_context: DEFAULT_CONTEXT,
      residency: residencyOf(location),
    }),
  ];
}

/** An API key, or a token of Google's that is made anew when it expires. */
function keyOf(env: Env): Pick<UpstreamOptions, 'headers' | 'authorize'> {
  if (env.VERTEX_API_KEY !== undefined) return { headers: { 'x-goog-api-key': env.VERTEX_API_KEY } };
  const loaded = import('google-auth-library').then(
    ({ GoogleAuth }) =>
      new GoogleAuth({
        scopes: SCOPE,
        ...(env.VERTEX_CREDENTIALS === undefined ? {} : { credentials: env.VERTEX_CREDENTIALS }),
      }),
  );
  // Who asks is told; until then it is no unhandled rejection.
  loaded.catch(() => undefined);
  return {
    async authorize() {
      try {
        return { authorization: `Bearer ${await (await loaded).getAccessToken()}` };
      } catch (cause) {
        throw new PlatformError(
          'upstream_failed',
          'Google gave no token for Vertex AI. The operator has to check VERTEX_CREDENTIALS.',
          { retryable: false, cause },
        );
      }
    },
  };
}

function residencyOf(location: string): Residency {
  if (/^(europe-|eu$)/.test(location)) return 'eu';
  return /^us(-|$)/.test(location) ? 'us' : 'any';
}

/** Methods of the models of a publisher, which is Google. */
function geminiWire(
  upstream: Upstream,
  { prefix, models }: { readonly prefix: string; readonly models: readonly string[] },
): Wire {
  const path = (model: string, method: string) =>
    `${prefix}/publishers/google/models/${encodeURIComponent(model)}:${method}`;
  return {
    list: async () =>
      models.map((id) =>
        /embed/i.test(id)
          ? { id }
          : { id, capabilities: ['tools', 'json_schema', 'images', 'reasoning', 'logprobs'] },
      ),
    async chat(request, call) {
      const reader = new GeminiReader(`chatcmpl-${randomUUID()}`);
      const body = generateBody(request);
      if (request.stream === true) {
        const sse = path(request.model, 'streamGenerateContent?alt=sse');
        const response = await upstream.post(sse, body, call);
        if (String(response.headers['content-type'] ?? '').includes('event-stream'))
          return decodeSse(upstream.bytes(response, call), reader);
        reader.read(await upstream.json(response, call));
      } else reader.read(await upstream.postJson(path(request.model, 'generateContent'), body, call));
      reader.end();
      return reader.events;
    },
    async embed({ model, input }, call) {
      const body = { instances: [input].flat().map((content) => ({ content })) };
      const json = await upstream.postJson(path(model, 'predict'), body, call);
      const { predictions } = readAnswer(Predicted, json, 'Vertex AI sent vectors that cannot be read.');
      const embeddings = predictions.map((one) => one.embeddings);
      return {
        model,
        vectors: embeddings.map(({ values }) => values),
        input_tokens: embeddings.reduce((sum, { statistics }) => sum + (statistics?.token_count ?? 0), 0),
      };
    },
    async count({ model, messages }, { signal }) {
      const body = contentsOf(messages);
      const counted = await upstream.read(path(model, 'countTokens'), signal, body).catch(() => undefined);
      return Counted.safeParse(counted).data?.totalTokens;
    },
  };
}
