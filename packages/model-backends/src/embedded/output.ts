import { randomUUID } from 'node:crypto';
import type { FinishReason, ModelEvent } from '@mcp/contracts';
import { EventQueue } from '@mcp/service-kit';
import type { TokenMeterState } from 'node-llama-cpp';
import { abortError } from '../abort.ts';

/** What one generation says. When the signal fires it ends at once, with the usage so far; the model follows. */
export class Output {
  readonly signal: AbortSignal;
  readonly #queue = new EventQueue<ModelEvent>();
  readonly #input_tokens: number;
  readonly #onAbort = () => this.#cut();
  #closed = false;
  #choice: { readonly index: number; used(): TokenMeterState } | undefined;
  #output_tokens = 0;
  #cached_tokens: number | undefined;

  constructor(head: { readonly model: string; readonly input_tokens: number }, signal: AbortSignal) {
    this.signal = signal;
    this.#input_tokens = head.input_tokens;
    this.push({
      type: 'start',
      id: `chatcmpl-${randomUUID()}`,
      model: head.model,
      backend: 'embedded',
      created_s: Math.floor(Date.now() / 1000),
    });
    if (signal.aborted) this.#cut();
    else signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  events(): AsyncIterable<ModelEvent> {
    return this.#queue;
  }

  push(event: ModelEvent): void {
    if (!this.#closed) this.#queue.push(event);
  }

  /** `used` says what the choice has read and written so far. */
  begin(index: number, used: () => TokenMeterState): void {
    this.#choice = { index, used };
  }

  finish(index: number, reason: FinishReason): void {
    const used = this.#choice?.used();
    if (used !== undefined) {
      this.#output_tokens += used.usedOutputTokens;
      // What was not read again was cached; further choices say the same prompt.
      this.#cached_tokens ??= Math.max(0, this.#input_tokens - used.usedInputTokens);
    }
    this.#choice = undefined;
    this.push({ type: 'finish', choice: index, reason });
  }

  end(): void {
    if (this.#closed) return;
    this.#usage(this.#output_tokens);
    this.#close();
    this.#queue.end();
  }

  fail(error: unknown): void {
    if (this.#closed) return;
    if (this.signal.aborted) this.#cut();
    else {
      this.#close();
      this.#queue.fail(error);
    }
  }

  #cut(): void {
    if (this.#closed) return;
    if (this.#choice !== undefined)
      this.push({
        type: 'finish',
        choice: this.#choice.index,
        reason: { unified: 'cancelled', raw: 'abort' },
      });
    this.#usage(this.#output_tokens + (this.#choice?.used().usedOutputTokens ?? 0));
    this.#close();
    this.#queue.fail(abortError(this.signal));
  }

  #usage(output_tokens: number): void {
    this.push({
      type: 'usage',
      usage: {
        input_tokens: this.#input_tokens,
        output_tokens,
        ...(this.#cached_tokens === undefined ? {} : { cached_input_tokens: this.#cached_tokens }),
      },
    });
  }

  #close(): void {
    this.#closed = true;
    this.signal.removeEventListener('abort', this.#onAbort);
  }
}
