import { z } from 'zod';
import type { Residency } from '../tables/region.ts';

/** How many of a list, in decimal digits: `1e2` and ` 5` are none. */
export const PageLimit = z
  .string()
  .regex(/^(?:[1-9]\d?|1\d\d|200)$/, 'must be a whole number from 1 to 200')
  .transform(Number)
  .default(50);

/** Queue class of an inference: `interactive` goes before `batch` (blueprint: latency-sensitive vs batchable). */
export const QueueClass = z.enum(['interactive', 'batch']);
export type QueueClass = z.infer<typeof QueueClass>;

/** What becomes of a stream that breaks off in its middle: another model goes on, or it ends with the error. */
export const OnInterrupt = z.enum(['resume', 'fail']);
export type OnInterrupt = z.infer<typeof OnInterrupt>;

/** What a key or token allows; `trace`: its requests may be part of its own trace. `admin` includes all others. */
export const Scope = z.enum(['chat', 'jobs', 'trace', 'admin']);
export type Scope = z.infer<typeof Scope>;

/** Who is calling, as established by the gateway. `id` never contains the key itself. */
export const Principal = z.object({
  id: z.string().min(1).max(128),
  kind: z.enum(['key', 'jwt', 'service']),
  name: z.string().max(128),
  scopes: z.array(Scope),
  /** Epoch seconds at which its key or token ends; absent where it does not. */
  expires_at: z.number().optional(),
});
export type Principal = z.infer<typeof Principal>;

/** Second and further attempts that one request may still cost, shared by all layers it passes through. */
export interface RetryBudget {
  readonly left: number;
  /** Takes one; false when none is left. */
  take(): boolean;
  /** Another process says how many it left over. */
  settle(left: number): void;
}

/**
 * What travels beside every call between services, in process or over HTTP:
 * the trace (W3C `traceparent`), the deadline, the caller and the way to stop.
 * Over HTTP: headers `traceparent`, `x-mcp-deadline` (epoch ms), `x-request-id`, `x-mcp-class`, `x-mcp-grant`,
 * `x-mcp-place`, `x-mcp-residency`, `x-mcp-careful`, `x-mcp-on-interrupt`, `x-mcp-hops`, `x-mcp-retries` (and in the
 * answer `x-mcp-retries-left`); the principal is a claim of the token that the calling
 * service signs; aborting closes the connection.
 */
export interface CallContext {
  readonly request_id: string;
  readonly traceparent: string | undefined;
  /** Epoch milliseconds after which nobody waits for the answer any more. */
  readonly deadline_ms: number;
  readonly principal: Principal;
  /** What lets a service that works later speak for the principal; see `service-kit/src/identity.ts`. */
  readonly grant?: string | undefined;
  readonly class: QueueClass;
  readonly signal: AbortSignal;
  /** Absent: whoever first has to try again begins one. */
  readonly retries?: RetryBudget | undefined;
  /** Id of a {@link Place} that was taken before. */
  readonly place?: string | undefined;
  /** Where its text may be processed; absent: the caller did not say. */
  readonly residency?: Residency | undefined;
  /** Its risk calls for care: no cheaper model stands in for the one that an alias would ask of it. */
  readonly careful?: boolean | undefined;
  /** What becomes of a stream that breaks off; absent: as the alias says. */
  readonly on_interrupt?: OnInterrupt | undefined;
  /** Gateways that it passed before this one; absent: none. */
  readonly hops?: number | undefined;
}
