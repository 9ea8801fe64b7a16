import { type ModelEvent, PlatformError } from '@mcp/contracts';
import { createParser } from 'eventsource-parser';
import { ChunkReader } from './decode.ts';
import { upstreamError } from './errors.ts';
import { readResumed } from './resumed.ts';

/** Characters that may come without completing an event before the stream is given up. */
const MAX_EVENT_CHARS = 8 * 1024 * 1024;
/** Reads that follow `[DONE]`; a server that goes on after that is cut off. */
const MAX_READS_AFTER_END = 8;

/** Makes events of the JSON of server-sent events, in the format of one provider. */
export interface EventReader {
  /** Events read and not yet taken. */
  readonly events: ModelEvent[];
  /** The answer is whole, also where its stream ends without a last event. */
  readonly complete: boolean;
  /** The last event has been read. */
  readonly ended: boolean;
  /** Takes one event. Throws the error that it stands for, `upstream_failed` for what it cannot read. */
  read(json: unknown): void;
  /** No event follows. */
  end(): void;
}

/** Events of an SSE body of `chat.completion.chunk`s; see {@link decodeSse}. */
export function decodeChatStream(body: AsyncIterable<Uint8Array>): AsyncIterable<ModelEvent> {
  return decodeSse(body, new ChunkReader());
}

/**
 * Events of an SSE body, however its bytes are cut. An error object in the stream is thrown as PlatformError; a stream
 * that ends before its last event (`[DONE]` on OpenAI's wire) and before the answer is whole is `upstream_interrupted`;
 * one event beyond 8 MiB is `upstream_failed`. The usage comes last, whenever it was sent.
 */
export async function* decodeSse(
  body: AsyncIterable<Uint8Array>,
  reader: EventReader,
): AsyncIterable<ModelEvent> {
  const sse = new SseReader(reader);
  const source = body[Symbol.asyncIterator]();
  let open = true;
  try {
    while (!sse.ended) {
      const next = await source.next();
      if (next.done === true) {
        open = false;
        sse.close();
      } else sse.feed(next.value);
      const { events } = reader;
      for (const event of events) yield event;
      events.length = 0;
    }
    if (open) {
      open = false;
      void drain(source);
    }
  } finally {
    if (open) await source.return?.();
  }
}

/** Reads on to the end, which is usually there already: only then can the connection serve another request. */
async function drain(source: AsyncIterator<Uint8Array>): Promise<void> {
  try {
    for (let read = 0; read < MAX_READS_AFTER_END; read++) if ((await source.next()).done === true) return;
    await source.return?.();
  } catch {
    // The answer is complete; how its connection ends is nobody's concern.
  }
}

class SseReader {
  ended = false;
  readonly #reader: EventReader;
  readonly #decoder = new TextDecoder();
  readonly #parser = createParser({
    onEvent: (event) => {
      this.#pending = 0;
      if (!this.ended) this.#onEvent(event.event, event.data);
    },
    onComment: (comment) => {
      const resumed = readResumed(comment);
      if (resumed !== undefined && !this.ended) this.#reader.events.push(resumed);
    },
  });
  /** Characters since the last complete event. */
  #pending = 0;
  #closing = false;

  constructor(reader: EventReader) {
    this.#reader = reader;
  }

  feed(bytes: Uint8Array): void {
    const text = this.#decoder.decode(bytes, { stream: true });
    this.#pending += text.length;
    this.#parser.feed(text);
    if (this.#pending > MAX_EVENT_CHARS)
      throw new PlatformError(
        'upstream_failed',
        `The model server sent an event of more than ${MAX_EVENT_CHARS} characters.`,
      );
  }

  /** The body has ended. Throws `upstream_interrupted` when the answer has not. */
  close(): void {
    this.#closing = true;
    // The last event may lack its blank line.
    this.#parser.feed('\n\n');
    if (this.ended) return;
    if (!this.#reader.complete)
      throw new PlatformError(
        'upstream_interrupted',
        'The model server broke off in the middle of its answer. Try again.',
      );
    this.#reader.end();
    this.ended = true;
  }

  #onEvent(name: string | undefined, data: string): void {
    if (data === '[DONE]') {
      this.#reader.end();
      this.ended = true;
      return;
    }
    let json: unknown;
    try {
      json = JSON.parse(data);
    } catch (cause) {
      if (this.#closing) return;
      if (name === 'error') throw upstreamError({ message: data, status: 502 });
      throw new PlatformError('upstream_failed', 'The model server sent a chunk that is not JSON.', {
        cause,
      });
    }
    this.#reader.read(json);
    this.ended = this.#reader.ended;
  }
}
