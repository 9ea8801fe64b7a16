/** What a key management service does for the platform, whichever it is. */
import { PlatformError } from '@mcp/contracts';

/** A data key as it may be stored, and the version of the key that it is wrapped under. */
export interface Wrapped {
  readonly text: string;
  readonly key_version: string;
}

/** Every call is bounded in time. Throws `unavailable`, retryable where trying again can help. */
export interface Kms {
  /** The version that wraps now. What is wrapped under another one can be wrapped again. */
  currentVersion(): Promise<string>;
  wrap(plaintext: Buffer): Promise<Wrapped>;
  unwrap(text: string): Promise<Buffer>;
  /** Wraps under the current version what is wrapped under an older one. */
  rewrap(text: string): Promise<Wrapped>;
  close(): void;
}

/** A service that takes longer has failed. */
export const KMS_TIMEOUT_MS = 3000;

/** It cannot be reached, or is out of order: trying again can help. */
export function kmsAway(name: string, cause: unknown): PlatformError {
  return new PlatformError(
    'unavailable',
    `The key management service (${name}) does not answer, so that what is said cannot be encrypted or read just now. Nothing is stored in the clear; try again.`,
    { cause, retry_after_ms: 2000 },
  );
}

/** It answers and says no: a wrong key, a permission, a text that it has not wrapped. */
export function kmsRefuses(name: string, reason: string, cause?: unknown): PlatformError {
  return new PlatformError(
    'unavailable',
    `The key management service (${name}) refuses: ${reason.slice(0, 200)}. An administrator has to give the platform its key again (docs/encryption.md).`,
    { cause, retryable: false },
  );
}
