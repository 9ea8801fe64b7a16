import { randomUUID } from 'node:crypto';
import type { CallContext, Principal } from '@mcp/contracts';

interface OwnCall {
  /** Who asks, as a principal. */
  readonly service: string;
  readonly timeout_ms: number;
  /** None: it may do what needs no right. */
  readonly scopes?: Principal['scopes'];
}

/** A call that a service makes on nobody's behalf. */
export function ownCall({ service, timeout_ms, scopes = [] }: OwnCall): CallContext {
  return {
    request_id: randomUUID(),
    traceparent: undefined,
    deadline_ms: Date.now() + timeout_ms,
    principal: { id: service, kind: 'service', name: service, scopes },
    class: 'interactive',
    signal: AbortSignal.timeout(timeout_ms),
  };
}
