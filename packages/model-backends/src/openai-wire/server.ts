import type {
  BackendCallOptions,
  ChatCompletionRequest,
  CountTokensRequest,
  EmbeddingsRequest,
  EmbeddingsResult,
  ModelBackend,
  ModelEvent,
  ModelFacts,
} from '@mcp/contracts';
import { decodeChatCompletion, decodeChatStream, decodeEmbeddings } from '@mcp/wire';
import { z } from 'zod';
import type { ListedModel } from '../facts.ts';
import { RemoteBackend, type RemoteOptions, type Wire } from '../remote.ts';
import { Upstream } from '../upstream.ts';

/** A list of models, with all that its rows say. */
export const Listed = z.object({ data: z.array(z.looseObject({ id: z.string() })) });
/** A row of a server's list: its id, and what else that kind of server says. */
export type Row = z.infer<typeof Listed>['data'][number];

/** Where a provider differs from OpenAI. */
interface Dialect {
  /** The path of a call below the base URL, with its query. */
  path?(call: 'chat/completions' | 'embeddings', model: string): string;
  /** A request in its own words. Throws `unsupported_parameter` for what it has none for. */
  body?(request: ChatCompletionRequest): object;
  /** The path of its list of models; without it, `/models`. */
  readonly models_path?: string;
  /** What a row of that list says. */
  facts?(row: Row): ModelFacts;
  /** Its models, where it lists them in another way. */
  list?(upstream: Upstream, signal: AbortSignal): Promise<readonly ListedModel[]>;
  /** Counts tokens with the model's own tokenizer, where it offers that; undefined where it cannot now. */
  count?(
    upstream: Upstream,
    request: CountTokensRequest,
    call: BackendCallOptions,
  ): Promise<number | undefined>;
}

interface ServerOptions extends Omit<RemoteOptions, 'upstream' | 'wire' | 'ignores'> {
  readonly base_url: string;
  readonly api_key?: string | undefined;
  /** The header that takes the key as it is; without it, the key is a bearer token. */
  readonly key_header?: string;
  /** Models it serves, where its list cannot be read or is too long. */
  readonly models?: readonly string[] | undefined;
  readonly embedding_models?: readonly string[];
  readonly dialect?: Dialect;
}

/** One server that speaks OpenAI's wire. */
export function openAiServer(options: ServerOptions): ModelBackend {
  const { name, base_url, api_key, key_header } = options;
  const key =
    key_header === undefined ? { authorization: `Bearer ${api_key}` } : { [key_header]: api_key ?? '' };
  const upstream = new Upstream({ name, base_url, headers: api_key === undefined ? {} : key });
  return new RemoteBackend({ ...options, upstream, wire: new OpenAiWire(options, upstream) });
}

class OpenAiWire implements Wire {
  readonly #options: ServerOptions;
  readonly #dialect: Dialect;
  readonly #upstream: Upstream;

  constructor(options: ServerOptions, upstream: Upstream) {
    this.#options = options;
    this.#dialect = options.dialect ?? {};
    this.#upstream = upstream;
  }

  async chat(
    request: ChatCompletionRequest,
    call: BackendCallOptions,
  ): Promise<AsyncIterable<ModelEvent> | Iterable<ModelEvent>> {
    const { store: _kept, ...rest } = request;
    const asked =
      request.stream === true ? { ...rest, stream: true, stream_options: { include_usage: true } } : rest;
    const body = this.#dialect.body?.(asked) ?? asked;
    const response = await this.#upstream.post(this.#path('chat/completions', request.model), body, call);
    const streams =
      request.stream === true && String(response.headers['content-type'] ?? '').includes('event-stream');
    return streams
      ? decodeChatStream(this.#upstream.bytes(response, call))
      : decodeChatCompletion(await this.#upstream.json(response, call));
  }

  async embed(request: EmbeddingsRequest, call: BackendCallOptions): Promise<EmbeddingsResult> {
    const path = this.#path('embeddings', request.model);
    return decodeEmbeddings(await this.#upstream.postJson(path, request, call));
  }

  async count(request: CountTokensRequest, call: BackendCallOptions): Promise<number | undefined> {
    return await this.#dialect.count?.(this.#upstream, request, call);
  }

  /** Its models: those configured, else those that it lists. */
  async list(signal: AbortSignal): Promise<readonly ListedModel[]> {
    const { models, embedding_models = [] } = this.#options;
    const listed = models?.map((id) => ({ id })) ?? (await this.#listed(signal));
    const others = embedding_models.filter((id) => !listed.some((one) => one.id === id));
    return [...listed, ...others.map((id) => ({ id }))].map((one) =>
      embedding_models.includes(one.id) ? { ...one, kind: 'embedding' as const } : one,
    );
  }

  async #listed(signal: AbortSignal): Promise<readonly ListedModel[]> {
    const { list, facts, models_path = '/models' } = this.#dialect;
    if (list !== undefined) return await list(this.#upstream, signal);
    const { data } = Listed.parse(await this.#upstream.read(models_path, signal));
    return data.map((row) => ({ ...facts?.(row), id: row.id }));
  }

  #path(call: 'chat/completions' | 'embeddings', model: string): string {
    return this.#dialect.path?.(call, model) ?? `/${call}`;
  }
}
