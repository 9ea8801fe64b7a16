import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { nestsDeeper, PlatformError } from '@mcp/contracts';
import { z } from 'zod';
import { MAX_BODY_BYTES } from '../../manifest.ts';
import type { KitContext } from './context.ts';
import { fromZod } from './errors.ts';
import { bytesAtMost } from './text-at-most.ts';

/** Room for `{}` in any writing, where no body belongs. */
const NO_BODY_BYTES = 1024;

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
  return fitting(parseJson(text), schema);
}

/**
 * For a route that takes no body: an empty one or `{}` is none. What is sent with GET has no meaning (RFC 9110, 9.3.1)
 * and is not waited for; the fields of any other are refused by name.
 */
export async function refuseBody(c: KitContext): Promise<void> {
  const length = c.req.header('content-length');
  if ((length === undefined || length === '0') && c.req.header('transfer-encoding') === undefined) return;
  if (c.req.method === 'GET' || c.req.method === 'HEAD')
    throw new PlatformError('invalid_request', `${c.req.method} takes no body here. Leave it out.`);
  const text = await readText(c, NO_BODY_BYTES);
  if (text.trim() !== '') fitting(parseJson(text), NO_FIELDS);
}

const NO_FIELDS = z.strictObject({});

function fitting<S extends z.ZodType>(value: unknown, schema: S): z.output<S> {
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

/** Parses the query string by a schema. A parameter that the schema does not know, or one given twice, is refused. */
export function parseQuery<S extends z.ZodObject>(c: KitContext, schema: S): z.output<S> {
  return fitting(Object.fromEntries(queryOf(c, schema, (name) => name)), schema);
}

/** The same where a list is written as `include[]=a&include[]=b` and an object as `metadata[key]=value`. */
export function parseNestedQuery<S extends z.ZodObject>(c: KitContext, schema: S): z.output<S> {
  const value: Record<string, unknown> = {};
  const nested = new Map<string, [key: string, text: string][]>();
  for (const [name, text] of queryOf(c, schema, (full) => full.replace(/\[.*\]$/, ''))) {
    const [, field, key] = /^(\w+)\[(.*)\]$/.exec(name) ?? [];
    if (field === undefined || key === undefined) value[name] = text;
    else nested.set(field, [...(nested.get(field) ?? []), [key, text]]);
  }
  for (const [field, pairs] of nested)
    value[field] = pairs.every(([key]) => /^\d*$/.test(key))
      ? pairs.map(([, text]) => text)
      : Object.fromEntries(pairs);
  return fitting(value, schema);
}

/** What a query string says, each parameter once, but for the items of a list. */
function queryOf(
  c: KitContext,
  schema: z.ZodObject,
  fieldOf: (name: string) => string,
): [name: string, text: string][] {
  const { url } = c.req;
  const given = [...new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?')) : '')];
  const seen = new Set<string>();
  for (const [name] of given) {
    if (!Object.hasOwn(schema.shape, fieldOf(name)))
      throw new PlatformError(
        'invalid_request',
        `Unrecognized query parameter '${name.slice(0, 60)}'. ${knownOf(schema)}`,
        { param: name.slice(0, 60) },
      );
    const once = fieldOf(name) !== name && name.endsWith('[]') ? `${name}${seen.size}` : name;
    if (seen.has(once))
      throw new PlatformError(
        'invalid_request',
        `${name}: is given twice in the query string. Give it once.`,
        { param: name },
      );
    seen.add(once);
  }
  return given;
}

function knownOf(schema: z.ZodObject): string {
  const names = Object.keys(schema.shape);
  return names.length === 0 ? 'This address takes none.' : `There are: ${names.join(', ')}.`;
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

/** Parses JSON of bounded nesting whose texts are Unicode and whose numbers are finite. Throws `invalid_json`. */
export function parseJson(text: string): unknown {
  if (nestsDeeper(text, MAX_DEPTH))
    throw new PlatformError('invalid_json', `The body nests deeper than ${MAX_DEPTH} levels. Flatten it.`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new PlatformError(
      'invalid_json',
      `The body is not valid JSON: ${cause instanceof Error ? cause.message.slice(0, 200) : 'unreadable'}.`,
      { cause },
    );
  }
  if (SURROGATE_ESCAPE.test(text)) refuseHalves(value, []);
  if (LARGE_NUMBER.test(text)) refuseInfinite(value, []);
  if (PROTOTYPE_NAME.test(text)) refusePrototypes(value, []);
  return value;
}

/** A field of this name, which copies of an object lose or take for what they inherit from; escapes can hide it. */
const PROTOTYPE_NAME = /__proto__|\\u00[567]/i;

function refusePrototypes(value: unknown, path: readonly string[]): void {
  if (typeof value !== 'object' || value === null) return;
  if (Object.hasOwn(value, '__proto__'))
    throw new PlatformError(
      'invalid_request',
      `Unrecognized request argument '__proto__'${path.length > 0 ? ` in ${path.join('.')}` : ''}. No field has this name: remove it.`,
      { param: [...path, '__proto__'].join('.') },
    );
  for (const [key, item] of Object.entries(value)) refusePrototypes(item, [...path, key.slice(0, 60)]);
}

/** The only way in which half of a character comes through UTF-8: as an escape. */
const SURROGATE_ESCAPE = /\\u[dD][89a-fA-F]/;

/** Half of a surrogate pair cannot be written as UTF-8, hashed or shown (RFC 8259, 8.2; RFC 8785, 3.2.2.2). */
function refuseHalves(value: unknown, path: readonly string[]): void {
  if (typeof value === 'string' && !value.isWellFormed())
    throw new PlatformError(
      'invalid_json',
      `${path.join('.') || 'body'}: has half of a surrogate pair, such as \\ud83d alone. Send whole characters.`,
      { param: path.join('.') || 'body' },
    );
  if (typeof value !== 'object' || value === null) return;
  for (const [key, item] of Object.entries(value)) {
    refuseHalves(key, [...path, key.toWellFormed().slice(0, 60)]);
    refuseHalves(item, [...path, key.slice(0, 60)]);
  }
}

/** What may be a number that no double holds: an exponent of three digits, or 309 digits. */
const LARGE_NUMBER = /\d[eE]\+?\d{3}|\d{309}/;

/** JSON.parse makes Infinity of them, which nobody could write down again (RFC 8259, 6). */
function refuseInfinite(value: unknown, path: readonly string[]): void {
  if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY)
    throw new PlatformError(
      'invalid_json',
      `${path.join('.') || 'body'}: is a number beyond what a double holds. Send one up to 1.8e308.`,
      { param: path.join('.') || 'body' },
    );
  if (typeof value !== 'object' || value === null) return;
  for (const [key, item] of Object.entries(value)) refuseInfinite(item, [...path, key.slice(0, 60)]);
}

/** Reads a body of bounded size as text. */
export async function readText(c: KitContext, max_bytes: number): Promise<string> {
  const tooLarge = () =>
    new PlatformError('payload_too_large', `The body is larger than ${max_bytes} bytes. Send less at once.`);
  if (Number(c.req.header('content-length') ?? 0) > max_bytes) throw tooLarge();
  const incoming = c.env?.incoming;
  let body: Buffer | undefined;
  try {
    body =
      incoming === undefined
        ? await bytesAtMost(c.req.raw, max_bytes)
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
