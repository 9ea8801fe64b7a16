import { type BackendCallOptions, PlatformError } from '@mcp/contracts';

/** What a backend throws when its signal has fired: the reason given with it, else `cancelled`. */
export function abortError(signal: AbortSignal, cause?: unknown): PlatformError {
  if (signal.reason instanceof PlatformError) return signal.reason;
  return new PlatformError('cancelled', 'The caller left before the answer was complete.', {
    cause: cause ?? signal.reason,
  });
}

/** Waits for work that others share: who leaves does not stop it. Throws the signal's reason. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) throw abortError(signal);
  const left = Promise.withResolvers<never>();
  const onAbort = () => left.reject(abortError(signal));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, left.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Lets a backend end all its calls, with `unavailable`, when it is closed. */
export class Closing {
  readonly #stop = new AbortController();

  /** The options with a signal that fires on either: the caller's or the backend's end. */
  guard(options: BackendCallOptions): BackendCallOptions {
    return { ...options, signal: AbortSignal.any([options.signal, this.#stop.signal]) };
  }

  close(backend: string): void {
    this.#stop.abort(new PlatformError('unavailable', `The backend ${backend} is being shut down.`));
  }
}
