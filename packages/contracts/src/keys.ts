import { z } from 'zod';
import { Scope } from './call.ts';

/** An API key at rest: only its SHA-256. The key itself is shown once, when it is made. */
export const ApiKeyRecord = z.object({
  id: z.uuid(),
  name: z.string().min(1).max(128),
  /** SHA-256 of the key, hex. Keys carry 256 random bits, so a plain hash resists guessing. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** First characters, to recognise a key in a list. */
  prefix: z.string().max(16),
  scopes: z.array(Scope).min(1),
  created_at: z.iso.datetime(),
  expires_at: z.iso.datetime().nullable(),
  revoked_at: z.iso.datetime().nullable(),
});
export type ApiKeyRecord = z.infer<typeof ApiKeyRecord>;

/** What `/admin/keys` lists: the record without its hash. */
export const ApiKeyView = ApiKeyRecord.omit({ hash: true });
export type ApiKeyView = z.infer<typeof ApiKeyView>;

/** `POST /admin/keys`. */
export const CreateKeyRequest = z.strictObject({
  name: z.string().min(1).max(128),
  scopes: z.array(Scope).min(1).max(3).default(['chat', 'jobs']),
  expires_at: z.iso.datetime().nullish(),
});
export type CreateKeyRequest = z.infer<typeof CreateKeyRequest>;
