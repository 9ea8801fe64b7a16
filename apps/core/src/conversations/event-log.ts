import { setTimeout as sleep } from 'node:timers/promises';
import { ChatEvent, jsonOf } from '@mcp/contracts';
import { type DataKey, decryptText, encryptText, type TextPlace } from '@mcp/kms';
import { type Bus, LOSABLE, type ServiceKit } from '@mcp/service-kit';
import { z } from 'zod';
import type { DataKeys } from '../encryption/data-keys.ts';

const EVENT_STREAM = 'MCP_EVENTS';
/** A conversation, and a run of it. */
const EVENT_SUBJECTS = 'mcp.events.*.*';

const KEEP_NS = 3600 * 1e9;
const RETRY_MS = 1000;
/** Events are gathered for this long, or up to this length, so that words cost no message each. */
const GATHER_MS = 100;
const MAX_GATHERED_CHARS = 32 * 1024;
/** Longer ones are not kept; who follows reads them from the records. Encrypted, they are a third longer. */
const MAX_MESSAGE_BYTES = 680 * 1024;

/** On which a replica tells the others that a conversation is to be cancelled. */
const CANCEL_SUBJECT = 'mcp.conversations.cancel';

interface EventLogOptions {
  readonly keys: Pick<DataKeys, 'of'>;
  readonly kit: Pick<ServiceKit, 'bus' | 'log'>;
  readonly max_bytes: number;
  /** Another replica was asked to cancel this conversation. */
  readonly onCancel: (conversation_id: string) => void;
}

/** Takes the events of one run. */
export interface RunWriter {
  add(event: ChatEvent): void;
  flush(): void;
}

/**
 * The events of running and lately ended conversations, on the event bus: any replica can replay and follow them.
 * Nobody waits for it; while the bus is away nothing is kept, and the records say what was said.
 */
export class EventLog {
  readonly #options: EventLogOptions;
  readonly #closing = new AbortController();
  #bus: Bus | undefined;

  constructor(options: EventLogOptions) {
    this.#options = options;
    void this.#open();
  }

  /** For the events of one run, under the conversation's key; `run` is greater for later runs of a conversation. */
  writer(conversation_id: string, run: number, key: DataKey): RunWriter {
    let parts: string[] = [];
    let chars = 0;
    let timer: NodeJS.Timeout | undefined;
    const flush = () => {
      clearTimeout(timer);
      timer = undefined;
      const bus = this.#bus;
      const text = `[${parts.join(',')}]`;
      const empty = parts.length === 0;
      parts = [];
      chars = 0;
      if (empty || bus?.connected !== true || Buffer.byteLength(text) > MAX_MESSAGE_BYTES) return;
      bus.connection.publish(
        `mcp.events.${conversation_id}.${run}`,
        encryptText(key, placeOf(conversation_id, run), text),
      );
    };
    return {
      add(event) {
        const text = JSON.stringify(event);
        parts.push(text);
        chars += text.length;
        if (chars > MAX_GATHERED_CHARS || isLast(event)) flush();
        else timer ??= setTimeout(flush, GATHER_MS);
      },
      flush,
    };
  }

  /** The number of the latest run of which there are events; undefined when there is none, or no bus. */
  async latestRun(conversation_id: string): Promise<number | undefined> {
    const bus = this.#bus;
    if (bus?.connected !== true) return undefined;
    const last = await bus.manager.direct
      .getMessage(EVENT_STREAM, { last_by_subj: `mcp.events.${conversation_id}.*` })
      .catch(() => null);
    const run = Number(last?.subject.split('.')[3]);
    return Number.isSafeInteger(run) ? run : undefined;
  }

  /** Events of a run from its first on, as they come, until its last one, the signal or a lost connection. */
  async *follow(conversation_id: string, run: number, signal: AbortSignal): AsyncGenerator<ChatEvent> {
    const bus = this.#bus;
    if (bus === undefined || signal.aborted) return;
    const key = await this.#options.keys.of(conversation_id);
    const place = placeOf(conversation_id, run);
    const consumer = await bus.jetstream.consumers.get(EVENT_STREAM, {
      filter_subjects: `mcp.events.${conversation_id}.${run}`,
    });
    const messages = await consumer.consume();
    const stop = () => messages.stop();
    signal.addEventListener('abort', stop, { once: true });
    try {
      for await (const message of messages)
        for (const event of eventsIn(decryptText(key, place, message.string()) ?? '')) {
          yield event;
          if (isLast(event)) return;
        }
    } finally {
      signal.removeEventListener('abort', stop);
      messages.stop();
    }
  }

  /** Removes the events of an erased conversation. Without a bus they stay for an hour, and cannot be read. */
  async erase(conversation_id: string): Promise<void> {
    const bus = this.#bus;
    if (bus?.connected !== true) return;
    const filter = `mcp.events.${conversation_id}.*`;
    await bus.manager.streams.purge(EVENT_STREAM, { filter }).catch((err: unknown) => {
      this.#options.kit.log.warn({ err, conversation_id }, 'events could not be removed from the bus');
    });
  }

  /** Asks the other replicas to cancel a conversation. */
  publishCancel(conversation_id: string): void {
    if (this.#bus?.connected === true) this.#bus.connection.publish(CANCEL_SUBJECT, conversation_id);
  }

  close(): void {
    this.#closing.abort();
  }

  async #open(): Promise<void> {
    const { signal } = this.#closing;
    const { kit, max_bytes, onCancel } = this.#options;
    while (!signal.aborted && this.#bus === undefined) {
      try {
        const bus = await kit.bus();
        await bus.stream({
          name: EVENT_STREAM,
          subjects: [EVENT_SUBJECTS],
          ...LOSABLE,
          max_bytes,
          max_age: KEEP_NS,
        });
        bus.connection.subscribe(CANCEL_SUBJECT, {
          callback: (error, message) => {
            if (error === null) onCancel(message.string());
          },
        });
        this.#bus = bus;
      } catch (err) {
        if (signal.aborted) return;
        kit.log.debug({ err }, 'the event log cannot be opened yet, trying again');
        await sleep(RETRY_MS, undefined, { signal, ref: false }).catch(() => undefined);
      }
    }
  }
}

function placeOf(conversation_id: string, run: number): TextPlace {
  return { conversation_id, purpose: 'events', position: run };
}

/** Whether a run has no event after this one. */
export function isLast({ type }: ChatEvent): boolean {
  return type === 'done' || type === 'error';
}

function eventsIn(text: string): ChatEvent[] {
  return z.array(ChatEvent).safeParse(jsonOf(text)).data ?? [];
}
