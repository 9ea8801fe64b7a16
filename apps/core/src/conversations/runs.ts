import { type CallContext, PlatformError } from '@mcp/contracts';
import { type CallScope, callScope } from '@mcp/service-kit';

/** The timer of a caller in another process fires a little before ours, and its clock may differ from ours. */
const DEADLINE_SLACK_MS = 250;
/** Conversations of one caller that may run on here without anybody connected. */
const MAX_DETACHED = 32;

interface Running {
  readonly done: Promise<void>;
  readonly owner: string;
  /** Known once the conversation is open. */
  conversation_id: string | undefined;
  detached: boolean;
}

/** What a run is given beside its call. */
export interface RunHandle {
  /** From here on the run can be cancelled by its conversation. */
  name(conversation_id: string): void;
}

/** Conversations at work in this process, so that it can stop them and wait before it goes. */
export class Runs {
  readonly #running = new Map<CallScope, Running>();

  /**
   * Runs work under a signal that fires on cancel, on the deadline and when the process stops; when the caller leaves,
   * it does only unless the work is to be gone on with and there is room for it to. Throws `rate_limited` when too much
   * goes on alone already.
   */
  start(
    call: CallContext,
    on_disconnect: 'cancel' | 'continue',
    work: (call: CallContext, handle: RunHandle) => Promise<void>,
  ): { leave(reason: PlatformError): Promise<void> } {
    const owner = call.principal.id;
    if (on_disconnect === 'continue') this.#assertRoom(owner);
    const scope = callScope(undefined, call.deadline_ms);
    const leave = (reason: unknown) => {
      const running = this.#running.get(scope);
      if (running?.detached === true) return;
      // Begun while there was room: many may lose their connections at once.
      if (on_disconnect === 'cancel' || !this.#hasRoom(owner)) scope.abort(reason);
      else if (running !== undefined) running.detached = true;
    };
    const onAbort = () => leave(departure(call));
    const handle: RunHandle = {
      name: (conversation_id) => {
        const running = this.#running.get(scope);
        if (running !== undefined) running.conversation_id = conversation_id;
      },
    };
    const begun = Promise.withResolvers<void>();
    const done = begun.promise
      .then(() => work({ ...call, signal: scope.signal }, handle))
      .finally(() => {
        scope.dispose();
        call.signal.removeEventListener('abort', onAbort);
        this.#running.delete(scope);
      });
    this.#running.set(scope, { done, owner, conversation_id: undefined, detached: false });
    if (call.signal.aborted) onAbort();
    else call.signal.addEventListener('abort', onAbort, { once: true });
    begun.resolve();
    return {
      async leave(reason) {
        leave(reason);
        if (on_disconnect === 'cancel') await done;
      },
    };
  }

  /** Cancels a conversation that runs here. */
  cancel(conversation_id: string): void {
    for (const [scope, running] of this.#running)
      if (running.conversation_id === conversation_id)
        scope.abort(new PlatformError('cancelled', 'The conversation was cancelled by its owner.'));
  }

  /** Interrupts what still runs; it is stored and can be resumed when this returns. */
  async stop(): Promise<void> {
    const reason = new PlatformError(
      'unavailable',
      'The platform is restarting. Resume the conversation by its conversation_id in a moment.',
      { retry_after_ms: 2000 },
    );
    for (const scope of this.#running.keys()) scope.abort(reason);
    await Promise.allSettled([...this.#running.values()].map(({ done }) => done));
  }

  #hasRoom(owner: string): boolean {
    let detached = 0;
    for (const running of this.#running.values()) if (running.owner === owner && running.detached) detached++;
    return detached < MAX_DETACHED;
  }

  #assertRoom(owner: string): void {
    if (!this.#hasRoom(owner))
      throw new PlatformError(
        'rate_limited',
        `${MAX_DETACHED} conversations of yours go on without a connection already. Wait for one to end, or cancel one.`,
        { retry_after_ms: 5000 },
      );
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
