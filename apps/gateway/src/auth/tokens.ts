import { hash } from 'node:crypto';
import { PlatformError, type Principal, Scope } from '@mcp/contracts';
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { z } from 'zod';
import { SecureUrl } from './secure-url.ts';

/** Signatures by a private key only: with HS256 whoever can verify could also sign. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
const CLOCK_TOLERANCE_S = 30;
const FETCH_TIMEOUT_MS = 5000;
const MAX_SUBJECT_CHARS = 100;

const Discovery = z.object({ issuer: z.string(), jwks_uri: SecureUrl });
const Claims = z.object({
  sub: z.string().min(1),
  exp: z.number(),
  name: z.string().optional(),
  scope: z.string().optional(),
  scp: z.union([z.string(), z.array(z.string())]).optional(),
});

export interface TokenOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly jwks_url: string | undefined;
  /** What stands before a scope of ours in a token, so that another system's `admin` is none here. */
  readonly scope_prefix: string;
}

/** Checks JSON Web Tokens of one issuer (RFC 7519, OpenID Connect Core). */
export class TokenVerifier {
  readonly #options: TokenOptions;
  #keys: Promise<JWTVerifyGetKey> | undefined;

  constructor(options: TokenOptions) {
    this.#options = options;
  }

  /** Throws `unauthenticated` for a token that does not hold, `unavailable` when the issuer's keys cannot be had. */
  async verify(token: string): Promise<Principal> {
    const keys = await this.#keySet();
    let payload: JWTPayload;
    try {
      ({ payload } = await jwtVerify(token, keys, {
        issuer: this.#options.issuer,
        audience: this.#options.audience,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE_S,
        requiredClaims: ['exp', 'sub'],
      }));
    } catch (cause) {
      throw translate(cause);
    }
    return principalOf(payload, this.#options.scope_prefix);
  }

  #keySet(): Promise<JWTVerifyGetKey> {
    this.#keys ??= this.#open().catch((cause: unknown) => {
      this.#keys = undefined;
      throw providerAway(cause);
    });
    return this.#keys;
  }

  async #open(): Promise<JWTVerifyGetKey> {
    const url = this.#options.jwks_url ?? (await discover(this.#options.issuer));
    return createRemoteJWKSet(new URL(url), { timeoutDuration: FETCH_TIMEOUT_MS });
  }
}

/** OpenID Connect Discovery 1.0, section 4. */
async function discover(issuer: string): Promise<string> {
  const response = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {
    signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
    // Whoever answers in its place is not the issuer.
    redirect: 'error',
  });
  if (!response.ok) throw new Error(`discovery answered with status ${response.status}`);
  const found = Discovery.parse(await response.json());
  // Section 4.3: it must be the very same.
  if (found.issuer !== issuer)
    throw new Error(`discovery at ${issuer} is that of another issuer: ${found.issuer.slice(0, 200)}`);
  return found.jwks_uri;
}

function principalOf(payload: JWTPayload, prefix: string): Principal {
  const claims = Claims.safeParse(payload).data;
  if (claims === undefined)
    throw new PlatformError(
      'unauthenticated',
      'The token has no subject (claim sub). Ask its issuer for one.',
    );
  const given = [claims.scope ?? '', ...[claims.scp ?? []].flat()].flatMap((part) => part.split(' '));
  const scopes = Scope.options.filter((scope) => given.includes(`${prefix}${scope}`));
  const subject = claims.sub.length > MAX_SUBJECT_CHARS ? hash('sha256', claims.sub, 'hex') : claims.sub;
  return {
    id: `jwt:${subject}`,
    kind: 'jwt',
    name: (claims.name ?? claims.sub).slice(0, 128).toWellFormed(),
    scopes,
    expires_at: claims.exp,
  };
}

function translate(cause: unknown): PlatformError {
  if (cause instanceof errors.JWTExpired)
    return new PlatformError('unauthenticated', 'The token has expired. Get a new one from its issuer.', {
      cause,
    });
  if (cause instanceof errors.JWTClaimValidationFailed)
    return new PlatformError(
      'unauthenticated',
      `The token's claim ${cause.claim} does not fit this platform.`,
      {
        cause,
      },
    );
  if (cause instanceof errors.JWKSTimeout || !(cause instanceof errors.JOSEError)) return providerAway(cause);
  if (cause.code === 'ERR_JOSE_GENERIC') return providerAway(cause);
  return new PlatformError('unauthenticated', 'The token is not valid here: wrong form, key or signature.', {
    cause,
  });
}

function providerAway(cause: unknown): PlatformError {
  return new PlatformError(
    'unavailable',
    'Tokens cannot be checked just now: the identity provider does not answer. Try again, or use an API key.',
    { cause, retry_after_ms: 2000 },
  );
}
