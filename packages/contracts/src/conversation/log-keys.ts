/** The keys that conversation logs are signed with, as they are published, and the signatures made with them. */
import { z } from 'zod';

/** SHA-256 (hex) of the key's SubjectPublicKeyInfo, as RFC 6962 names a log by its key. */
const KeyId = z.string().regex(/^[0-9a-f]{64}$/, 'must be the SHA-256 of a public key in hex');
/** Ed25519, in base64. */
const SignatureValue = z.base64().length(88);
/** In UTC with milliseconds, as JavaScript writes it: texts of one length sort as times do. */
const Instant = z.iso.datetime({ precision: 3 });

/** A year of daily rotations and more; monthly ones last a century. */
export const MAX_KEY_TERMS = 1200;
const MAX_REVOCATIONS = 200;

/** The signature of a log's head. What is signed: docs/prov-secret-rotation.md. */
export const LogSignature = z.strictObject({ key_id: KeyId, signed_at: Instant, value: SignatureValue });
export type LogSignature = z.infer<typeof LogSignature>;

/** A time in which one key signs. A key that was rolled back to has a second one. */
export const KeyTerm = z.strictObject({
  key_id: KeyId,
  algorithm: z.literal('ed25519'),
  /** SubjectPublicKeyInfo (DER) in base64. */
  public_key: z.base64().max(100),
  created_at: Instant,
  /** Since when it signs; null while it is the next one. */
  active_from: Instant.nullable(),
  /** Until when its signatures count; null while no other has followed it. */
  not_after: Instant.nullable(),
  /** The key before; null of the first one. */
  previous: KeyId.nullable(),
  /** By the key itself, which shows that whoever published it has it. */
  signature: SignatureValue,
  /** By the key before; of the first one, by itself. */
  signature_by_previous: SignatureValue,
});
export type KeyTerm = z.infer<typeof KeyTerm>;

/** Says that signatures of a key do not count from a time on, because others may have had it. */
export const KeyRevocation = z.strictObject({
  key_id: KeyId,
  revoked_at: Instant,
  /** Signatures dated then or later do not count. */
  revoked_from: Instant,
  reason: z.string().min(1).max(500),
  /** The key that was active then, and its signature. */
  signed_by: KeyId,
  signature: SignatureValue,
});
export type KeyRevocation = z.infer<typeof KeyRevocation>;

/** All keys of an environment in their order, each signed by the one before. Anybody can verify it. */
export const KeyHistory = z.strictObject({
  keys: z.array(KeyTerm).min(1).max(MAX_KEY_TERMS),
  revocations: z.array(KeyRevocation).max(MAX_REVOCATIONS),
});
export type KeyHistory = z.infer<typeof KeyHistory>;

/** The key history as it is served, with what can be read off it. */
export const PublishedKeys = z.object({
  history: KeyHistory,
  active_key_id: KeyId,
  /** SHA-256 (hex) of the history in canonical JSON (RFC 8785). */
  checksum: z.string(),
});
export type PublishedKeys = z.infer<typeof PublishedKeys>;

/** Which keys: those that conversations are signed with, or those of the transparency log. */
const keys = z.enum(['conversations', 'transparency_log']).optional();

/** What to do with the keys. `rotate_if_older_than_days`: as the schedule asks. */
export const KeyChange = z.discriminatedUnion('change', [
  z.strictObject({
    change: z.literal('rotate'),
    keys,
    dry_run: z.boolean().default(false),
    rotate_if_older_than_days: z.number().min(0).max(3650).optional(),
  }),
  z.strictObject({ change: z.literal('roll_back'), keys, dry_run: z.boolean().default(false) }),
  z.strictObject({
    change: z.literal('revoke'),
    keys,
    key_id: KeyId,
    revoked_from: Instant.optional(),
    reason: KeyRevocation.shape.reason,
    dry_run: z.boolean().default(false),
  }),
]);
export type KeyChange = z.infer<typeof KeyChange>;

/** What was done with the keys, or would be, step by step. */
export const KeyChanged = z.object({
  dry_run: z.boolean(),
  steps: z.array(
    z.object({
      step: z.enum(['generate', 'publish', 'replace', 'verify', 'retire', 'withdraw', 'roll_back', 'revoke']),
      detail: z.string(),
    }),
  ),
  before: PublishedKeys.omit({ history: true }),
  after: PublishedKeys.omit({ history: true }),
});
export type KeyChanged = z.infer<typeof KeyChanged>;
