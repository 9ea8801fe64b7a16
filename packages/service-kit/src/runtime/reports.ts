import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { jsonOf } from '@mcp/contracts';
import { z } from 'zod';
import type { Bus } from './bus.ts';

const EVERY_MS = 1000;
/** A replica that was not heard for so long is gone. */
const SILENT_MS = 3500;
const MAX_REPLICAS = 1000;

/** A subject on which replicas tell each other about themselves. */
interface Channel<S extends z.ZodType> {
  readonly bus: () => Promise<Bus>;
  readonly subject: string;
  readonly schema: S;
  /** What this one tells; undefined: nothing. */
  readonly own?: () => z.input<S> | Promise<z.input<S>>;
  /** Whether it hears the others. */
  readonly listen: boolean;
}

interface Heard<T> {
  readonly report: T;
  readonly at_ms: number;
}

/**
 * Live figures across replicas: each tells its own every second, and who listens has the latest of all that are there.
 * Nothing is stored, and nobody waits for it; while the bus is away there are none of others.
 */
export class Reports<S extends z.ZodType> {
  readonly #channel: Channel<S>;
  readonly #me = randomUUID();
  readonly #heard = new Map<string, Heard<z.output<S>>>();
  readonly #closing = new AbortController();
  #bus: Bus | undefined;
  #timer: NodeJS.Timeout | undefined;
  #telling = false;

  constructor(channel: Channel<S>) {
    this.#channel = channel;
    void this.#connect();
  }

  /** The latest report of every other replica. */
  others(): z.output<S>[] {
    const since_ms = performance.now() - SILENT_MS;
    for (const [replica, { at_ms }] of this.#heard) if (at_ms < since_ms) this.#heard.delete(replica);
    return [...this.#heard.values()].map(({ report }) => report);
  }

  close(): void {
    this.#closing.abort();
    clearInterval(this.#timer);
  }

  async #connect(): Promise<void> {
    const { own, listen, subject } = this.#channel;
    const { signal } = this.#closing;
    while (this.#bus === undefined && !signal.aborted) {
      this.#bus = await this.#channel.bus().catch(() => undefined);
      if (this.#bus === undefined)
        await sleep(EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
    const bus = this.#bus;
    if (bus === undefined || signal.aborted) return;
    if (listen)
      bus.connection.subscribe(subject, {
        callback: (error, message) => {
          if (error === null) this.#hear(message.string());
        },
      });
    if (own === undefined) return;
    this.#timer = setInterval(() => void this.#tell(bus, own), EVERY_MS);
    this.#timer.unref();
  }

  async #tell(bus: Bus, own: NonNullable<Channel<S>['own']>): Promise<void> {
    if (!bus.connected || this.#telling) return;
    this.#telling = true;
    try {
      const report = await own();
      bus.connection.publish(this.#channel.subject, JSON.stringify({ replica: this.#me, report }));
    } catch {
      // Said again in a second.
    } finally {
      this.#telling = false;
    }
  }

  #hear(text: string): void {
    const parsed = Envelope.safeParse(jsonOf(text)).data;
    if (parsed === undefined || parsed.replica === this.#me) return;
    const report = this.#channel.schema.safeParse(parsed.report);
    if (!report.success || (this.#heard.size >= MAX_REPLICAS && !this.#heard.has(parsed.replica))) return;
    this.#heard.set(parsed.replica, { report: report.data, at_ms: performance.now() });
  }
}

const Envelope = z.object({ replica: z.uuid(), report: z.unknown() });
