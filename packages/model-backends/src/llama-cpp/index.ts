import type { BackendCallOptions, ConfigOf, CountTokensRequest, ModelBackend } from '@mcp/contracts';
import { z } from 'zod';
import { capabilitiesOf, type ListedModel } from '../facts.ts';
import { Listed, openAiServer } from '../openai-wire/server.ts';
import { namedServers, SELF_HOSTED } from '../self-hosted.ts';
import type { Upstream } from '../upstream.ts';
import type { manifest } from './manifest.ts';

const Prompt = z.object({ prompt: z.string() });
const Tokens = z.object({ tokens: z.array(z.unknown()) });
/** What a server of one model says of itself. */
const Props = z.object({
  default_generation_settings: z.object({ n_ctx: z.number().int().positive() }),
  modalities: z.object({ vision: z.boolean() }).nullish(),
});

export function create(env: ConfigOf<typeof manifest.settings>): readonly ModelBackend[] {
  return namedServers('llama-cpp', env.LLAMA_CPP_URL).map(({ name, url }) =>
    openAiServer({
      backend: 'llama-cpp',
      name,
      base_url: url,
      api_key: env.LLAMA_CPP_API_KEY,
      dialect: { path: (call) => `/v1/${call}`, list, count },
    }),
  );
}

/** The context that one request has is a matter of the server: that of the model is divided among its slots. */
async function list(upstream: Upstream, signal: AbortSignal): Promise<readonly ListedModel[]> {
  const { data } = Listed.parse(await upstream.read('/v1/models', signal));
  const said = await upstream.read('/props', signal).catch(() => undefined);
  const props = Props.safeParse(said).data;
  const facts = {
    ...SELF_HOSTED,
    capabilities: capabilitiesOf({
      tools: true,
      json_schema: true,
      logprobs: true,
      images: props?.modalities?.vision === true,
    }),
    ...(props === undefined ? {} : { max_context: props.default_generation_settings.n_ctx }),
  };
  return data.map(({ id }) => ({ ...facts, id }));
}

/** By the tokenizer and the template of the model. */
async function count(
  upstream: Upstream,
  { messages }: CountTokensRequest,
  { signal }: BackendCallOptions,
): Promise<number | undefined> {
  const read = (path: string, body: object) => upstream.read(path, signal, body).catch(() => undefined);
  const prompt = Prompt.safeParse(await read('/apply-template', { messages })).data?.prompt;
  if (prompt === undefined) return undefined;
  const body = { content: prompt, add_special: true, parse_special: true };
  return Tokens.safeParse(await read('/tokenize', body)).data?.tokens.length;
}
