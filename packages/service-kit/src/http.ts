import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import { type CallContext, PlatformError, Principal, QueueClass } from '@mcp/contracts';
import { type Context, Hono } from 'hono';
import { routePath } from 'hono/route';
import { z } from 'zod';
import { type CallScope, callScope } from './call-scope.ts';
import { fromZod, retryAfterSeconds, toOpenAiError, toPlatformError, toProblem } from './errors.ts';
import type { ServiceKit } from './service.ts';
import type { Span } from './telemetry.ts';

/** How long an internal call may take when its caller set no deadline. */
const DEFAULT_DEADLINE_MS = 10 * 60_000;
export const MAX_BODY_BYTES = 4 * 1024 * 1024;
const REQUEST_ID = /^[\w.:-]{1,128}$/;

/** What travels with one HTTP request through its handlers. */
export interface RequestState {
  readonly request_id: string;
  readonly span: Span;
  readonly started_ms: number;
  /** Aborts when the client leaves or the deadline passes. */
  scope: CallScope | undefined;
  /** Bounded values only: a model that exists, or '-'. */
  model: string;
  phase: string;
  /** Set by streaming answers, which call `finish` themselves at their end. */
  streaming: boolean;
  finish(status: number, error?: PlatformError): void;
}

export interface KitEnv {
  Bindings: { incoming?: { socket?: { remoteAddress?: string } } };
  Variables: { state: RequestState; call: CallContext };
}
export type KitContext = Context<KitEnv>;

/** Which error body a path speaks: OpenAI's on its wire, RFC 9457 elsewhere. */
export type ErrorShape = (path: string) => 'openai' | 'problem';

export interface AppOptions {
  readonly kit: ServiceKit;
  readonly checks: Readonly<Record<string, () => Promise<void>>>;
  readonly errorShape?: ErrorShape;
}

/**
 * A Hono app with what every service has: request id, span, metrics, errors, `/healthz`, `/readyz`, `/metrics`.
 * It authenticates nobody; see {@link internalApp}.
 */
export function baseApp(options: AppOptions): Hono<KitEnv> {
  const { kit } = options;
  const app = new Hono<KitEnv>();
  const shape = options.errorShape ?? (() => 'problem');
  app.use(async (c, next) => {
    const state = beginRequest(kit, c);
    c.set('state', state);
    await next();
    c.header('x-request-id', state.request_id);
    c.header('x-trace-id', state.span.trace_id);
    if (!state.streaming) state.finish(c.res.status);
  });
  app.onError((thrown, c) => errorResponse(c, thrown, { kit, shape: shape(c.req.path) }));
  app.notFound((c) => {
    const allowed = [
      ...new Set(
        app.routes
          .filter((route) => route.method !== 'ALL' && matches(route.path, c.req.path))
          .map((route) => route.method),
      ),
    ];
    const error =
      allowed.length > 0
        ? new PlatformError(
            'method_not_allowed',
            `${c.req.method} is not offered at ${c.req.path}. Use ${allowed.join(' or ')}.`,
          )
        : new PlatformError(
            'not_found',
            `There is nothing at ${c.req.method} ${c.req.path.slice(0, 200)}. See /v1/models or the API page in the docs.`,
          );
    if (allowed.length > 0) c.header('Allow', allowed.join(', '));
    return errorResponse(c, error, { kit, shape: shape(c.req.path) });
  });
  app.get('/healthz', (c) =>
    c.json({ status: 'ok', service: kit.name, uptime_s: Math.round(process.uptime()) }),
  );
  app.get('/readyz', async (c) => {
    const failing = await runChecks(kit, options.checks);
    return c.json(
      { status: failing.length === 0 ? 'ready' : 'not_ready', service: kit.name, failing },
      failing.length === 0 ? 200 : 503,
    );
  });
  app.get('/metrics', async (c) => {
    if (!isLoopback(c) && !hasServiceToken(c, kit))
      throw new PlatformError(
        'unauthenticated',
        'Metrics are for callers on the same host, or with the service token as a bearer token.',
      );
    return c.body(await kit.metrics.text(), 200, { 'content-type': kit.metrics.contentType });
  });
  return app;
}

/** A {@link baseApp} for calls between services: everything else needs the service token. Sets `call`. */
export function internalApp(options: AppOptions): Hono<KitEnv> {
  const app = baseApp(options);
  app.use(async (c, next) => {
    if (!hasServiceToken(c, options.kit))
      throw new PlatformError(
        'unauthenticated',
        'This service answers to other services only. Call the gateway instead.',
      );
    c.set('call', internalCall(c));
    await next();
  });
  return app;
}

/** The call context of an internal request, from its headers. */
function internalCall(c: KitContext): CallContext {
  const state = c.get('state');
  const deadline = Number(c.req.header('x-mcp-deadline'));
  const deadline_ms = Number.isFinite(deadline) && deadline > 0 ? deadline : Date.now() + DEFAULT_DEADLINE_MS;
  state.scope = callScope(c.req.raw.signal, deadline_ms);
  const header = c.req.header('x-mcp-principal');
  const principal = header === undefined ? undefined : Principal.safeParse(decodePrincipal(header)).data;
  return {
    request_id: state.request_id,
    traceparent: state.span.traceparent,
    deadline_ms,
    principal: principal ?? { id: 'service', kind: 'service', name: 'service', scopes: ['admin'] },
    class: QueueClass.safeParse(c.req.header('x-mcp-class')).data ?? 'interactive',
    signal: state.scope.signal,
  };
}

function decodePrincipal(header: string): unknown {
  try {
    return JSON.parse(Buffer.from(header, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Answers with an error in the shape of the path, records it, and logs what the client must not see. */
export function errorResponse(
  c: KitContext,
  thrown: unknown,
  options: { kit: ServiceKit; shape: 'openai' | 'problem' },
): Response {
  const error = toPlatformError(thrown);
  const state = c.get('state');
  const fields = {
    trace_id: state.span.trace_id,
    request_id: state.request_id,
    code: error.code,
    path: c.req.path,
  };
  if (error.status >= 500) options.kit.log.error({ ...fields, err: error.cause ?? error }, error.message);
  else options.kit.log.debug(fields, error.message);
  state.streaming = false;
  const retry = retryAfterSeconds(error);
  if (retry !== undefined) c.header('Retry-After', String(retry));
  if (error.retry_after_ms !== undefined) c.header('retry-after-ms', String(error.retry_after_ms));
  if (error.status === 401) c.header('WWW-Authenticate', 'Bearer realm="mcp"');
  c.header('x-request-id', state.request_id);
  c.header('x-trace-id', state.span.trace_id);
  state.finish(error.status, error);
  const openai = options.shape === 'openai';
  const body = openai ? toOpenAiError(error) : toProblem(error, state.span.trace_id);
  return c.body(JSON.stringify(body), error.status as 400, {
    'content-type': openai ? 'application/json' : 'application/problem+json',
  });
}

/** Reads a JSON body of bounded size and parses it by a schema. */
export async function parseBody<S extends z.ZodType>(
  c: KitContext,
  schema: S,
  max_bytes = MAX_BODY_BYTES,
): Promise<z.output<S>> {
  const type = c.req.header('content-type');
  if (type !== undefined && !/^application\/([\w.+-]+\+)?json\s*(;|$)/i.test(type)) {
    throw new PlatformError(
      'unsupported_media_type',
      `Send JSON with content-type application/json (got ${type.slice(0, 80)}).`,
    );
  }
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

function parseJson(text: string): unknown {
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

const utf8 = new TextDecoder('utf-8', { fatal: true });

async function readText(c: KitContext, max_bytes: number): Promise<string> {
  const tooLarge = () =>
    new PlatformError('payload_too_large', `The body is larger than ${max_bytes} bytes. Send less at once.`);
  if (Number(c.req.header('content-length') ?? 0) > max_bytes) throw tooLarge();
  let buffer: ArrayBuffer;
  try {
    if (c.req.header('content-length') !== undefined) buffer = await c.req.arrayBuffer();
    else buffer = await readBounded(c.req.raw.body, max_bytes, tooLarge);
  } catch (cause) {
    if (cause instanceof PlatformError) throw cause;
    throw new PlatformError('invalid_request', 'The body broke off before its end.', { cause });
  }
  if (buffer.byteLength > max_bytes) throw tooLarge();
  try {
    return utf8.decode(buffer);
  } catch (cause) {
    throw new PlatformError('invalid_json', 'The body is not valid UTF-8. Encode the JSON as UTF-8.', {
      cause,
    });
  }
}

async function readBounded(
  body: ReadableStream<Uint8Array> | null,
  max_bytes: number,
  tooLarge: () => PlatformError,
): Promise<ArrayBuffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  if (body !== null) {
    for await (const chunk of body) {
      size += chunk.byteLength;
      if (size > max_bytes) throw tooLarge();
      chunks.push(chunk);
    }
  }
  const joined = Buffer.concat(chunks);
  return joined.buffer.slice(joined.byteOffset, joined.byteOffset + joined.byteLength) as ArrayBuffer;
}

function beginRequest(kit: ServiceKit, c: KitContext): RequestState {
  const given = c.req.header('x-request-id');
  const request_id = given !== undefined && REQUEST_ID.test(given) ? given : randomUUID();
  const span = kit.tracer.start('http.server.request', {
    traceparent: c.req.header('traceparent'),
    kind: 'server',
    attributes: {
      'http.request.method': c.req.method,
      'url.path': c.req.path.slice(0, 300),
      'mcp.request_id': request_id,
    },
  });
  kit.requests.begin();
  let finished = false;
  const state: RequestState = {
    request_id,
    span,
    started_ms: performance.now(),
    scope: undefined,
    model: '-',
    phase: '-',
    streaming: false,
    finish(status, error) {
      if (finished) return;
      finished = true;
      state.scope?.dispose();
      const endpoint = endpointOf(c);
      const labels = { endpoint, status: String(status), model: state.model, phase: state.phase };
      kit.requests.end((performance.now() - state.started_ms) / 1000, labels);
      if (error !== undefined) kit.metrics.inc('service_errors_total', { ...labels, code: error.code });
      span.set({ 'http.route': endpoint, 'http.response.status_code': status });
      span.end(status >= 500 ? (error ?? `status ${status}`) : undefined);
    },
  };
  return state;
}

/** The route pattern, never the path itself, so that the label stays bounded. */
function endpointOf(c: KitContext): string {
  const pattern = routePath(c, -1);
  return pattern === '' || pattern === '*' || pattern === '/*' ? 'unmatched' : pattern;
}

function matches(pattern: string, path: string): boolean {
  if (!pattern.includes('*') && !pattern.includes(':')) return pattern === path;
  if (pattern.includes('*')) return false;
  const want = pattern.split('/');
  const have = path.split('/');
  return want.length === have.length && want.every((part, i) => part.startsWith(':') || part === have[i]);
}

async function runChecks(
  kit: ServiceKit,
  checks: AppOptions['checks'],
): Promise<{ name: string; reason: string }[]> {
  if (kit.draining()) return [{ name: 'drain', reason: 'the process is shutting down' }];
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      let timer: NodeJS.Timeout | undefined;
      const timeout = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error('no answer within 2 s')), 2000);
      });
      try {
        await Promise.race([check(), timeout]);
        return [];
      } catch (error) {
        return [{ name, reason: error instanceof Error ? error.message : String(error) }];
      } finally {
        clearTimeout(timer);
      }
    }),
  );
  return results.flat();
}

function isLoopback(c: KitContext): boolean {
  const address = c.env?.incoming?.socket?.remoteAddress;
  if (c.req.header('x-forwarded-for') !== undefined) return false;
  return address === '127.0.0.1' || address === '::1' || address === '::ffff:127.0.0.1';
}

function hasServiceToken(c: KitContext, kit: ServiceKit): boolean {
  const header = c.req.header('authorization') ?? '';
  return header.startsWith('Bearer ') && timingSafeEqual(digest(header.slice(7)), kit.service_token_digest);
}

/** SHA-256, so that values of any length compare in constant time. */
export function digest(value: string): Buffer {
  return createHash('sha256').update(value).digest();
}
