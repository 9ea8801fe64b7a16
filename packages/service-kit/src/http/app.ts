import { randomUUID } from 'node:crypto';
import {
  type CallContext,
  OnInterrupt,
  PlatformError,
  QueueClass,
  Residency,
  type ServiceName,
} from '@mcp/contracts';
import { Hono } from 'hono';
import { routePath } from 'hono/route';
import { callScope } from '../clients/call-scope.ts';
import { RetryBudget } from '../clients/retry-budget.ts';
import type { Caller } from '../runtime/identity.ts';
import type { ServiceKit } from '../runtime/kit.ts';
import type { FinishListener, KitContext, KitEnv, RequestState } from './context.ts';
import { retryAfterSeconds, toAnthropicError, toOpenAiError, toPlatformError, toProblem } from './errors.ts';

/** How long an internal call may take when its caller set no deadline. */
const DEFAULT_DEADLINE_MS = 10 * 60_000;
const REQUEST_ID = /^[\w.:-]{1,128}$/;
const MAX_URL_CHARS = 8192;
const MAX_HEADERS = 100;

/** Which error body a path speaks: OpenAI's and Anthropic's on their wires, RFC 9457 elsewhere. */
type Shape = 'openai' | 'anthropic' | 'problem';
type ErrorShape = (path: string, headers: Headers) => Shape;

export interface AppOptions {
  readonly kit: ServiceKit;
  readonly checks: Readonly<Record<string, () => Promise<void>>>;
  readonly errorShape?: ErrorShape;
  /** True where anybody may call: what they say of a trace is noted beside ours, not believed. */
  readonly outside?: boolean;
}

/**
 * A Hono app with what every service has: request id, span, metrics, errors, `/healthz`, `/readyz`, `/metrics`.
 * It authenticates nobody; see {@link internalApp}.
 */
export function baseApp(options: AppOptions): Hono<KitEnv> {
  const { kit } = options;
  const app = new Hono<KitEnv>();
  const shapeOf = options.errorShape ?? (() => 'problem');
  const shape = (c: KitContext) => shapeOf(c.req.path, c.req.raw.headers);
  app.use(async (c, next) => {
    const state = beginRequest(kit, c, options.outside === true);
    c.set('state', state);
    refuseOversized(c);
    await next();
    if (!state.sealed)
      for (const [name, value] of Object.entries(state.seal())) c.res.headers.set(name, value);
    if (!state.streaming) state.finish(c.res.status);
  });
  app.onError((thrown, c) => errorResponse(c, thrown, { kit, shape: shape(c) }));
  app.notFound((c) => errorResponse(c, nothingHere(app, c), { kit, shape: shape(c) }));
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
    if (!isNear(c))
      throw new PlatformError(
        'unauthenticated',
        'Metrics are for callers on the same host. Give others a port for them alone: MCP_METRICS_PORT.',
      );
    return c.body(await kit.metrics.text(), 200, { 'content-type': kit.metrics.contentType });
  });
  return app;
}

/** Which services may ask what of an internal app: `GET /internal/jobs/:id` by name of the caller. What is not here is refused. */
type Callers = Readonly<Record<string, readonly ServiceName[]>>;

export interface InternalAppOptions extends AppOptions {
  readonly callers: Callers;
}

/** A {@link baseApp} for calls between services: everything else needs the token of a service that may. Sets `call`. */
export function internalApp({ callers, ...options }: InternalAppOptions): Hono<KitEnv> {
  const app = baseApp(options);
  app.use(async (c, next) => {
    const header = c.req.header('authorization') ?? '';
    const checked = options.kit.callers.verify(
      header.startsWith('Bearer ') ? header.slice(7) : '',
      c.req.header('x-mcp-grant'),
    );
    const caller = checked instanceof Promise ? await checked : checked;
    assertCaller(c, callers, caller);
    c.set('call', internalCall(c, caller));
    await next();
  });
  return app;
}

function assertCaller(c: KitContext, callers: Callers, { service }: Caller): void {
  const endpoint = endpointOf(c);
  // Answered by what follows: there is nothing here.
  if (endpoint === 'unmatched') return;
  const method = c.req.method === 'HEAD' ? 'GET' : c.req.method;
  const route = `${method} ${endpoint}`;
  if (!Object.hasOwn(callers, route) || callers[route]?.includes(service) !== true)
    throw new PlatformError(
      'forbidden',
      `${service} may not call ${route}: its table of callers does not name it.`,
    );
}

/** The call context of an internal request: on whose behalf it is from its token, the rest from its headers. */
function internalCall(c: KitContext, { principal }: Caller): CallContext {
  const state = c.get('state');
  const deadline = Number(c.req.header('x-mcp-deadline'));
  const deadline_ms = Number.isFinite(deadline) && deadline > 0 ? deadline : Date.now() + DEFAULT_DEADLINE_MS;
  state.scope = callScope(c.req.raw.signal, deadline_ms);
  const retries = RetryBudget.from(c.req.header('x-mcp-retries'));
  state.onSeal(() => {
    state.headers['x-mcp-retries-left'] = String(retries.left);
  });
  return {
    request_id: state.request_id,
    traceparent: state.span.traceparent,
    deadline_ms,
    principal,
    grant: c.req.header('x-mcp-grant'),
    class: QueueClass.safeParse(c.req.header('x-mcp-class')).data ?? 'interactive',
    signal: state.scope.signal,
    retries,
    place: c.req.header('x-mcp-place'),
    careful: c.req.header('x-mcp-careful') === 'true',
    on_interrupt: OnInterrupt.safeParse(c.req.header('x-mcp-on-interrupt')).data,
    residency: Residency.safeParse(c.req.header('x-mcp-residency')).data,
    hops: Number(c.req.header('x-mcp-hops') ?? 0),
  };
}

/** Answers with an error in the shape of the path, records it, and logs what the client must not see. */
export function errorResponse(
  c: KitContext,
  thrown: unknown,
  options: { kit: ServiceKit; shape: Shape },
): Response {
  const state = c.get('state');
  const error = failureOf(thrown, state);
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
  if (retry !== undefined) state.headers['retry-after'] = String(retry);
  if (error.retry_after_ms !== undefined) state.headers['retry-after-ms'] = String(error.retry_after_ms);
  if (error.status === 401) state.headers['www-authenticate'] = 'Bearer realm="mcp"';
  state.finish(error.status, error);
  return textAnswer(c, JSON.stringify(errorBody(error, options.shape, state.span.trace_id)), {
    status: error.status,
    content_type: options.shape === 'problem' ? 'application/problem+json' : 'application/json',
  });
}

function errorBody(error: PlatformError, shape: Shape, trace_id: string): object {
  switch (shape) {
    case 'openai':
      return toOpenAiError(error);
    case 'anthropic':
      return toAnthropicError(error);
    case 'problem':
      return toProblem(error, trace_id);
    default:
      return shape satisfies never;
  }
}

/** What was thrown, as an error; an abort is told by its reason, which is the deadline's or the client's. */
export function failureOf(thrown: unknown, state: RequestState): PlatformError {
  const error = toPlatformError(thrown);
  const reason: unknown = state.scope?.signal.reason;
  return error.code === 'cancelled' && reason instanceof PlatformError ? reason : error;
}

/**
 * An answer made without the intermediate `Headers` objects of `c.json`: the cheap way on hot paths.
 * It carries the request's own headers.
 */
export function textAnswer(
  c: KitContext,
  text: string,
  options: { readonly content_type: string; readonly status?: number },
): Response {
  return new Response(text, {
    status: options.status ?? 200,
    headers: { 'content-type': options.content_type, ...c.get('state').seal() },
  });
}

function beginRequest(kit: ServiceKit, c: KitContext, outside: boolean): RequestState {
  const given = c.req.header('x-request-id');
  const request_id = given !== undefined && REQUEST_ID.test(given) ? given : randomUUID();
  const span = kit.tracer.start('http.server.request', {
    [outside ? 'link' : 'traceparent']: c.req.header('traceparent'),
    kind: 'server',
    attributes: {
      'http.request.method': c.req.method,
      'url.path': c.req.path.slice(0, 300),
      'mcp.request_id': request_id,
    },
  });
  const headers: Record<string, string> = { 'x-request-id': request_id, 'x-trace-id': span.trace_id };
  kit.requests.begin();
  let finished = false;
  const listeners: FinishListener[] = [];
  const beforeSeal: (() => void)[] = [];
  const state: RequestState = {
    request_id,
    span,
    started_ms: performance.now(),
    headers,
    scope: undefined,
    model: '-',
    phase: '-',
    streaming: false,
    sealed: false,
    seal() {
      state.sealed = true;
      for (const listener of beforeSeal) listener();
      // So that a client's next request does not meet a closing connection.
      if (kit.draining()) headers.connection = 'close';
      return headers;
    },
    onSeal(listener) {
      beforeSeal.push(listener);
    },
    onFinish(listener) {
      listeners.push(listener);
    },
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
      for (const listener of listeners) listener(status, error);
    },
  };
  return state;
}

/** Node has its own bound on the header bytes; these say no in words before that one is reached. */
function refuseOversized(c: KitContext): void {
  if (c.req.url.length > MAX_URL_CHARS)
    throw new PlatformError(
      'uri_too_long',
      `The URL is longer than ${MAX_URL_CHARS} characters. Put long input into the body.`,
    );
  const pairs = c.env?.incoming?.rawHeaders.length ?? 0;
  if (pairs > MAX_HEADERS * 2)
    throw new PlatformError(
      'headers_too_large',
      `The request has more than ${MAX_HEADERS} header fields. Send fewer.`,
    );
}

function nothingHere(app: Hono<KitEnv>, c: KitContext): PlatformError {
  const allowed = [
    ...new Set(
      app.routes
        .filter((route) => route.method !== 'ALL' && matches(route.path, c.req.path))
        .map((route) => route.method),
    ),
  ];
  if (allowed.length === 0)
    return new PlatformError(
      'not_found',
      `There is nothing at ${c.req.method} ${c.req.path.slice(0, 200)}. See GET /v1/models, or docs/openai-wire.md and docs/conversation.md.`,
    );
  c.get('state').headers.allow = allowed.join(', ');
  return new PlatformError(
    'method_not_allowed',
    `${c.req.method} is not offered at ${c.req.path.slice(0, 200)}. Use ${allowed.join(' or ')}.`,
  );
}

/** The route pattern, never the path itself, so that the label stays bounded. */
function endpointOf(c: KitContext): string {
  const pattern = routePath(c, -1);
  return pattern === '' || pattern === '*' || pattern === '/*' ? 'unmatched' : pattern;
}

/** Whether a route pattern of Hono (`/v1/jobs/:id`, `/v1/models/:id{.+}`) covers a path; `*` is no route of its own. */
function matches(pattern: string, path: string): boolean {
  if (pattern.includes('*')) return false;
  const source = pattern.replace(/:\w+(?:\{([^}]*)\})?|[.+?^$()|[\]\\]/g, (part, rule: string | undefined) =>
    part.startsWith(':') ? (rule ?? '[^/]+') : `\\${part}`,
  );
  return new RegExp(`^(?:${source})$`).test(path);
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

/** From this host; what comes through a proxy is from far away. */
function isNear(c: KitContext): boolean {
  const address = c.env?.incoming?.socket?.remoteAddress;
  if (c.req.header('x-forwarded-for') !== undefined) return false;
  return address === '127.0.0.1' || address === '::1' || address === '::ffff:127.0.0.1';
}
