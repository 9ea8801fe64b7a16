import type {
  CallContext,
  OnInterrupt,
  PlatformError,
  Principal,
  QueueClass,
  Residency,
  Scope,
} from '@mcp/contracts';
import { callScope, type KitContext, RetryBudget, type Span } from '@mcp/service-kit';
import { requireScope } from '../auth/authenticator.ts';
import type { Gateway } from '../gateway.ts';
import type { AdmissionState } from '../limits/admission.ts';
import { assertResidency } from '../regions/residency.ts';

/**
 * The first steps of every request, whatever it comes by: who is it, may they, may it be worked on here. Throws
 * `unauthenticated`, `forbidden`, `wrong_region`.
 */
export async function identify(
  gateway: Gateway,
  c: KitContext,
  asked: { readonly credential: string; readonly scope: Scope },
): Promise<Principal> {
  const principal = await gateway.authenticator.authenticate(asked.credential);
  requireScope(principal, asked.scope);
  assertResidency(gateway, c);
  return principal;
}

/**
 * Takes a request's place among those of its caller. A refusal is counted here and left to the transport to tell. When
 * there is none, {@link leave} must follow at its end, with `inside` as here: for one on a connection that has its place
 * already.
 */
export function admit(
  gateway: Gateway,
  principal: Principal,
  options?: { readonly inside: boolean },
): AdmissionState {
  const state = gateway.admission.enter(principal.id, options);
  if (state.refusal !== undefined) countRefusal(gateway, state.refusal);
  return state;
}

/** Takes a place for a connection that stays open between requests. Throws the refusal. */
export function admitConnection(gateway: Gateway, principal: Principal): void {
  const refusal = gateway.admission.open(principal.id);
  if (refusal === undefined) return;
  countRefusal(gateway, refusal);
  throw refusal;
}

/** Gives a request's place back at its end. One that no queue of a model had room for counts as refused. */
export function leave(
  gateway: Gateway,
  principal: Principal,
  { error, inside = false }: { readonly error: PlatformError | undefined; readonly inside?: boolean },
): void {
  if (!inside) gateway.admission.leave(principal.id);
  if (error?.code === 'overloaded') countRefusal(gateway, error);
}

/** Counts a request that was refused before any model worked on it. */
function countRefusal({ kit }: Gateway, { code }: PlatformError): void {
  kit.metrics.inc('gateway_admission_rejected_total', { code });
}

interface Begin {
  readonly request_id: string;
  readonly principal: Principal;
  readonly span: Span;
  readonly class: QueueClass;
  readonly timeout_ms: number;
  readonly residency?: Residency | undefined;
  readonly on_interrupt?: OnInterrupt | undefined;
  readonly hops?: number | undefined;
  /** Fires when the client leaves. */
  readonly left?: AbortSignal;
}

/** The context of everything that is asked for a request, until its deadline. Its scope must be disposed of at the end. */
export function begin(options: Begin): {
  readonly call: CallContext;
  readonly scope: ReturnType<typeof callScope>;
} {
  const deadline_ms = Date.now() + options.timeout_ms;
  const scope = callScope(options.left, deadline_ms);
  const call: CallContext = {
    request_id: options.request_id,
    traceparent: options.span.traceparent,
    deadline_ms,
    principal: options.principal,
    class: options.class,
    signal: scope.signal,
    retries: new RetryBudget(),
    residency: options.residency,
    on_interrupt: options.on_interrupt,
    hops: options.hops,
  };
  return { call, scope };
}
