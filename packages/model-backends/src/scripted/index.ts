import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BackendCallOptions,
  type ChatCompletionRequest,
  type ChatMessage,
  type ConfigOf,
  type FinishReason,
  type ModelBackend,
  type ModelEvent,
  type ModelInfo,
  PlatformError,
} from '@mcp/contracts';
import { abortError, Closing } from '../abort.ts';
import { ignoredBy } from '../features.ts';
import { SELF_HOSTED } from '../self-hosted.ts';
import { begunAnswer, maxTokens, stops, textOf } from '../text.ts';
import { features } from './features.ts';
import { Model, type manifest, Rule } from './manifest.ts';

const DEFAULT_MODELS: readonly Model[] = [
  Model.parse({
    id: 'scripted/alpha',
    rules: [
      {
        reply:
          'Alpha considers the question: {last}\n\nFirst, the facts are weighed. Second, the consequences follow. Therefore the answer is alpha.',
        token_delay_ms: 2,
      },
    ],
  }),
  Model.parse({
    id: 'scripted/beta',
    rules: [
      {
        reply:
          'Beta looks at it differently: {last}\n\nHowever, one assumption is missing. Because of that, the answer is beta.',
        token_delay_ms: 2,
      },
    ],
  }),
  Model.parse({ id: 'scripted/echo' }),
  Model.parse({ id: 'scripted/slow', rules: [{ reply: 'word '.repeat(2000).trim(), token_delay_ms: 20 }] }),
  Model.parse({ id: 'scripted/embed', kind: 'embedding', max_context: 8192 }),
];

const DIMENSIONS = 64;

/** Splits text the way this backend counts tokens: words with their leading space, and marks. */
export function scriptedTokens(text: string): string[] {
  return text.match(/\s*[\p{L}\p{N}_]+|\s*[^\s\p{L}\p{N}_]|\s+$/gu) ?? [];
}

/**
 * Answers from a script: for tests and demonstrations, never chosen unless MODEL_BACKENDS names it.
 * Tokens are those of {@link scriptedTokens}.
 */
class ScriptedBackend implements ModelBackend {
  readonly name = 'scripted';
  readonly ignores = ignoredBy(features);
  readonly #models: ReadonlyMap<string, Model>;
  readonly #applied = new Map<Rule, number>();
  readonly #failures = new Map<Rule, number>();
  readonly #closing = new Closing();

  constructor(models: readonly Model[]) {
    this.#models = new Map(models.map((model) => [model.id, model]));
  }

  models(): Promise<readonly ModelInfo[]> {
    return Promise.resolve(
      [...this.#models.values()].map((model) => ({
        id: model.id,
        backend: this.name,
        kind: model.kind,
        owned_by: 'mcp',
        max_context: model.max_context,
        ...(model.max_concurrency === undefined ? {} : { max_concurrency: model.max_concurrency }),
        ...(model.kind === 'embedding' ? { dimensions: DIMENSIONS } : {}),
        ...SELF_HOSTED,
        ...(model.kind === 'chat' ? { capabilities: ['tools' as const] } : {}),
        status: 'ready' as const,
      })),
    );
  }

  async *generate(request: ChatCompletionRequest, options: BackendCallOptions): AsyncIterable<ModelEvent> {
    const { signal } = this.#closing.guard(options);
    if (signal.aborted) throw abortError(signal);
    const model = this.#model(request.model, 'chat');
    const input_tokens = countMessages(request.messages);
    if (input_tokens >= model.max_context)
      throw new PlatformError(
        'context_length_exceeded',
        `The messages have ${input_tokens} tokens; ${model.id} reads at most ${model.max_context}. Shorten them.`,
        { param: 'messages' },
      );
    if (request.logprobs === true)
      throw new PlatformError(
        'unsupported_parameter',
        `${model.id} gives no log-probabilities. Remove logprobs.`,
        { param: 'logprobs' },
      );
    const last = lastUser(request.messages);
    const rule = this.#ruleFor(model, last);
    const failing = this.#failing(rule);
    if (failing && rule.fail_after_tokens === undefined) throw scriptedError(rule);
    yield {
      type: 'start',
      id: `chatcmpl-${randomUUID()}`,
      model: model.id,
      backend: this.name,
      created_s: Math.floor(Date.now() / 1000),
    };
    let output_tokens = 0;
    for (let choice = 0; choice < (request.n ?? 1); choice++) {
      const spoken = yield* this.#choice({
        choice,
        rule,
        request,
        last,
        failing,
        signal,
        limit: Math.min(maxTokens(request) ?? Number.POSITIVE_INFINITY, model.max_context - input_tokens),
      });
      output_tokens += spoken;
    }
    yield { type: 'usage', usage: { input_tokens, output_tokens } };
    if (signal.aborted) throw abortError(signal);
  }

  embed(request: {
    model: string;
    input: string | string[];
    dimensions?: number | null | undefined;
  }): Promise<{ model: string; vectors: number[][]; input_tokens: number }> {
    const model = this.#model(request.model, 'embedding');
    if (request.dimensions != null && request.dimensions !== DIMENSIONS)
      throw new PlatformError(
        'unsupported_parameter',
        `${model.id} has ${DIMENSIONS} dimensions. Remove dimensions.`,
        { param: 'dimensions' },
      );
    const inputs = typeof request.input === 'string' ? [request.input] : request.input;
    return Promise.resolve({
      model: model.id,
      vectors: inputs.map(bagOfWords),
      input_tokens: inputs.reduce((sum, text) => sum + scriptedTokens(text).length, 0),
    });
  }

  countTokens(request: {
    model: string;
    messages: readonly ChatMessage[];
  }): Promise<{ tokens: number; exact: boolean; max_context: number }> {
    const model = this.#model(request.model, 'chat');
    return Promise.resolve({
      tokens: countMessages(request.messages),
      exact: true,
      max_context: model.max_context,
    });
  }

  close(): Promise<void> {
    this.#closing.close(this.name);
    return Promise.resolve();
  }

  async *#choice(turn: {
    choice: number;
    rule: Rule;
    request: ChatCompletionRequest;
    last: string;
    failing: boolean;
    signal: AbortSignal;
    limit: number;
  }): AsyncGenerator<ModelEvent, number> {
    const { choice, rule, signal } = turn;
    if (rule.reasoning !== undefined) yield { type: 'reasoning', choice, text: rule.reasoning };
    if (rule.tool_call !== undefined && turn.request.tools !== undefined) {
      yield {
        type: 'tool_call',
        choice,
        index: 0,
        id: `call_${randomUUID()}`,
        name: rule.tool_call.name,
        arguments_delta: '',
      };
      yield { type: 'tool_call', choice, index: 0, arguments_delta: rule.tool_call.arguments };
      yield { type: 'finish', choice, reason: { unified: 'tool_calls', raw: 'tool_calls' } };
      return scriptedTokens(rule.tool_call.arguments).length;
    }
    const { text, stopped } = cutAtStop(
      goingOn(
        rule.reply.replaceAll('{last}', () => turn.last),
        turn.request.messages,
      ),
      stops(turn.request.stop),
    );
    const tokens = scriptedTokens(text);
    let reason: FinishReason = stopped
      ? { unified: 'stop', raw: 'stop_sequence' }
      : { unified: 'stop', raw: 'end' };
    let spoken = 0;
    for (const token of tokens) {
      if (spoken >= turn.limit) {
        reason = { unified: 'length', raw: 'max_tokens' };
        break;
      }
      if (turn.failing && spoken >= (rule.fail_after_tokens ?? 0)) throw scriptedError(rule);
      const delay_ms = rule.token_delay_ms + (spoken === 0 ? rule.first_token_delay_ms : 0);
      if (delay_ms > 0) await sleep(delay_ms, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) {
        reason = { unified: 'cancelled', raw: 'abort' };
        break;
      }
      spoken++;
      yield { type: 'text', choice, text: token };
    }
    yield { type: 'finish', choice, reason };
    return spoken;
  }

  #ruleFor(model: Model, last: string): Rule {
    for (const rule of model.rules) {
      if (rule.match !== undefined && !last.includes(rule.match)) continue;
      const applied = this.#applied.get(rule) ?? 0;
      if (rule.times !== undefined && applied >= rule.times) continue;
      this.#applied.set(rule, applied + 1);
      return rule;
    }
    return Rule.parse({});
  }

  #failing(rule: Rule): boolean {
    if (rule.error === undefined) return false;
    const failed = this.#failures.get(rule) ?? 0;
    if (rule.fail_times !== undefined && failed >= rule.fail_times) return false;
    this.#failures.set(rule, failed + 1);
    return true;
  }

  #model(id: string, kind: Model['kind']): Model {
    const model = this.#models.get(id);
    if (model?.kind === kind) return model;
    throw new PlatformError(
      'model_not_found',
      `The scripted backend has no ${kind} model '${id.slice(0, 80)}'. See GET /v1/models.`,
      { param: 'model' },
    );
  }
}

function scriptedError(rule: Rule): PlatformError {
  return new PlatformError(rule.error ?? 'upstream_failed', 'The script says that this fails.', {
    retry_after_ms: 50,
  });
}

function countMessages(messages: readonly ChatMessage[]): number {
  return messages.reduce((sum, message) => sum + 3 + scriptedTokens(textOf(message)).length, 0);
}

function lastUser(messages: readonly ChatMessage[]): string {
  const message = messages.findLast(({ role }) => role === 'user');
  return message === undefined ? '' : textOf(message);
}

/** A reply without what the last message says of it already. */
function goingOn(reply: string, messages: readonly ChatMessage[]): string {
  const begun = begunAnswer(messages) ?? '';
  return reply.startsWith(begun) ? reply.slice(begun.length) : reply;
}

function cutAtStop(text: string, stop: readonly string[]): { text: string; stopped: boolean } {
  const at = Math.min(...stop.map((one) => text.indexOf(one)).filter((index) => index >= 0));
  return Number.isFinite(at) ? { text: text.slice(0, at), stopped: true } : { text, stopped: false };
}

/** A deterministic unit vector: texts that share words are near each other. */
function bagOfWords(text: string): number[] {
  const vector = new Array<number>(DIMENSIONS).fill(0);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? ['']) {
    let hash = 2166136261;
    for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 16777619);
    const at = (hash >>> 0) % DIMENSIONS;
    vector[at] = (vector[at] ?? 0) + 1;
  }
  const norm = Math.hypot(...vector);
  return vector.map((value) => value / norm);
}

export function create(env: ConfigOf<typeof manifest.settings>): readonly ModelBackend[] {
  return [new ScriptedBackend(env.MCP_SCRIPTED_MODELS ?? DEFAULT_MODELS)];
}
