import { randomUUID } from 'node:crypto';
import { type ConfigOf, type ModelBackend, PlatformError } from '@mcp/contracts';
import { decodeSse } from '@mcp/wire';
import { z } from 'zod';
import type { ListedModel } from '../facts.ts';
import { ignoredBy } from '../features.ts';
import { RemoteBackend, type Wire } from '../remote.ts';
import { namedServers, SELF_HOSTED } from '../self-hosted.ts';
import { Upstream } from '../upstream.ts';
import { TritonReader } from './answer.ts';
import { generateBody, type Template } from './body.ts';
import { features } from './features.ts';
import type { manifest } from './manifest.ts';

const DEFAULT_CONTEXT = 32_768;
const MAX_MODELS = 256;

const Index = z.array(z.object({ name: z.string(), state: z.string().nullish() })).max(MAX_MODELS);
const Tensors = z.array(z.object({ name: z.string(), datatype: z.string() }));
const Metadata = z.object({ inputs: Tensors, outputs: Tensors });
type Metadata = z.infer<typeof Metadata>;
const Inferred = z.object({
  outputs: z
    .array(z.object({ shape: z.array(z.number().int().positive()), data: z.array(z.number()) }))
    .min(1),
});

export function create(env: ConfigOf<typeof manifest.settings>): readonly ModelBackend[] {
  return namedServers('triton', env.TRITON_URL).map(({ name, url }) => {
    const upstream = new Upstream({ name, base_url: url });
    return new RemoteBackend({
      backend: 'triton',
      name,
      upstream,
      wire: new KServe(upstream, { template: env.TRITON_CHAT_TEMPLATE, models: env.TRITON_MODELS }),
      ignores: ignoredBy(features),
      max_context: DEFAULT_CONTEXT,
    });
  });
}

/** KServe v2 over HTTP, with Triton's extensions for the repository of models and for text. */
class KServe implements Wire {
  readonly #upstream: Upstream;
  readonly #template: Template;
  readonly #models: readonly string[] | undefined;
  /** What the models that were last listed take and give. */
  #metadata = new Map<string, Metadata>();

  constructor(
    upstream: Upstream,
    { template, models }: { readonly template: Template; readonly models: readonly string[] | undefined },
  ) {
    this.#upstream = upstream;
    this.#template = template;
    this.#models = models;
  }

  /** Those models that take one text, and give text or a vector. */
  async list(signal: AbortSignal): Promise<readonly ListedModel[]> {
    const names = this.#models ?? (await this.#ready(signal));
    const described = await Promise.all(
      names.map(async (name) => [name, await this.#describe(name, signal)] as const),
    );
    this.#metadata = new Map(described.flatMap(([name, one]) => (one === undefined ? [] : [[name, one]])));
    return [...this.#metadata].flatMap(([id, metadata]): ListedModel[] => {
      if (isChat(metadata)) return [{ ...SELF_HOSTED, id, kind: 'chat', capabilities: [] }];
      return textInput(metadata) === undefined ? [] : [{ ...SELF_HOSTED, id, kind: 'embedding' }];
    });
  }

  async chat(...[request, call]: Parameters<Wire['chat']>) {
    const { inputs } = await this.#require(request.model, call.signal);
    const names = new Set(inputs.map(({ name }) => name));
    const body = generateBody(request, { inputs: names, template: this.#template });
    const reader = new TritonReader({
      id: `chatcmpl-${randomUUID()}`,
      told: names.has('return_finish_reason'),
    });
    const path = `/v2/models/${encodeURIComponent(request.model)}/generate`;
    if (request.stream === true) {
      const response = await this.#upstream.post(`${path}_stream`, body, call);
      if (String(response.headers['content-type'] ?? '').includes('event-stream'))
        return decodeSse(this.#upstream.bytes(response, call), reader);
      reader.read(await this.#upstream.json(response, call));
    } else reader.read(await this.#upstream.postJson(path, body, call));
    reader.end();
    return reader.events;
  }

  async embed(...[request, call]: Parameters<NonNullable<Wire['embed']>>) {
    const name = textInput(await this.#require(request.model, call.signal));
    if (name === undefined) throw notFound(request.model);
    const data = [request.input].flat();
    const body = { inputs: [{ name, datatype: 'BYTES', shape: [data.length, 1], data }] };
    const path = `/v2/models/${encodeURIComponent(request.model)}/infer`;
    const { data: answer, error } = Inferred.safeParse(await this.#upstream.postJson(path, body, call));
    const [output] = answer?.outputs ?? [];
    const size = output?.shape.at(-1) ?? 0;
    if (output === undefined || output.data.length !== size * data.length)
      throw new PlatformError('upstream_failed', 'Triton sent vectors that cannot be read.', {
        cause: error,
      });
    const vectors = data.map((_, at) => output.data.slice(at * size, (at + 1) * size));
    return { model: request.model, vectors, input_tokens: 0 };
  }

  /** The models of its repository that it has loaded. */
  async #ready(signal: AbortSignal): Promise<readonly string[]> {
    const index = Index.parse(await this.#upstream.read('/v2/repository/index', signal, {}));
    return index.filter(({ state }) => state == null || state === 'READY').map(({ name }) => name);
  }

  /** Undefined where it has no such model, or tells nothing of it. */
  async #describe(name: string, signal: AbortSignal): Promise<Metadata | undefined> {
    const path = `/v2/models/${encodeURIComponent(name)}`;
    const said = await this.#upstream.read(path, signal).catch((error: unknown) => {
      if (error instanceof PlatformError) throw error;
      return undefined;
    });
    return Metadata.safeParse(said).data;
  }

  async #require(id: string, signal: AbortSignal): Promise<Metadata> {
    const known = this.#metadata.get(id) ?? (await this.#describe(id, signal));
    if (known === undefined) throw notFound(id);
    this.#metadata.set(id, known);
    return known;
  }
}

const isChat = ({ inputs, outputs }: Metadata) =>
  inputs.some(({ name }) => name === 'text_input') && outputs.some(({ name }) => name === 'text_output');

/** The input of a model that takes one text and gives numbers. */
const textInput = ({ inputs, outputs }: Metadata): string | undefined =>
  inputs.length === 1 && inputs[0]?.datatype === 'BYTES' && /^FP(32|64)$/.test(outputs[0]?.datatype ?? '')
    ? inputs[0].name
    : undefined;

function notFound(id: string): PlatformError {
  return new PlatformError(
    'model_not_found',
    `Triton has no model '${id.slice(0, 80)}' that takes a text, or it is not ready.`,
    { param: 'model' },
  );
}
