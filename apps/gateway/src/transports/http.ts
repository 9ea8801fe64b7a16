import {
  type CallContext,
  OnInterrupt,
  PlatformError,
  type Principal,
  QueueClass,
  type Scope,
} from '@mcp/contracts';
import { type KitContext, parseQuery, refuseBody } from '@mcp/service-kit';
import { z } from 'zod';
import { credentialOf } from '../auth/credentials.ts';
import type { Gateway } from '../gateway.ts';
import { formatReset } from '../limits/admission.ts';
import { mayTrace } from '../live/trace-access.ts';
import { admit, begin, identify, leave } from '../pipeline/entrance.ts';
import { CONTEXT_HEADER } from '../pipeline/fitting.ts';
import { conclude } from '../pipeline/inference.ts';
import { residencyOf } from '../regions/residency.ts';
import { hopsOf } from './hops.ts';

const TIMEOUT_HEADER = 'x-mcp-timeout-ms';
const CLASS_HEADER = 'x-mcp-class';
const INTERRUPT_HEADER = 'x-mcp-on-interrupt';

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
    const credential = credentialOf((name) => c.req.header(name));
    const principal = await identify(gateway, c, { credential, scope });
    if (query !== true && c.req.url.includes('?')) parseQuery(c, NO_QUERY);
    enter(gateway, c, principal);
    if (body !== true) await refuseBody(c);
    return await handler(c, beginCall(gateway, c, principal));
  };
}

/** The same, counted in the live figures: for routes that ask models. */
export function guardInference(
  gateway: Gateway,
  handler: Handler,
  takes: { readonly query?: true } = {},
): (c: KitContext) => Promise<Response> {
  const guarded = guard(gateway, { scope: 'chat', body: true, ...takes }, handler);
  return (c) => {
    const state = c.get('state');
    state.onFinish((status, error) =>
      conclude(gateway, {
        duration_ms: performance.now() - state.started_ms,
        status,
        error,
        endpoint: c.req.path,
      }),
    );
    return guarded(c);
  };
}

function enter(gateway: Gateway, c: KitContext, principal: Principal): void {
  const state = c.get('state');
  if (mayTrace(principal)) {
    state.span.adopt();
    state.headers['x-trace-id'] = state.span.trace_id;
  }
  state.span.set({ 'enduser.id': principal.id });
  const admitted = admit(gateway, principal);
  state.headers['x-ratelimit-limit-requests'] = String(admitted.limit);
  state.headers['x-ratelimit-remaining-requests'] = String(admitted.remaining);
  state.headers['x-ratelimit-reset-requests'] = formatReset(admitted.reset_ms);
  if (admitted.refusal !== undefined) throw admitted.refusal;
  state.onFinish((_status, error) => leave(gateway, principal, { error }));
}

function beginCall(gateway: Gateway, c: KitContext, principal: Principal): CallContext {
  const state = c.get('state');
  const { call, scope } = begin({
    request_id: state.request_id,
    principal,
    span: state.span,
    class: classOf(c),
    timeout_ms: timeoutOf(c, gateway.kit.config.MCP_REQUEST_TIMEOUT_MS),
    residency: residencyOf(c),
    on_interrupt: onInterrupt(c),
    hops: hopsOf(c),
    left: c.req.raw.signal,
  });
  state.scope = scope;
  return call;
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
  return choiceOf(c, CLASS_HEADER, QueueClass) ?? 'interactive';
}

/** What a caller wants to become of a stream that breaks off; undefined: as the alias says. */
export function onInterrupt(c: KitContext): OnInterrupt | undefined {
  return choiceOf(c, INTERRUPT_HEADER, OnInterrupt);
}

const ContextChoice = { options: ['fit', 'whole'] } as const;

/** What becomes of a context that is too long: it is made to fit, or, as without the header, refused. */
export function contextOf(c: KitContext): 'fit' | 'whole' | undefined {
  return choiceOf(c, CONTEXT_HEADER, ContextChoice);
}

/** A header that has one of a few values; undefined where it is not given. */
function choiceOf<const T extends string>(
  c: KitContext,
  header: string,
  values: { readonly options: readonly T[] },
): T | undefined {
  const given = c.req.header(header);
  if (given === undefined) return undefined;
  const value = values.options.find((one) => one === given);
  if (value === undefined)
    throw new PlatformError(
      'invalid_request',
      `${header}: must be ${values.options.join(' or ')} (got ${given.slice(0, 40)}).`,
      { param: header },
    );
  return value;
}
