/** KServe v2 over gRPC. Words come by ModelStreamInfer, which takes decoupled models and others alike. */
import { type ModelEvent, PlatformError } from '@mcp/contracts';
import { z } from 'zod';
import { ProtoFile } from '../grpc/schema.ts';
import type { GrpcUpstream } from '../grpc/upstream.ts';
import { readAnswer } from '../read-answer.ts';
import type { Wire } from '../remote.ts';
import type { TritonReader } from './answer.ts';
import type { Template } from './body.ts';
import { Metadata, TritonModels, vectorsOf } from './models.ts';
import { questionOf } from './question.ts';
import { Inferred, inferRequest, textsRequest, valuesOf } from './tensors.ts';

const MAX_MODELS = 256;
const Index = z.object({
  models: z.array(z.object({ name: z.string(), state: z.string() })).max(MAX_MODELS),
});
const Streamed = z.object({ error_message: z.string(), infer_response: Inferred.nullable() });
const UNREADABLE = 'Triton sent an answer that cannot be read.';
/** What a server answers of a model that it does not have. */
const NOT_THERE = new Set(['model_not_found', 'invalid_request']);

const proto = new ProtoFile(new URL('./inference.proto', import.meta.url));
const method = (name: string) => proto.method('inference.GRPCInferenceService', name);
const METHODS = {
  index: method('RepositoryIndex'),
  metadata: method('ModelMetadata'),
  infer: method('ModelInfer'),
  stream: method('ModelStreamInfer'),
};

export class KServeGrpc implements Wire {
  readonly #upstream: GrpcUpstream;
  readonly #template: Template;
  readonly #models: TritonModels;

  constructor(
    upstream: GrpcUpstream,
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
    const { inputs, fields, reader } = await questionOf(this.#models, request, {
      template: this.#template,
      signal: call.signal,
    });
    const answers = this.#upstream.messages(
      METHODS.stream,
      inferRequest(request.model, fields, inputs),
      call,
    );
    // A refusal comes instead of the first answer, and is thrown before any event.
    const first = await answers.next();
    return this.#events(first, answers, reader);
  }

  async embed(...[request, call]: Parameters<NonNullable<Wire['embed']>>) {
    const name = await this.#models.requireTextInput(request.model, call.signal);
    const texts = [request.input].flat();
    const body = textsRequest(request.model, name, texts);
    const answer = readAnswer(Inferred, await this.#upstream.message(METHODS.infer, body, call), UNREADABLE);
    const [output] = answer.outputs;
    const data = output === undefined ? [] : valuesOf(answer)[output.name]?.map(Number);
    const vectors = vectorsOf(output && data && { shape: output.shape, data }, { texts: texts.length });
    return { model: request.model, vectors, input_tokens: 0 };
  }

  async *#events(
    first: IteratorResult<unknown>,
    answers: AsyncGenerator<unknown>,
    reader: TritonReader,
  ): AsyncGenerator<ModelEvent> {
    try {
      for (let next = first; next.done !== true; next = await answers.next()) {
        readStreamed(next.value, reader);
        yield* reader.events.splice(0);
      }
    } finally {
      await answers.return(undefined);
    }
    if (!reader.complete)
      throw new PlatformError(
        'upstream_interrupted',
        'Triton ended its stream in the middle of its answer. Try again.',
      );
    reader.end();
    yield* reader.events.splice(0);
  }

  async #ready(signal: AbortSignal): Promise<readonly string[]> {
    const { models } = Index.parse(await this.#upstream.message(METHODS.index, {}, told(signal)));
    return models.filter(({ state }) => state === '' || state === 'READY').map(({ name }) => name);
  }

  async #describe(name: string, signal: AbortSignal): Promise<Metadata | undefined> {
    const said = await this.#upstream
      .message(METHODS.metadata, { name }, told(signal))
      .catch((error: unknown) => {
        if (error instanceof PlatformError && NOT_THERE.has(error.code)) return undefined;
        throw error;
      });
    return Metadata.safeParse(said).data;
  }
}

const told = (signal: AbortSignal) => ({ signal, traceparent: undefined });

/** Throws the error that an answer stands for. */
function readStreamed(answer: unknown, reader: TritonReader): void {
  const { error_message, infer_response } = readAnswer(Streamed, answer, UNREADABLE);
  if (error_message !== '') reader.read({ error: error_message });
  // The end of a decoupled answer may come as one without outputs.
  if (infer_response === null || infer_response.outputs.length === 0) return;
  reader.read({ model_name: infer_response.model_name, ...valuesOf(infer_response) });
}
