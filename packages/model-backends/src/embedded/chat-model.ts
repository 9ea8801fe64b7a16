import {
  type ChatCompletionRequest,
  type ChatMessage,
  type ModelEvent,
  PlatformError,
  type TokenCount,
} from '@mcp/contracts';
import { LlamaChat, resolveChatWrapper } from 'node-llama-cpp';
import { abortError } from '../abort.ts';
import { callSyntaxOf } from './calls/syntax.ts';
import { writeChoice } from './choice.ts';
import { readMemory, spareBytes } from './memory.ts';
import { Output } from './output.ts';
import { countMessages, type Plan, type PlanContext, planOf } from './plan.ts';
import { ReadingPace } from './prefill.ts';
import { runtime } from './runtime.ts';
import { Sequences } from './sequences.ts';

export interface ChatModelOptions {
  readonly id: string;
  readonly path: string;
  readonly max_context: number;
  /** Generations that share the weights at once. */
  readonly parallel: number;
  readonly threads: number;
}

/** An answer worth having: shorter ones are not begun for want of memory. */
const LEAST_ANSWER = 64;
/** Pieces of a prompt are smaller than this on a processor; more would only cost memory. */
const BATCH_TOKENS = 128;

/** A chat model in process. Up to `parallel` generations share the weights, each with a context of its own. */
export class ChatModel {
  readonly #shared: PlanContext;
  readonly #sequences: Sequences;
  readonly #pace = new ReadingPace();
  readonly #working = new Map<AbortController, Promise<void>>();
  #closed: PlatformError | undefined;

  private constructor(shared: PlanContext, sequences: Sequences) {
    this.#shared = shared;
    this.#sequences = sequences;
  }

  /** Loads a GGUF file. Throws llama.cpp's error when it is none, or does not fit in memory. */
  static async load(options: ChatModelOptions): Promise<ChatModel> {
    const llama = await runtime(options.threads);
    // llama.cpp repacks most weights for the processor, in memory of its own: a mapped file would stay beside them.
    const model = await llama.loadModel({ modelPath: options.path, useMmap: false });
    try {
      const max_context = Math.min(options.max_context, model.trainContextSize);
      const wrapper = resolveChatWrapper(model);
      const sequences = await Sequences.begin({
        model: options.id,
        max_context,
        parallel: options.parallel,
        bytesOf: (contextSize) =>
          model.fileInsights.estimateContextResourceRequirements({
            contextSize,
            modelGpuLayers: 0,
            batchSize: BATCH_TOKENS,
            sequences: 1,
          }).cpuRam,
        spareBytes: () => spareBytes(readMemory()),
        async make(tokens) {
          const context = await model.createContext({
            contextSize: tokens,
            batchSize: BATCH_TOKENS,
            threads: options.threads,
          });
          const chat = new LlamaChat({ contextSequence: context.getSequence(), chatWrapper: wrapper });
          return { context, chat, tokens };
        },
      });
      const { basename, name } = model.fileInfo.metadata.general;
      const syntax = callSyntaxOf(basename ?? name ?? '');
      return new ChatModel({ id: options.id, llama, model, wrapper, syntax, max_context }, sequences);
    } catch (error) {
      await model.dispose();
      throw error;
    }
  }

  /** Tokens that the model can hold, prompt and answer together. */
  get max_context(): number {
    return this.#shared.max_context;
  }

  /** Tokens of the messages in the model's own template. */
  count(messages: readonly ChatMessage[]): TokenCount {
    return countMessages(this.#shared, messages);
  }

  /**
   * Streams an answer. When the signal fires it ends within a few ms: with a finish, the usage so far, and the signal's
   * reason thrown; the model itself stops after the token or piece of prompt at hand.
   */
  async *generate(request: ChatCompletionRequest, signal: AbortSignal): AsyncIterable<ModelEvent> {
    const plan = await planOf(request, this.#shared);
    // It may have been closed meanwhile: the weights must not be touched any more.
    if (this.#closed !== undefined) throw this.#closed;
    const stop = new AbortController();
    const out = new Output({ model: this.#shared.id, input_tokens: plan.prompt.length }, stop.signal);
    const onAbort = () => stop.abort(abortError(signal));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    const work = this.#write(request, plan, out)
      .then(
        () => out.end(),
        (error: unknown) => out.fail(error),
      )
      .finally(() => this.#working.delete(stop));
    this.#working.set(stop, work);
    try {
      yield* out.events();
    } finally {
      signal.removeEventListener('abort', onAbort);
      // The reader may leave early: the model must not go on for nobody.
      stop.abort(new PlatformError('cancelled', 'Nobody reads the answer any more.'));
    }
  }

  /** Stops what is being written and frees the weights. */
  async close(): Promise<void> {
    const reason = new PlatformError('unavailable', `The model ${this.#shared.id} is being shut down.`);
    this.#closed = reason;
    for (const stop of this.#working.keys()) stop.abort(reason);
    await Promise.all(this.#working.values());
    await this.#sequences.close();
    await this.#shared.model.dispose();
  }

  async #write(request: ChatCompletionRequest, plan: Plan, out: Output): Promise<void> {
    for (let choice = 0; choice < (request.n ?? 1); choice++) {
      const prompt = plan.prompt.length;
      const need = {
        wanted: prompt + plan.max_tokens,
        least: prompt + Math.min(plan.max_tokens, LEAST_ANSWER),
      };
      const sequence = await this.#sequences.take(plan.prompt, need, out.signal);
      try {
        await writeChoice({
          chat: sequence.chat,
          model: this.#shared.model,
          request,
          plan: { ...plan, max_tokens: Math.min(plan.max_tokens, sequence.tokens - prompt) },
          choice,
          out,
          pace: this.#pace,
        });
      } finally {
        this.#sequences.giveBack(sequence);
      }
    }
  }
}
