import type { LlamaChat, Token } from 'node-llama-cpp';
import { abortError } from '../abort.ts';

interface Waiter {
  readonly prompt: readonly Token[];
  got(chat: LlamaChat): void;
}

/** The sequences that share a model's weights: a bounded set, lent to one generation at a time, first come first served. */
export class Sequences {
  readonly #free: LlamaChat[];
  readonly #waiting: Waiter[] = [];

  constructor(chats: readonly LlamaChat[]) {
    this.#free = [...chats];
  }

  /** A free sequence, the one that has read most of the prompt already. Throws the signal's reason while waiting. */
  take(prompt: readonly Token[], signal: AbortSignal): Promise<LlamaChat> {
    if (signal.aborted) return Promise.reject(abortError(signal));
    const chat = this.#nearest(prompt);
    if (chat !== undefined) return Promise.resolve(chat);
    return new Promise((resolve, reject) => {
      const left = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(abortError(signal));
      };
      const waiter: Waiter = {
        prompt,
        got(free) {
          signal.removeEventListener('abort', left);
          resolve(free);
        },
      };
      signal.addEventListener('abort', left, { once: true });
      this.#waiting.push(waiter);
    });
  }

  giveBack(chat: LlamaChat): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(chat);
    else next.got(chat);
  }

  #nearest(prompt: readonly Token[]): LlamaChat | undefined {
    let best = -1;
    let shared = -1;
    for (const [at, chat] of this.#free.entries()) {
      const same = chat.sequence.compareContextTokens([...prompt]).firstDifferentIndex;
      if (same <= shared) continue;
      best = at;
      shared = same;
    }
    return best < 0 ? undefined : this.#free.splice(best, 1)[0];
  }
}
