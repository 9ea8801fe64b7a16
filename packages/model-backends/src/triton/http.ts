/** KServe v2 over HTTP, with Triton's extensions for the repository of models and for text. */
import { PlatformError } from '@mcp/contracts';
import { decodeSse } from '@mcp/wire';
import { z } from 'zod';
import type { Wire } from '../remote.ts';
import type { Upstream } from '../upstream.ts';
import type { Template } from './body.ts';
import { Metadata, TritonModels, vectorsOf } from './models.ts';
import { questionOf } from './question.ts';

const MAX_MODELS = 256;

const Index = z.array(z.object({ name: z.string(), state: z.string().nullish() })).max(MAX_MODELS);
const Inferred = z.object({
  outputs: z
    .array(z.object({ shape: z.array(z.number().int().positive()), data: z.array(z.number()) }))
    .min(1),
});

export class KServeHttp implements Wire {
  readonly #upstream: Upstream;
  readonly #template: Template;
  readonly #models: TritonModels;

  constructor(
    upstream: Upstream,
    { template, models }: { readonly template: Template; readonly models: readonly string[] | undefined },
  ) {
    this.#upstream = upstream;
    this.#template = template;
    this.#models = new TritonModels(
      {
        ready: (signal) => this.#ready(signal),
        describe: (name, signal) => this.#describe(name, signal),
      },
      models,
    );
  }

  list(signal: AbortSignal) {
    return this.#models.list(signal);
  }

  async chat(...[request, call]: Parameters<Wire['chat']>) {
    const { fields: body, reader } = await questionOf(this.#models, request, {
      template: this.#template,
      signal: call.signal,
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
    const name = await this.#models.requireTextInput(request.model, call.signal);
    const data = [request.input].flat();
    const body = { inputs: [{ name, datatype: 'BYTES', shape: [data.length, 1], data }] };
    const path = `/v2/models/${encodeURIComponent(request.model)}/infer`;
    const { data: answer, error } = Inferred.safeParse(await this.#upstream.postJson(path, body, call));
    const vectors = vectorsOf(answer?.outputs[0], { texts: data.length, cause: error });
    return { model: request.model, vectors, input_tokens: 0 };
  }

  async #ready(signal: AbortSignal): Promise<readonly string[]> {
    const index = Index.parse(await this.#upstream.read('/v2/repository/index', signal, {}));
    return index.filter(({ state }) => state == null || state === 'READY').map(({ name }) => name);
  }

  async #describe(name: string, signal: AbortSignal): Promise<Metadata | undefined> {
    const path = `/v2/models/${encodeURIComponent(name)}`;
    const said = await this.#upstream.read(path, signal).catch((error: unknown) => {
      if (error instanceof PlatformError) throw error;
      return undefined;
    });
    return Metadata.safeParse(said).data;
  }
}
