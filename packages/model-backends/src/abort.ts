import { PlatformError } from '@mcp/contracts';

/** What a backend throws when its signal has fired: the reason given with it, else `cancelled`. */
export function abortError(signal: AbortSignal, cause?: unknown): PlatformError {
  if (signal.reason instanceof PlatformError) return signal.reason;
  return new PlatformError('cancelled', 'The caller left before the answer was complete.', {
    cause: cause ?? signal.reason,
  });
}
