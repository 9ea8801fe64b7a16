import { randomUUID } from 'node:crypto';
import {
  type ChatCompletionRequest,
  type ChatMessage,
  type FinishReason,
  type ModelEvent,
  PlatformError,
  type TokenCount,
} from '@mcp/contracts';
import { EventQueue } from '@mcp/service-kit';
import {
  type ChatHistoryItem,
  type ChatModelFunctions,
  getLlama,
  type Llama,
  LlamaChat,
  type LlamaContext,
  type LlamaContextSequence,
  type LlamaGrammar,
  LlamaLogLevel,
  type LlamaModel,
} from 'node-llama-cpp';
import { maxTokens, stops } from '../text.ts';
import { toFunctions, toHistory } from './history.ts';
import { tokensWithLogprobs } from './logprobs.ts';

export interface ChatModelOptions {
  readonly id: string;
  readonly path: string;
  readonly max_context: number;
  readonly parallel: number;
  readonly threads: number;
}

/** Tokens kept free for an answer when the caller sets no limit and the context is nearly full. */
const MIN_ANSWER_TOKENS = 1;

let shared: Promise<Llama> | undefined;

/** One llama.cpp runtime for the process: CPU, prebuilt, nothing downloaded. */
function runtime(threads: number): Promise<Llama> {
  shared ??= getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    maxThreads: threads,
    logLevel: LlamaLogLevel.error,
    progressLogs: false,
  });
  return shared;
}

/** A chat model in process. Up to `parallel` generations share the weights, each with a context of its own. */
export class ChatModel {
  readonly #llama: Llama;
  readonly #model: LlamaModel;
  readonly #context: LlamaContext;
  readonly #options: ChatModelOptions;
  readonly #free: LlamaChat[];
  readonly #waiting: ((chat: LlamaChat) => void)[] = [];
  readonly #wrapper: LlamaChat['chatWrapper'];

  private constructor(
    parts: {
      llama: Llama;
      model: LlamaModel;
      context: LlamaContext;
      chats: LlamaChat[];
      wrapper: LlamaChat['chatWrapper'];
    },
    options: ChatModelOptions,
  ) {
    this.#llama = parts.llama;
    this.#model = parts.model;
    this.#context = parts.context;
    this.#free = parts.chats;
    this.#wrapper = parts.wrapper;
    this.#options = options;
  }

  static async load(options: ChatModelOptions): Promise<ChatModel> {
    const llama = await runtime(options.threads);
    const model = await llama.loadModel({ modelPath: options.path });
    const context = await model.createContext({
      contextSize: options.max_context,
      sequences: options.parallel,
      threads: options.threads,
    });
    const chats = Array.from(
      { length: options.parallel },
      () => new LlamaChat({ contextSequence: context.getSequence() }),
    );
    const wrapper = chats[0]?.chatWrapper;
    if (wrapper === undefined) throw new Error('parallel must be at least 1');
    return new ChatModel({ llama, model, context, chats, wrapper }, options);
  }

  /** Tokens of the messages in the model's own template, exactly. */
  count(messages: readonly ChatMessage[], functions?: ChatModelFunctions): TokenCount {
    return {
      tokens: this.#promptTokens(toHistory(messages), functions),
      exact: true,
      max_context: this.#options.max_context,
    };
  }

  async *generate(request: ChatCompletionRequest, signal: AbortSignal): AsyncIterable<ModelEvent> {
    const plan = await this.#plan(request);
    const queue = new EventQueue<ModelEvent>();
    queue.push({
      type: 'start',
      id: `chatcmpl-${randomUUID()}`,
      model: this.#options.id,
      backend: 'embedded',
      created_s: Math.floor(Date.now() / 1000),
    });
    const left = new AbortController();
    const stop = AbortSignal.any([signal, left.signal]);
    const work = this.#choices(request, plan, { queue, signal: stop }).then(
      () => queue.end(),
      (error: unknown) => queue.fail(error),
    );
    try {
      yield* queue;
    } finally {
      // The reader may leave early: the model must not go on for nobody.
      left.abort();
      await work;
    }
  }

  async close(): Promise<void> {
    await this.#context.dispose();
    await this.#model.dispose();
  }

  async #choices(request: ChatCompletionRequest, plan: Plan, out: Output): Promise<void> {
    let output_tokens = 0;
    for (let choice = 0; choice < (request.n ?? 1); choice++) {
      const chat = await this.#take(out.signal);
      try {
        output_tokens += await (request.logprobs === true
          ? this.#withLogprobs(chat.sequence, request, plan, choice, out)
          : this.#respond(chat, request, plan, choice, out));
      } finally {
        this.#giveBack(chat);
      }
    }
    out.queue.push({ type: 'usage', usage: { input_tokens: plan.input_tokens, output_tokens } });
  }

  async #respond(
    chat: LlamaChat,
    request: ChatCompletionRequest,
    plan: Plan,
    choice: number,
    { queue, signal }: Output,
  ): Promise<number> {
    let tokens = 0;
    const response = await chat.generateResponse(plan.history, {
      ...this.#sampling(request, choice),
      maxTokens: plan.max_tokens,
      signal,
      stopOnAbortSignal: true,
      ...(stops(request.stop).length === 0 ? {} : { customStopTriggers: stops(request.stop) }),
      onResponseChunk(chunk) {
        tokens += chunk.tokens.length;
        if (chunk.text !== '')
          queue.push({
            type: chunk.type === 'segment' && chunk.segmentType === 'thought' ? 'reasoning' : 'text',
            choice,
            text: chunk.text,
          });
      },
      ...(plan.functions === undefined
        ? plan.grammar === undefined
          ? {}
          : { grammar: plan.grammar }
        : {
            functions: plan.functions,
            documentFunctionParams: true,
            ...(request.parallel_tool_calls === false ? { maxParallelFunctionCalls: 1 } : {}),
          }),
    });
    for (const [index, call] of (response.functionCalls ?? []).entries()) {
      const args = JSON.stringify(call.params ?? {});
      tokens += this.#model.tokenize(args).length;
      queue.push({
        type: 'tool_call',
        choice,
        index,
        id: `call_${randomUUID()}`,
        name: call.functionName,
        arguments_delta: args,
      });
    }
    queue.push({ type: 'finish', choice, reason: finishOf(response.metadata.stopReason, signal) });
    return tokens;
  }

  async #withLogprobs(
    sequence: LlamaContextSequence,
    request: ChatCompletionRequest,
    plan: Plan,
    choice: number,
    { queue, signal }: Output,
  ): Promise<number> {
    const { contextText, stopGenerationTriggers } = this.#wrapper.generateContextState({
      chatHistory: plan.history,
    });
    const run = {
      sequence,
      model: this.#model,
      prompt: contextText.tokenize(this.#model.tokenizer),
      top: request.top_logprobs ?? 0,
      max_tokens: plan.max_tokens,
      stop: [...stops(request.stop), ...stopGenerationTriggers.map(String)],
      sampling: this.#sampling(request, choice),
      signal,
    };
    let tokens = 0;
    let reason: FinishReason = { unified: 'stop', raw: 'eogToken' };
    for await (const step of tokensWithLogprobs(run)) {
      if (step.type === 'end') reason = finishOf(step.reason, signal);
      else {
        tokens++;
        queue.push({ type: 'text', choice, text: step.text, logprobs: [step.logprob] });
      }
    }
    queue.push({ type: 'finish', choice, reason });
    return tokens;
  }

  async #plan(request: ChatCompletionRequest): Promise<Plan> {
    const tools = request.tools !== undefined && request.tool_choice !== 'none' ? request.tools : undefined;
    if (request.tool_choice !== undefined && typeof request.tool_choice !== 'string')
      throw unsupported('tool_choice', 'naming one function');
    if (request.tool_choice === 'required') throw unsupported('tool_choice', 'required');
    if (request.logprobs === true && tools !== undefined)
      throw unsupported('logprobs', 'together with tools');
    if (request.logit_bias != null) throw unsupported('logit_bias', 'at all');
    const grammar = await this.#grammar(request);
    if (grammar !== undefined && tools !== undefined)
      throw unsupported('response_format', 'together with tools');
    if (grammar !== undefined && request.logprobs === true)
      throw unsupported('logprobs', 'together with response_format');
    const functions = tools === undefined ? undefined : toFunctions(tools);
    const history = toHistory(request.messages);
    const input_tokens = this.#promptTokens(history, functions);
    const room = this.#options.max_context - input_tokens;
    if (room < MIN_ANSWER_TOKENS)
      throw new PlatformError(
        'context_length_exceeded',
        `The messages have ${input_tokens} tokens; ${this.#options.id} holds ${this.#options.max_context} with its answer. Shorten them.`,
        { param: 'messages' },
      );
    return {
      history,
      functions,
      grammar,
      input_tokens,
      max_tokens: Math.min(maxTokens(request) ?? room, room),
    };
  }

  async #grammar(request: ChatCompletionRequest): Promise<LlamaGrammar | undefined> {
    const format = request.response_format;
    if (format === undefined || format.type === 'text') return undefined;
    if (format.type === 'json_object' || format.json_schema.schema === undefined)
      return this.#llama.getGrammarFor('json');
    try {
      return await this.#llama.createGrammarForJsonSchema(
        // The grammar checks the schema itself; its type wants a literal.
        format.json_schema.schema as { readonly type: 'object' },
      );
    } catch (cause) {
      throw new PlatformError(
        'unsupported_parameter',
        'This JSON schema uses a keyword that the grammar does not know. Simplify it to types, properties, enum, const, items and oneOf.',
        { param: 'response_format', cause },
      );
    }
  }

  #promptTokens(history: ChatHistoryItem[], functions?: ChatModelFunctions): number {
    const { contextText } = this.#wrapper.generateContextState({
      chatHistory: history,
      ...(functions === undefined ? {} : { availableFunctions: functions, documentFunctionParams: true }),
    });
    return contextText.tokenize(this.#model.tokenizer).length;
  }

  #sampling(request: ChatCompletionRequest, choice: number) {
    const repeat = {
      ...(request.frequency_penalty == null ? {} : { frequencyPenalty: request.frequency_penalty }),
      ...(request.presence_penalty == null ? {} : { presencePenalty: request.presence_penalty }),
    };
    return {
      temperature: request.temperature ?? 0.7,
      ...(request.top_p == null ? {} : { topP: request.top_p }),
      ...(request.top_k == null ? {} : { topK: request.top_k }),
      ...(request.min_p == null ? {} : { minP: request.min_p }),
      seed: request.seed == null ? Math.floor(Math.random() * 2 ** 31) : request.seed + choice,
      repeatPenalty: { penalty: 1.1, ...repeat },
    };
  }

  #take(signal: AbortSignal): Promise<LlamaChat> {
    const chat = this.#free.pop();
    if (chat !== undefined) return Promise.resolve(chat);
    return new Promise((resolve, reject) => {
      const left = () => {
        const at = this.#waiting.indexOf(got);
        if (at >= 0) this.#waiting.splice(at, 1);
        reject(new PlatformError('cancelled', 'The caller left before the model was free.'));
      };
      const got = (free: LlamaChat) => {
        signal.removeEventListener('abort', left);
        resolve(free);
      };
      signal.addEventListener('abort', left, { once: true });
      this.#waiting.push(got);
    });
  }

  #giveBack(chat: LlamaChat): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(chat);
    else next(chat);
  }
}

interface Plan {
  readonly history: ChatHistoryItem[];
  readonly functions: ChatModelFunctions | undefined;
  readonly grammar: LlamaGrammar | undefined;
  readonly input_tokens: number;
  readonly max_tokens: number;
}

interface Output {
  readonly queue: EventQueue<ModelEvent>;
  readonly signal: AbortSignal;
}

function unsupported(param: string, how: string): PlatformError {
  return new PlatformError(
    'unsupported_parameter',
    `The embedded models do not support ${param} ${how}. Remove it or use another backend.`,
    { param },
  );
}

function finishOf(stop: string, signal: AbortSignal): FinishReason {
  if (signal.aborted || stop === 'abort') return { unified: 'cancelled', raw: stop };
  switch (stop) {
    case 'maxTokens':
      return { unified: 'length', raw: stop };
    case 'functionCalls':
      return { unified: 'tool_calls', raw: stop };
    case 'eogToken':
    case 'stopGenerationTrigger':
    case 'customStopTrigger':
      return { unified: 'stop', raw: stop };
    default:
      return { unified: 'other', raw: stop };
  }
}
