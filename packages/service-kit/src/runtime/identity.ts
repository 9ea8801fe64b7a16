import { createPrivateKey, createPublicKey, hash, hkdfSync, type KeyObject } from 'node:crypto';
import {
  PlatformError,
  Principal,
  type Scope,
  type ServiceKey,
  type ServiceKeySet,
  type ServiceName,
} from '@mcp/contracts';
import { decodeProtectedHeader, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';

/** How long a token between services is good for, and how long it is used at most: it must still be good on arrival. */
const TOKEN_S = 60;
const USE_MS = (TOKEN_S * 1000) / 2;
/** A job waits at most a week; its owner's grant waits with it. */
const GRANT_S = 8 * 24 * 3600;
const CLOCK_TOLERANCE_S = 10;
/** Tokens remembered, made or checked. Beyond, the oldest are made or checked again. */
const MAX_REMEMBERED = 10_000;
const GRANT_TYPE = 'mcp-grant+jwt';
/** PKCS #8 around the 32 bytes of an Ed25519 key (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** A service's identity: what its manifest says, and the texts its keys are made from, of at least 256 random bits. */
export interface IdentityRow extends Pick<ServiceKey, 'service' | 'calls' | 'speaks_for'> {
  readonly secrets: readonly string[];
}

/** The public side of identities. */
export function keySetOf(rows: readonly IdentityRow[]): ServiceKeySet {
  return {
    keys: rows.flatMap(({ secrets, service, calls, speaks_for }) =>
      secrets.map((secret) => ({ ...publicKeyOf(service, secret), service, calls, speaks_for })),
    ),
  };
}

function publicKeyOf(
  service: ServiceName,
  secret: string,
): Pick<ServiceKey, 'kty' | 'crv' | 'alg' | 'use' | 'kid' | 'x'> {
  const { x = '' } = createPublicKey(privateKeyOf(secret)).export({ format: 'jwk' });
  const kid = `${service}-${hash('sha256', x, 'hex').slice(0, 16)}`;
  return { kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig', kid, x };
}

function privateKeyOf(secret: string): KeyObject {
  const seed = Buffer.from(hkdfSync('sha256', secret, '', 'mcp service identity', 32));
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
}

/** Who calls, and on whose behalf. */
export interface Caller {
  readonly service: ServiceName;
  readonly principal: Principal;
}

/** Signs the calls of one service: a token for each service it calls and principal it speaks for. */
export class TokenSigner {
  readonly #service: ServiceName;
  readonly #key: KeyObject;
  readonly #secret: string;
  readonly kid: string;
  readonly #made = new Remembered<string>();

  constructor(service: ServiceName, secret: string) {
    this.#service = service;
    this.#secret = secret;
    this.#key = privateKeyOf(secret);
    this.kid = publicKeyOf(service, secret).kid;
  }

  /** A key of 32 bytes for another purpose, which all replicas of the service have alike (HKDF, RFC 5869). */
  keyFor(purpose: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#secret, '', `mcp ${purpose}`, 32));
  }

  /** A token for calls to `audience` on behalf of a principal; the same one for half of its life. */
  token(audience: ServiceName, principal: Principal): string | Promise<string> {
    const what = `${audience} ${JSON.stringify(principal)}`;
    return this.#made.get(what) ?? this.#make(what, audience, principal);
  }

  /** What lets `holder` speak for a principal later, when the principal itself is not there. */
  grant(holder: ServiceName, principal: Principal): Promise<string> {
    return this.#sign(
      { principal, act: { sub: holder } },
      { typ: GRANT_TYPE, audience: holder, life_s: GRANT_S },
    );
  }

  async #make(what: string, audience: ServiceName, principal: Principal): Promise<string> {
    const until_ms = Date.now() + USE_MS;
    const token = await this.#sign({ principal }, { typ: 'JWT', audience, life_s: TOKEN_S });
    this.#made.keep(what, token, until_ms);
    return token;
  }

  #sign(
    claims: { readonly principal: Principal; readonly act?: { readonly sub: ServiceName } },
    how: { readonly typ: string; readonly audience: ServiceName; readonly life_s: number },
  ): Promise<string> {
    const now_s = Math.floor(Date.now() / 1000);
    return new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'EdDSA', kid: this.kid, typ: how.typ })
      .setIssuer(this.#service)
      .setAudience(how.audience)
      .setSubject(claims.principal.id)
      .setIssuedAt(now_s)
      .setExpirationTime(now_s + how.life_s)
      .sign(this.#key);
  }
}

/** Checks who calls a service. What it cannot check it refuses: there is no caller without a name. */
export class CallerVerifier {
  readonly #audience: ServiceName;
  readonly #keys: ReadonlyMap<string, { readonly row: ServiceKey; readonly key: KeyObject }>;
  readonly #known = new Remembered<Caller>();

  constructor(audience: ServiceName, { keys }: ServiceKeySet) {
    this.#audience = audience;
    this.#keys = new Map(
      keys.map((row) => {
        const { kty, crv, x } = row;
        return [row.kid, { row, key: createPublicKey({ key: { kty, crv, x }, format: 'jwk' }) }];
      }),
    );
  }

  /** Throws `unauthenticated` for a token that does not hold, `forbidden` for one that may not say what it says. */
  verify(token: string, grant: string | undefined): Caller | Promise<Caller> {
    const what = hash('sha256', grant === undefined ? token : `${token} ${grant}`, 'base64url');
    return this.#known.get(what) ?? this.#check(what, token, grant);
  }

  async #check(what: string, token: string, grant: string | undefined): Promise<Caller> {
    const { row, payload } = await this.#read(token, {
      typ: 'JWT',
      audience: this.#audience,
      life_s: TOKEN_S,
    });
    const { service } = row;
    if (!row.calls.includes(this.#audience))
      throw new PlatformError('forbidden', `${service} has no business with ${this.#audience}.`);
    const principal = principalIn(payload);
    if (row.speaks_for === 'itself' && !(principal.kind === 'service' && principal.id === service))
      throw new PlatformError('forbidden', `${service} speaks for itself only.`);
    if (row.speaks_for === 'granted') await this.#assertGranted(service, principal, grant);
    const caller = { service, principal };
    this.#known.keep(what, caller, (payload.exp ?? 0) * 1000);
    return caller;
  }

  /** That a service which may speak for anyone has let this one speak for the principal. */
  async #assertGranted(holder: ServiceName, principal: Principal, grant: string | undefined): Promise<void> {
    if (grant === undefined)
      throw new PlatformError('forbidden', `${holder} speaks only for those who let it, and shows no grant.`);
    const { row, payload } = await this.#read(grant, { typ: GRANT_TYPE, audience: holder, life_s: GRANT_S });
    const granted = principalIn(payload);
    const holds = z.object({ act: z.object({ sub: z.literal(holder) }) }).safeParse(payload).success;
    if (row.speaks_for !== 'anyone' || !row.calls.includes(holder) || !holds || !covers(granted, principal))
      throw new PlatformError('forbidden', `${holder} shows a grant that does not cover this principal.`);
  }

  async #read(
    token: string,
    how: { readonly typ: string; readonly audience: ServiceName; readonly life_s: number },
  ): Promise<{ row: ServiceKey; payload: JWTPayload }> {
    try {
      const known = this.#keys.get(decodeProtectedHeader(token).kid ?? '');
      if (known === undefined) throw new Error('no key of this kid');
      const { payload } = await jwtVerify(token, known.key, {
        algorithms: ['EdDSA'],
        typ: how.typ,
        issuer: known.row.service,
        audience: how.audience,
        maxTokenAge: how.life_s,
        clockTolerance: CLOCK_TOLERANCE_S,
        requiredClaims: ['exp', 'iat', 'sub'],
      });
      return { row: known.row, payload };
    } catch (cause) {
      throw notOurs(cause);
    }
  }
}

function covers(granted: Principal, principal: Principal): boolean {
  const has = (scope: Scope) => granted.scopes.includes(scope) || granted.scopes.includes('admin');
  return granted.id === principal.id && granted.kind === principal.kind && principal.scopes.every(has);
}

function principalIn(payload: JWTPayload): Principal {
  const parsed = Principal.safeParse(payload.principal);
  if (!parsed.success || parsed.data.id !== payload.sub) throw notOurs(parsed.error);
  return parsed.data;
}

function notOurs(cause: unknown): PlatformError {
  return new PlatformError(
    'unauthenticated',
    'This service answers to other services only, by a token made for it within the last minute. Call the gateway instead.',
    { cause },
  );
}

/** A bounded memory of values that are good until a time. */
class Remembered<T> {
  readonly #held = new Map<string, { readonly value: T; readonly until_ms: number }>();

  get(what: string): T | undefined {
    const held = this.#held.get(what);
    if (held === undefined) return undefined;
    if (held.until_ms > Date.now()) return held.value;
    this.#held.delete(what);
    return undefined;
  }

  keep(what: string, value: T, until_ms: number): void {
    const oldest = this.#held.keys().next().value;
    if (this.#held.size >= MAX_REMEMBERED && oldest !== undefined) this.#held.delete(oldest);
    this.#held.set(what, { value, until_ms });
  }
}
