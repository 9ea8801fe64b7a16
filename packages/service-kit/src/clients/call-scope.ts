import { PlatformError } from '@mcp/contracts';

/** A signal that fires when the caller leaves or the deadline passes. Dispose of it when the call is over. */
export interface CallScope {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
  dispose(): void;
}

/** Joins a caller's signal and a deadline (epoch ms) without leaking listeners. */
export function callScope(parent: AbortSignal | undefined, deadline_ms: number): CallScope {
  const controller = new AbortController();
  const onAbort = () => controller.abort(parent?.reason);
  if (parent?.aborted) onAbort();
  else parent?.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(
    () =>
      controller.abort(
        new PlatformError(
          'deadline_exceeded',
          'The deadline of the request passed before the answer was complete. Ask for less or allow more time.',
        ),
      ),
    Math.max(0, Math.min(deadline_ms - Date.now(), 2_147_483_647)),
  );
  timer.unref();
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    dispose() {
      clearTimeout(timer);
      parent?.removeEventListener('abort', onAbort);
    },
  };
}
