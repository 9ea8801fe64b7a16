import { PlatformError } from '@mcp/contracts';
import type { LlamaChat, LlamaContext, Token } from 'node-llama-cpp';
import { abortError } from '../abort.ts';
import { contextSize, MIN_CONTEXT, type Need, nextMove } from './growth.ts';

/** How long contexts that nobody uses are kept beyond the smallest one. */
const IDLE_MS = 5 * 60_000;

/** A context with its one sequence. */
export interface Sequence {
  readonly context: LlamaContext;
  readonly chat: LlamaChat;
  readonly tokens: number;
}

export interface SequencesOptions {
  readonly model: string;
  readonly max_context: number;
  /** Generations at once. */
  readonly parallel: number;
  make(tokens: number): Promise<Sequence>;
  /** What a context of so many tokens takes, in bytes. */
  bytesOf(tokens: number): number;
  spareBytes(): number;
}

interface Waiter {
  readonly prompt: readonly Token[];
  readonly need: Need;
  got(sequence: Sequence): void;
  failed(error: PlatformError): void;
}

interface Entry {
  readonly sequence: Sequence;
  free: boolean;
}

/**
 * The contexts that share a model's weights, lent to one generation at a time, first come first served. It begins with
 * one small one and grows by what is asked, within `parallel` and the memory that is left; after 5 idle minutes it is
 * small again.
 */
export class Sequences {
  readonly #options: SequencesOptions;
  #held: Entry[] = [];
  readonly #waiting: Waiter[] = [];
  #making: Promise<void> | undefined;
  #idle: NodeJS.Timeout | undefined;

  private constructor(options: SequencesOptions, first: Sequence) {
    this.#options = options;
    this.#held = [{ sequence: first, free: true }];
  }

  static async begin(options: SequencesOptions): Promise<Sequences> {
    return new Sequences(options, await options.make(contextSize(MIN_CONTEXT, options.max_context)));
  }

  /** Throws the signal's reason while waiting, and `unavailable` when there is no memory for so long a prompt. */
  take(prompt: readonly Token[], need: Need, signal: AbortSignal): Promise<Sequence> {
    if (signal.aborted) return Promise.reject(abortError(signal));
    return new Promise((resolve, reject) => {
      const left = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(abortError(signal));
        // Who stood first may have waited for more than the next one needs.
        this.#serve();
      };
      const waiter: Waiter = {
        prompt,
        need,
        got(sequence) {
          signal.removeEventListener('abort', left);
          resolve(sequence);
        },
        failed(error) {
          signal.removeEventListener('abort', left);
          reject(error);
        },
      };
      signal.addEventListener('abort', left, { once: true });
      this.#waiting.push(waiter);
      this.#serve();
    });
  }

  giveBack(sequence: Sequence): void {
    const entry = this.#held.find((one) => one.sequence === sequence);
    if (entry !== undefined) entry.free = true;
    this.#serve();
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#shrink(), IDLE_MS).unref();
  }

  /** Frees everything. Nobody may have one. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#making;
    for (const { sequence } of this.#held.splice(0)) await sequence.context.dispose();
  }

  #serve(): void {
    for (let waiter = this.#waiting[0]; waiter !== undefined; waiter = this.#waiting[0]) {
      if (this.#making !== undefined) return;
      const move = this.#move(waiter);
      switch (move.type) {
        case 'use':
          this.#lend(this.#held[move.at], waiter);
          break;
        case 'make':
          this.#make(
            move.tokens,
            move.drop.flatMap((at) => this.#held[at] ?? []),
          );
          return;
        case 'wait':
          return;
        case 'refuse':
          this.#waiting.shift();
          waiter.failed(this.#noMemory(waiter.need));
          break;
        default:
          move satisfies never;
      }
    }
  }

  #move({ prompt, need }: Waiter) {
    const { max_context, parallel, bytesOf, spareBytes } = this.#options;
    const held = this.#held.map(({ sequence: { chat, tokens }, free }) => ({
      tokens,
      free,
      shared: free ? chat.sequence.compareContextTokens([...prompt]).firstDifferentIndex : 0,
    }));
    return nextMove(held, need, { max_context, max_held: parallel, spare_bytes: spareBytes(), bytesOf });
  }

  #lend(entry: Entry | undefined, waiter: Waiter): void {
    if (entry === undefined) throw new Error('a sequence that is not there cannot be lent');
    entry.free = false;
    this.#waiting.shift();
    waiter.got(entry.sequence);
  }

  /** Makes a context in the place of free ones; whoever is first then gets it. */
  #make(tokens: number, drop: readonly Entry[]): void {
    this.#held = this.#held.filter((one) => !drop.includes(one));
    this.#making = (async () => {
      for (const { sequence } of drop) await sequence.context.dispose();
      this.#held.push({ sequence: await this.#options.make(tokens), free: true });
    })()
      .catch((cause: unknown) => {
        const waiter = this.#waiting.shift();
        waiter?.failed(this.#noMemory(waiter.need, cause));
      })
      .finally(() => {
        this.#making = undefined;
        this.#serve();
      });
  }

  #shrink(): void {
    if (this.#making !== undefined || this.#held.some(({ free }) => !free)) return;
    const small = contextSize(MIN_CONTEXT, this.#options.max_context);
    if (this.#held.length > 1 || this.#held.some(({ sequence }) => sequence.tokens > small))
      this.#make(small, this.#held);
  }

  #noMemory({ least }: Need, cause?: unknown): PlatformError {
    return new PlatformError(
      'unavailable',
      `There is not the memory for the ${least} tokens that ${this.#options.model} would have to hold. Shorten the messages, ask for a shorter answer, or try again later.`,
      { param: 'messages', retry_after_ms: 5000, cause },
    );
  }
}
