/** The frames of AWS's event streams (`application/vnd.amazon.eventstream`), cut from bytes as they come. */
import { PlatformError } from '@mcp/contracts';
import { EventStreamCodec } from '@smithy/core/event-streams';

const LENGTH_BYTES = 4;
const MAX_FRAME_BYTES = 16 * 1024 * 1024;

const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8')),
  (text) => Buffer.from(text, 'utf8'),
);

export interface Frame {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Throws `upstream_failed` for what is no frame, `upstream_interrupted` where the last one is cut. */
export async function* framesOf(source: AsyncIterable<Uint8Array>): AsyncIterable<Frame> {
  let rest = Buffer.alloc(0);
  for await (const bytes of source) {
    rest = rest.length === 0 ? Buffer.from(bytes) : Buffer.concat([rest, bytes]);
    while (rest.length >= LENGTH_BYTES) {
      const length = rest.readUInt32BE(0);
      if (length > MAX_FRAME_BYTES || length <= LENGTH_BYTES) throw unreadable();
      if (rest.length < length) break;
      yield decode(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
  }
  if (rest.length > 0)
    throw new PlatformError(
      'upstream_interrupted',
      'Bedrock broke off in the middle of its answer. Try again.',
    );
}

function decode(bytes: Buffer): Frame {
  try {
    const { headers, body } = codec.decode(bytes);
    const texts = Object.entries(headers).map(([name, { value }]) => [name, String(value)]);
    return { headers: Object.fromEntries(texts), body: Buffer.from(body).toString('utf8') };
  } catch (cause) {
    throw unreadable(cause);
  }
}

function unreadable(cause?: unknown): PlatformError {
  return new PlatformError('upstream_failed', 'Bedrock sent a frame that cannot be read.', { cause });
}
