import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CallContext,
  type ChatCompletionRequest,
  type ChatMessage,
  type FinishReason,
  type ModelEvent,
  type ModelGatewayApi,
  type ModelInfo,
  PlatformError,
} from '@mcp/contracts';

/** What a model does with one request. */
export interface Script {
  readonly pieces: readonly string[];
  readonly reasoning?: string;
  /** Before each piece. */
  readonly pause_ms?: number;
  /** Thrown after the pieces, instead of an end. */
  readonly failure?: Error;
  /** Log probability of each piece, where the request asks for them. */
  readonly logprob?: number;
  /** `null` leaves the end of the stream out. */
  readonly finish?: FinishReason | null;
}

const STOP: FinishReason = { unified: 'stop', raw: 'stop' };

export function chatModel(id: string, change: Partial<ModelInfo> = {}): ModelInfo {
  return {
    id,
    backend: 'script',
    kind: 'chat',
    owned_by: 'test',
    max_context: 8192,
    cost_input_per_mtok_usd: 0,
    cost_output_per_mtok_usd: 0,
    status: 'ready',
    ...change,
  };
}

export function textOf(message: ChatMessage | undefined): string {
  return typeof message?.content === 'string' ? message.content : '';
}

/** Models that say what a test tells them to, and remember what they were asked. */
export class ScriptedModels implements ModelGatewayApi {
  known: ModelInfo[] = [
    chatModel('alpha'),
    chatModel('beta'),
    chatModel('vectors', { kind: 'embedding', dimensions: 4 }),
  ];
  /** Answer to the n-th generation, counted from 0. */
  script: (request: ChatCompletionRequest, n: number) => Script = (request, n) => ({
    pieces: [`${request.model} `, 'says ', `number ${n}.`],
  });
  vector: (text: string) => readonly number[] = () => [1, 0, 0, 0];
  readonly asked: { readonly request: ChatCompletionRequest; readonly call: CallContext }[] = [];
  embedded = 0;
  /** Generations whose stream was closed or aborted before its end. */
  stopped = 0;

  async *generate(request: ChatCompletionRequest, call: CallContext): AsyncGenerator<ModelEvent> {
    const n = this.asked.length;
    this.asked.push({ request, call });
    const { pieces, reasoning, pause_ms = 0, failure, logprob, finish = STOP } = this.script(request, n);
    let whole = false;
    try {
      yield { type: 'start', id: `g${n}`, model: request.model, backend: 'script', created_s: 0 };
      if (reasoning !== undefined) yield { type: 'reasoning', choice: 0, text: reasoning };
      for (const text of pieces) {
        if (pause_ms > 0) await sleep(pause_ms, undefined, { signal: call.signal });
        const token = { token: text, logprob: logprob ?? 0, bytes: null, top_logprobs: [] };
        const told = logprob !== undefined && request.logprobs === true ? { logprobs: [token] } : {};
        yield { type: 'text', choice: 0, text, ...told };
      }
      if (failure !== undefined) throw failure;
      whole = true;
      if (finish === null) return;
      yield { type: 'finish', choice: 0, reason: finish };
      yield { type: 'usage', usage: { input_tokens: 10, output_tokens: pieces.length } };
    } finally {
      if (!whole) this.stopped++;
    }
  }

  embed(request: { model: string; input: string | string[] }) {
    this.embedded++;
    const texts = typeof request.input === 'string' ? [request.input] : request.input;
    return Promise.resolve({
      model: request.model,
      vectors: texts.map((text) => [...this.vector(text)]),
      input_tokens: 1,
    });
  }

  /** One token a word and four a message. */
  countTokens({ model, messages }: { model: string; messages: readonly ChatMessage[] }) {
    const max_context = this.known.find(({ id }) => id === model)?.max_context;
    if (max_context === undefined)
      return Promise.reject(new PlatformError('model_not_found', `There is no model ${model}.`));
    const tokens = messages.reduce((sum, message) => sum + 4 + textOf(message).split(/\s+/).length, 0);
    return Promise.resolve({ tokens, exact: true, max_context });
  }

  models() {
    return Promise.resolve(this.known);
  }

  /** Room for the next inference; a test may have none. */
  reserve: ModelGatewayApi['reserve'] = () =>
    Promise.resolve({ id: 'place', gone: Promise.resolve(), release: () => undefined });

  model(id: string) {
    const model = this.known.find((one) => one.id === id);
    return model === undefined
      ? Promise.reject(new PlatformError('model_not_found', `There is no model ${id}.`))
      : Promise.resolve(model);
  }

  queues() {
    return Promise.resolve([]);
  }
}
