/** The servers of `upstream.ts` as the benchmark sees them. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** Where a request is when its client leaves. */
export const PHASES = ['queued', 'connecting', 'headers', 'first', 'middle', 'retry'] as const;
export type Phase = (typeof PHASES)[number];

export const RETRY_MODELS = 300;

type Message =
  | { readonly type: 'ready'; readonly targets: readonly object[] }
  | { readonly type: 'reached' | 'closed'; readonly id: number; readonly at_ms: number }
  | ({ readonly type: 'open' } & Open);

/** Connections to the server that answers, and to the one that never does. */
export interface Open {
  readonly answering: number;
  readonly silent: number;
}

interface Servers {
  readonly targets: readonly object[];
  /** Resolves when the request of this number is where its model stops. */
  reached(id: number): Promise<number>;
  /** When the connection of this request closed. */
  closed(id: number): Promise<number>;
  /** Connections that are open now. */
  open(): Promise<Open>;
  close(): Promise<void>;
}

export async function startServers(): Promise<Servers> {
  const reached = new Moments();
  const closed = new Moments();
  const child = fork(join(import.meta.dirname, 'upstream.ts'), [String(RETRY_MODELS)]);
  const ready = Promise.withResolvers<readonly object[]>();
  let counted = Promise.withResolvers<Open>();
  child.on('message', (message: Message) => {
    switch (message.type) {
      case 'ready':
        ready.resolve(message.targets);
        break;
      case 'reached':
        reached.set(message.id, message.at_ms);
        break;
      case 'closed':
        closed.set(message.id, message.at_ms);
        break;
      case 'open':
        counted.resolve({ answering: message.answering, silent: message.silent });
        break;
      default:
        message satisfies never;
    }
  });
  return {
    targets: await ready.promise,
    reached: (id) => reached.get(id),
    closed: (id) => closed.get(id),
    open() {
      counted = Promise.withResolvers();
      child.send({});
      return counted.promise;
    },
    async close() {
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    },
  };
}

/** When something happened to each request, in epoch-like ms, for those who wait for it, before or after. */
export class Moments {
  readonly #known = new Map<number, PromiseWithResolvers<number>>();

  set(id: number, at_ms = performance.timeOrigin + performance.now()): void {
    this.#of(id).resolve(at_ms);
  }

  /** Asked once for each request: it is forgotten then. */
  async get(id: number): Promise<number> {
    const at_ms = await this.#of(id).promise;
    this.#known.delete(id);
    return at_ms;
  }

  forget(): void {
    this.#known.clear();
  }

  #of(id: number): PromiseWithResolvers<number> {
    const known = this.#known.get(id) ?? Promise.withResolvers<number>();
    this.#known.set(id, known);
    return known;
  }
}
