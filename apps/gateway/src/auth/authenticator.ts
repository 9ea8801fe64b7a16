import { hash, timingSafeEqual } from 'node:crypto';
import { PlatformError, type Principal, type Scope } from '@mcp/contracts';
import type { KeyStore } from './keys.ts';
import type { TokenVerifier } from './tokens.ts';

const JWT = /^[\w-]+\.[\w-]+\.[\w-]*$/;
const KEY_ID = 'key:';
/** The longest time a timer of node can wait. */
const MAX_TIMER_MS = 2_147_483_647;

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
      return {
        id: `${KEY_ID}${record.id}`,
        kind: 'key',
        name: record.name,
        scopes: record.scopes,
        ...(record.expires_at === null ? {} : { expires_at: Date.parse(record.expires_at) / 1000 }),
      };
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

  /**
   * For connections that outlive one request: calls back once when the key is revoked, or the key or token expires, with
   * what to tell. Returns how to stop.
   */
  watch(principal: Principal, onEnd: (error: PlatformError) => void): () => void {
    let timer: NodeJS.Timeout | undefined;
    let stopKeys = () => {};
    const stop = () => {
      clearTimeout(timer);
      stopKeys();
    };
    const look = () => {
      const ended = this.#endOf(principal);
      if (ended === undefined) return;
      stop();
      onEnd(ended);
    };
    if (principal.kind === 'key' && principal.id !== BOOTSTRAP.id)
      stopKeys = this.#keys.onChange(principal.id.slice(KEY_ID.length), look);
    const wait = () => {
      if (principal.expires_at === undefined) return;
      const left_ms = principal.expires_at * 1000 - Date.now();
      timer = setTimeout(
        left_ms <= MAX_TIMER_MS ? look : wait,
        Math.min(Math.max(0, left_ms) + 1, MAX_TIMER_MS),
      );
      timer.unref();
    };
    wait();
    return stop;
  }

  /** What is left of a principal's rights by now. Throws `unauthenticated` when its key or token has ended. */
  rightsNow(principal: Principal): Principal {
    const ended = this.#endOf(principal);
    if (ended !== undefined) throw ended;
    if (principal.kind !== 'key' || principal.id === BOOTSTRAP.id) return principal;
    const scopes = this.#keys.scopesOf(principal.id.slice(KEY_ID.length));
    const kept = principal.scopes.filter((scope) => scopes.includes(scope) || scopes.includes('admin'));
    return { ...principal, scopes: kept };
  }

  /** Why this principal's key or token is not good any more, or undefined. */
  #endOf({ kind, id, expires_at }: Principal): PlatformError | undefined {
    if (expires_at !== undefined && expires_at * 1000 <= Date.now())
      return new PlatformError(
        'unauthenticated',
        `The ${kind === 'jwt' ? 'token' : 'key'} of this connection has expired. Connect again with a new one.`,
      );
    if (kind !== 'key' || id === BOOTSTRAP.id) return undefined;
    try {
      this.#keys.assertUsable(id.slice(KEY_ID.length));
      return undefined;
    } catch (error) {
      if (error instanceof PlatformError) return error;
      throw error;
    }
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
