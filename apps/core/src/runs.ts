import { type CallContext, PlatformError } from '@mcp/contracts';
import { type CallScope, callScope } from '@mcp/service-kit';

/** The timer of a caller in another process fires a little before ours, and its clock may differ from ours. */
const DEADLINE_SLACK_MS = 250;

/** Conversations at work in this process, so that it can stop them and wait before it goes. */
export class Runs {
  readonly #running = new Map<CallScope, Promise<void>>();

  /** Runs work under a signal that fires on cancel, on the deadline and when the process stops. */
  start(
    call: CallContext,
    work: (call: CallContext) => Promise<void>,
  ): { scope: CallScope; done: Promise<void> } {
    const scope = callScope(undefined, call.deadline_ms);
    const onAbort = () => scope.abort(departure(call));
    if (call.signal.aborted) onAbort();
    else call.signal.addEventListener('abort', onAbort, { once: true });
    const done = work({ ...call, signal: scope.signal }).finally(() => {
      scope.dispose();
      call.signal.removeEventListener('abort', onAbort);
      this.#running.delete(scope);
    });
    this.#running.set(scope, done);
    return { scope, done };
  }

  /** Interrupts what still runs; it is stored and can be resumed when this returns. */
  async stop(): Promise<void> {
    const reason = new PlatformError(
      'unavailable',
      'The platform is restarting. Resume the conversation by its conversation_id in a moment.',
      { retry_after_ms: 2000 },
    );
    for (const scope of this.#running.keys()) scope.abort(reason);
    await Promise.allSettled(this.#running.values());
  }
}

/**
 * Why the caller is gone. Over HTTP its reason is lost: the connection closes whether its client cancelled or its
 * deadline has passed, and the deadline tells which it was.
 */
function departure({ signal, deadline_ms }: CallContext): unknown {
  const reason: unknown = signal.reason;
  const told = reason instanceof PlatformError && reason.code !== 'cancelled';
  if (told || Date.now() < deadline_ms - DEADLINE_SLACK_MS) return reason;
  return new PlatformError(
    'deadline_exceeded',
    'The deadline of the conversation passed before it was over. Resume it by its conversation_id, ask for less or allow more time.',
    { cause: reason },
  );
}
