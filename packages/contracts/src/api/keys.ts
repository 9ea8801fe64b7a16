import { z } from 'zod';
import { Principal, Scope } from './call.ts';

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
  scopes: z.array(Scope).min(1).max(Scope.options.length).default(['chat', 'jobs']),
  expires_at: z.iso.datetime().nullish(),
});
export type CreateKeyRequest = z.infer<typeof CreateKeyRequest>;

/**
 * Where the gateway is asked, on the event bus, which rights a principal has by now: a request with the principal, an
 * answer with what is left of it or why nothing is.
 */
export const RIGHTS_SUBJECT = 'mcp.rights';
export const RightsAnswer = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), principal: Principal }),
  z.object({ ok: z.literal(false), message: z.string() }),
]);
export type RightsAnswer = z.infer<typeof RightsAnswer>;
