import { type CallContext, PlatformError, type Principal, QueueClass, type Scope } from '@mcp/contracts';
import { callScope, type KitContext, parseQuery, RetryBudget, refuseBody } from '@mcp/service-kit';
import { z } from 'zod';
import { formatReset } from './admission.ts';
import { requireScope } from './auth/authenticator.ts';
import { credentialOf } from './auth/credentials.ts';
import type { Gateway } from './gateway.ts';
import { assertResidency } from './residency.ts';
import { mayTrace } from './trace-access.ts';

const TIMEOUT_HEADER = 'x-mcp-timeout-ms';
const CLASS_HEADER = 'x-mcp-class';

type Handler = (c: KitContext, call: CallContext) => Response | Promise<Response>;

/** What a route asks of its caller; `query` and `body` where it takes parameters or a body, which its handler reads. */
type Access = Scope | { readonly scope: Scope; readonly query?: true; readonly body?: true };

/** A WebSocket or a route without parameters. */
export const NO_QUERY = z.object({});

/**
 * What stands before every route: who is it, may they, is there room, until when. One function instead of a chain
 * of middlewares, because the path of an inference is counted in microseconds.
 */
export function guard(
  gateway: Gateway,
  access: Access,
  handler: Handler,
): (c: KitContext) => Promise<Response> {
  const { scope, query, body } = typeof access === 'string' ? { scope: access } : access;
  return async (c) => {
    const principal = await gateway.authenticator.authenticate(credentialOf((name) => c.req.header(name)));
    requireScope(principal, scope);
    assertResidency(gateway, c);
    if (query !== true && c.req.url.includes('?')) parseQuery(c, NO_QUERY);
    admit(gateway, c, principal);
    if (body !== true) await refuseBody(c);
    return await handler(c, beginCall(gateway, c, principal));
  };
}

/** The same, counted in the live figures: for routes that ask models. */
export function guardInference(gateway: Gateway, handler: Handler): (c: KitContext) => Promise<Response> {
  const guarded = guard(gateway, { scope: 'chat', body: true }, handler);
  return (c) => {
    const state = c.get('state');
    state.onFinish((status, error) => {
      if (status !== 401 && status !== 403)
        gateway.stats.add(performance.now() - state.started_ms, failed(status, error));
      if (status === 499)
        gateway.kit.metrics.inc('gateway_stream_disconnects_total', { endpoint: c.req.path });
    });
    return guarded(c);
  };
}

function failed(status: number, error: PlatformError | undefined): boolean {
  return status >= 500 || (status === 200 && error !== undefined && error.status >= 500);
}

function admit(gateway: Gateway, c: KitContext, principal: Principal): void {
  const state = c.get('state');
  if (mayTrace(principal)) {
    state.span.adopt();
    state.headers['x-trace-id'] = state.span.trace_id;
  }
  state.span.set({ 'enduser.id': principal.id });
  const standing = gateway.admission.enter(principal.id);
  state.headers['x-ratelimit-limit-requests'] = String(standing.limit);
  state.headers['x-ratelimit-remaining-requests'] = String(standing.remaining);
  state.headers['x-ratelimit-reset-requests'] = formatReset(standing.reset_ms);
  if (standing.refusal !== undefined) {
    gateway.kit.metrics.inc('gateway_admission_rejected_total', { code: standing.refusal.code });
    throw standing.refusal;
  }
  state.onFinish((_status, error) => {
    gateway.admission.leave(principal.id);
    if (error?.code === 'overloaded')
      gateway.kit.metrics.inc('gateway_admission_rejected_total', { code: error.code });
  });
}

function beginCall(gateway: Gateway, c: KitContext, principal: Principal): CallContext {
  const state = c.get('state');
  const deadline_ms = Date.now() + timeoutOf(c, gateway.kit.config.MCP_REQUEST_TIMEOUT_MS);
  state.scope = callScope(c.req.raw.signal, deadline_ms);
  return {
    request_id: state.request_id,
    traceparent: state.span.traceparent,
    deadline_ms,
    principal,
    class: classOf(c),
    signal: state.scope.signal,
    retries: new RetryBudget(),
  };
}

/** How long the client wants to wait, at most as long as the platform lets it. */
function timeoutOf(c: KitContext, most_ms: number): number {
  const given = c.req.header(TIMEOUT_HEADER);
  if (given === undefined) return most_ms;
  if (!/^[1-9]\d{0,8}$/.test(given))
    throw new PlatformError(
      'invalid_request',
      `${TIMEOUT_HEADER}: must be whole milliseconds from 1 to ${most_ms} (got ${given.slice(0, 40)}).`,
      { param: TIMEOUT_HEADER },
    );
  return Math.min(Number(given), most_ms);
}

function classOf(c: KitContext): QueueClass {
  const given = c.req.header(CLASS_HEADER);
  if (given === undefined) return 'interactive';
  const parsed = QueueClass.safeParse(given);
  if (!parsed.success)
    throw new PlatformError(
      'invalid_request',
      `${CLASS_HEADER}: must be ${QueueClass.options.join(' or ')} (got ${given.slice(0, 40)}).`,
      { param: CLASS_HEADER },
    );
  return parsed.data;
}
