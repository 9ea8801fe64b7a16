/** What a stack says about encryption at rest (docs/encryption.md). */
import { KmsSettings } from '@mcp/kms/manifest';
import { z } from 'zod';

export const Encryption = z.strictObject({
  /** What wraps data keys; undefined: a key of the platform's own secrets. */
  kms: KmsSettings.optional(),
  /** What happens to a conversation while that does not answer; undefined: it waits. */
  on_unavailable: z.enum(['wait', 'fail']).optional(),
});

/** Whether the key management service is outside the platform. */
export function isElsewhere({ kms }: z.infer<typeof Encryption>): boolean {
  return kms !== undefined && kms.kind !== 'local';
}
