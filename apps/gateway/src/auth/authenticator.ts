import { hash, timingSafeEqual } from 'node:crypto';
import { PlatformError, type Principal, type Scope } from '@mcp/contracts';
import type { KeyStore } from './keys.ts';
import type { TokenVerifier } from './tokens.ts';

const JWT = /^[\w-]+\.[\w-]+\.[\w-]*$/;
const KEY_ID = 'key:';

const BOOTSTRAP: Principal = { id: 'key:bootstrap', kind: 'key', name: 'bootstrap admin', scopes: ['admin'] };

export interface AuthenticatorOptions {
  readonly keys: KeyStore;
  readonly tokens: TokenVerifier | undefined;
  /** SHA-256 (hex) of the bootstrap admin key. */
  readonly admin_key_hash: string | undefined;
}

/** Says who is calling, from what they present. */
export class Authenticator {
  readonly #keys: KeyStore;
  readonly #tokens: TokenVerifier | undefined;
  readonly #admin: Buffer | undefined;

  constructor(options: AuthenticatorOptions) {
    this.#keys = options.keys;
    this.#tokens = options.tokens;
    this.#admin =
      options.admin_key_hash === undefined ? undefined : Buffer.from(options.admin_key_hash, 'hex');
  }

  /** Throws `unauthenticated`, or `unavailable` while it cannot be known. */
  authenticate(credential: string): Principal | Promise<Principal> {
    // Keys are looked up by the hash of what was presented, so timing tells nothing about those that exist.
    const presented = hash('sha256', credential, 'hex');
    const record = this.#keys.find(presented);
    if (record !== undefined)
      return { id: `${KEY_ID}${record.id}`, kind: 'key', name: record.name, scopes: record.scopes };
    if (this.#admin !== undefined && timingSafeEqual(Buffer.from(presented, 'hex'), this.#admin))
      return BOOTSTRAP;
    if (this.#tokens !== undefined && JWT.test(credential)) return this.#tokens.verify(credential);
    if (!this.#keys.loaded)
      throw new PlatformError(
        'unavailable',
        'Keys cannot be checked yet: the gateway has not reached the event bus since it started. Try again.',
        { retry_after_ms: 2000 },
      );
    throw new PlatformError(
      'unauthenticated',
      'This key is not known here. Check that it is complete, or ask an administrator for a new one.',
    );
  }

  /** For connections that outlive one request: throws `unauthenticated` once the key was revoked or has expired. */
  assertStillValid(principal: Principal): void {
    if (principal.kind === 'key' && principal.id !== BOOTSTRAP.id)
      this.#keys.assertUsable(principal.id.slice(KEY_ID.length));
  }
}

/** Throws `forbidden` unless the caller has the scope; `admin` includes all. */
export function requireScope(principal: Principal, scope: Scope): void {
  if (principal.scopes.includes(scope) || principal.scopes.includes('admin')) return;
  throw new PlatformError(
    'forbidden',
    `This needs the scope ${scope}; yours are: ${principal.scopes.join(', ') || 'none'}. Ask an administrator for a key that has it.`,
  );
}
