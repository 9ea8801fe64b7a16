import { type CallContext, PlatformError } from '@mcp/contracts';
import { type CallScope, callScope } from '@mcp/service-kit';

/** Conversations at work in this process, so that it can stop them and wait before it goes. */
export class Runs {
  readonly #running = new Map<CallScope, Promise<void>>();

  /** Runs work under a signal that fires on cancel, on the deadline and when the process stops. */
  start(
    call: CallContext,
    work: (call: CallContext) => Promise<void>,
  ): { scope: CallScope; done: Promise<void> } {
    const scope = callScope(call.signal, call.deadline_ms);
    const done = work({ ...call, signal: scope.signal }).finally(() => {
      scope.dispose();
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
