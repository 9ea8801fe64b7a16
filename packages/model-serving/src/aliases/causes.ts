/** What a failed attempt says about who may be asked next. */
import type { FallbackCause, PlatformError } from '@mcp/contracts';
import { CircuitOpenError } from '../route.ts';

/** Undefined: asking anybody else would not help, or must not be done. */
export function causeOf(error: PlatformError): FallbackCause | undefined {
  switch (error.code) {
    case 'context_length_exceeded':
    case 'payload_too_large':
      return 'context';
    case 'content_filter':
      return 'content';
    case 'overloaded':
    case 'rate_limited':
      return 'rate';
    case 'unavailable':
      if (error instanceof CircuitOpenError || error.param !== undefined) return 'error';
      return error.retry_after_ms === undefined ? 'error' : 'rate';
    // Where one server refuses our key another may take its own.
    case 'upstream_failed':
      return 'error';
    default:
      return error.retryable ? 'error' : undefined;
  }
}
