import type { ModelEvent, ModelInfo, Usage } from '@mcp/contracts';
import { PlatformError } from '@mcp/contracts';
import type { Span } from '@mcp/service-kit';
import type { ServingMetrics } from './serving.ts';

/** Follows one inference: its times, tokens and cost, on the span and in the metrics. */
export class Accounting {
  readonly #metrics: ServingMetrics;
  readonly #span: Span;
  #info: ModelInfo;
  readonly #started_ms = performance.now();
  #first_ms: number | undefined;
  #usage: Usage | undefined;
  #finish: { unified: string; raw: string | null } | undefined;
  #written = 0;

  constructor(parts: { metrics: ServingMetrics; span: Span; info: ModelInfo }) {
    this.#metrics = parts.metrics;
    this.#span = parts.span;
    this.#info = parts.info;
  }

  /** A place was found, at the server that `info` describes. */
  queued(info: ModelInfo): void {
    this.#info = info;
    const waited_ms = performance.now() - this.#started_ms;
    this.#metrics.observe(
      'model_inference_duration_seconds',
      { model: this.#info.id, status: 'ok', phase: 'queue' },
      waited_ms / 1000,
    );
    this.#span.set({ 'mcp.queue.wait_ms': Math.round(waited_ms * 100) / 100 });
  }

  see(event: ModelEvent): void {
    switch (event.type) {
      case 'text':
      case 'reasoning':
      case 'tool_call':
        this.#written++;
        this.#first_ms ??= performance.now();
        break;
      case 'stream_resumed':
        this.#span.event('stream_resumed', { from: event.from, to: event.to, code: event.code });
        break;
      case 'finish':
        this.#finish = event.reason;
        break;
      case 'usage':
        this.#usage = event.usage;
        break;
      case 'start':
        this.#span.set({ 'gen_ai.response.model': event.model, 'gen_ai.response.id': event.id });
        break;
      default:
        event satisfies never;
    }
  }

  /** Tokens read and written so far, as far as they are known. */
  get tokens(): number {
    return this.#usage === undefined ? this.#written : this.#usage.input_tokens + this.#usage.output_tokens;
  }

  /** Ends the span. Without a usage from the backend, what was seen being written is counted. */
  end(failure: unknown): void {
    const model = this.#info.id;
    const status =
      failure instanceof PlatformError
        ? failure.code
        : failure === undefined
          ? (this.#finish?.unified ?? 'cancelled')
          : 'internal';
    const now_ms = performance.now();
    const labels = { model, status };
    this.#metrics.inc('model_inferences_total', { ...labels, phase: 'chat' });
    this.#metrics.observe(
      'model_inference_duration_seconds',
      { ...labels, phase: 'total' },
      (now_ms - this.#started_ms) / 1000,
    );
    if (this.#first_ms !== undefined)
      this.#metrics.observe(
        'model_inference_duration_seconds',
        { ...labels, phase: 'first_token' },
        (this.#first_ms - this.#started_ms) / 1000,
      );
    const usage = this.#usage ?? { input_tokens: 0, output_tokens: this.#written };
    if (this.#first_ms !== undefined && usage.output_tokens > 1)
      this.#metrics.observe(
        'model_time_per_output_token_seconds',
        { model },
        (now_ms - this.#first_ms) / 1000 / (usage.output_tokens - 1),
      );
    countTokens(this.#metrics, this.#info, usage);
    this.#span.set({
      'gen_ai.usage.input_tokens': usage.input_tokens,
      'gen_ai.usage.output_tokens': usage.output_tokens,
      tokens_in: usage.input_tokens,
      tokens_out: usage.output_tokens,
      ...(this.#finish === undefined
        ? {}
        : { 'gen_ai.response.finish_reasons': [this.#finish.raw ?? this.#finish.unified] }),
      ...(this.#first_ms === undefined
        ? {}
        : { 'gen_ai.server.time_to_first_token': (this.#first_ms - this.#started_ms) / 1000 }),
    });
    this.#span.end(failure);
  }
}

/** Counts tokens, what they cost and the energy that they took, where that is known. An unknown price is an alarm of its own, never nothing. */
export function countTokens(metrics: ServingMetrics, info: ModelInfo, usage: Usage): void {
  metrics.inc('model_tokens_total', { model: info.id, direction: 'in' }, usage.input_tokens);
  metrics.inc('model_tokens_total', { model: info.id, direction: 'out' }, usage.output_tokens);
  const cost_usd = costOf(info, usage);
  if (cost_usd === undefined) metrics.inc('model_cost_unknown_total', { model: info.id });
  else metrics.inc('model_cost_usd_total', { model: info.id }, cost_usd);
  if (info.energy === undefined) return;
  const { j_per_token } = info.energy;
  const tokens = usage.input_tokens + usage.output_tokens;
  metrics.inc('model_energy_joules_total', { model: info.id }, tokens * j_per_token);
  metrics.set('model_energy_joules_per_token', { model: info.id }, j_per_token);
}

/** US dollars; undefined where a price is not known. Cached input has its own price where that is known. */
function costOf(info: ModelInfo, usage: Usage): number | undefined {
  const { cost_input_per_mtok_usd: input, cost_output_per_mtok_usd: output } = info;
  if (input === null || output === null) return undefined;
  const cached_tokens = Math.min(usage.input_tokens, usage.cached_input_tokens ?? 0);
  const cached = info.cost_cached_input_per_mtok_usd ?? input;
  const read = (usage.input_tokens - cached_tokens) * input + cached_tokens * cached;
  return (read + usage.output_tokens * output) / 1_000_000;
}
