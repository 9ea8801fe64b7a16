import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { PlatformError } from '@mcp/contracts';
import { z } from 'zod';
import { fromZod } from './errors.ts';
import type { KitContext } from './http.ts';

export const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** Reads a JSON body of bounded size and parses it by a schema. */
export async function parseBody<S extends z.ZodType>(
  c: KitContext,
  schema: S,
  max_bytes = MAX_BODY_BYTES,
): Promise<z.output<S>> {
  assertJson(c.req.header('content-type'));
  const encoding = c.req.header('content-encoding');
  if (encoding !== undefined && encoding !== 'identity')
    throw new PlatformError(
      'unsupported_media_type',
      `Send the body without content-encoding (got ${encoding.slice(0, 40)}).`,
    );
  const text = await readText(c, max_bytes);
  if (text.trim() === '') throw new PlatformError('invalid_json', 'The body is empty. Send a JSON object.');
  const value = parseJson(text);
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw fromZod(parsed.error, value);
  return parsed.data;
}

function assertJson(type: string | undefined): void {
  if (type === undefined) return;
  if (!/^application\/([\w.+-]+\+)?json\s*(;|$)/i.test(type))
    throw new PlatformError(
      'unsupported_media_type',
      `Send JSON with content-type application/json (got ${type.slice(0, 80)}).`,
    );
  const charset = /;\s*charset\s*=\s*"?([\w-]+)/i.exec(type)?.[1];
  if (charset !== undefined && !/^(utf-?8|us-ascii)$/i.test(charset))
    throw new PlatformError(
      'unsupported_media_type',
      `Send JSON in UTF-8, the only encoding it has between systems (got charset ${charset.slice(0, 40)}).`,
    );
}

/** Parses the query string by a schema. */
export function parseQuery<S extends z.ZodType>(c: KitContext, schema: S): z.output<S> {
  const value = c.req.query();
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw fromZod(parsed.error, value);
  return parsed.data;
}

/** A path parameter that must be a UUID. */
export function uuidParam(c: KitContext, name: string): string {
  const parsed = z.uuid().safeParse(c.req.param(name));
  if (!parsed.success)
    throw new PlatformError(
      'invalid_request',
      `${name}: must be a UUID (got ${String(c.req.param(name)).slice(0, 60)}).`,
      { param: name },
    );
  return parsed.data;
}

/** Nesting that JSON bodies may have. */
const MAX_DEPTH = 64;

/** Parses JSON of bounded nesting. Throws `invalid_json`. */
export function parseJson(text: string): unknown {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inString) {
      if (code === 92) i++;
      else if (code === 34) inString = false;
    } else if (code === 34) inString = true;
    else if (code === 123 || code === 91) {
      if (++depth > MAX_DEPTH)
        throw new PlatformError(
          'invalid_json',
          `The body nests deeper than ${MAX_DEPTH} levels. Flatten it.`,
        );
    } else if (code === 125 || code === 93) depth--;
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new PlatformError(
      'invalid_json',
      `The body is not valid JSON: ${cause instanceof Error ? cause.message.slice(0, 200) : 'unreadable'}.`,
      { cause },
    );
  }
}

async function readText(c: KitContext, max_bytes: number): Promise<string> {
  const tooLarge = () =>
    new PlatformError('payload_too_large', `The body is larger than ${max_bytes} bytes. Send less at once.`);
  if (Number(c.req.header('content-length') ?? 0) > max_bytes) throw tooLarge();
  const incoming = c.env?.incoming;
  let body: Buffer | undefined;
  try {
    body =
      incoming === undefined
        ? await readWeb(c.req.raw.body, max_bytes)
        : await readIncoming(incoming, max_bytes);
  } catch (cause) {
    throw new PlatformError('invalid_request', 'The body broke off before its end.', { cause });
  }
  if (body === undefined) throw tooLarge();
  if (!isUtf8(body))
    throw new PlatformError('invalid_json', 'The body is not valid UTF-8. Encode the JSON as UTF-8.');
  const bom = body.length > 2 && body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;
  return body.toString('utf8', bom ? 3 : 0);
}

/** The body as node has it, without the detour by a web stream. Undefined when it is larger than the bound. */
function readIncoming(incoming: IncomingMessage, max_bytes: number): Promise<Buffer | undefined> {
  return new Promise((done, fail) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (finish: () => void) => {
      incoming.off('data', onData);
      incoming.off('end', onEnd);
      incoming.off('error', onLost);
      incoming.off('close', onLost);
      finish();
    };
    const onData = (chunk: Buffer) => {
      size += chunk.byteLength;
      if (size > max_bytes) settle(() => done(undefined));
      else chunks.push(chunk);
    };
    const onEnd = () => {
      const [only] = chunks;
      settle(() => done(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks)));
    };
    const onLost = (cause?: Error) => settle(() => fail(cause ?? new Error('the connection was closed')));
    if (incoming.destroyed) {
      fail(new Error('the connection was closed'));
      return;
    }
    incoming.on('data', onData);
    incoming.on('end', onEnd);
    incoming.on('error', onLost);
    incoming.on('close', onLost);
  });
}

/** The same for requests made in process. */
async function readWeb(
  body: ReadableStream<Uint8Array> | null,
  max_bytes: number,
): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size > max_bytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
