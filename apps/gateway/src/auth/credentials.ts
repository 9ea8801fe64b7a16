import { PlatformError } from '@mcp/contracts';

/** Longest credential that is looked at: room for a JWT with many claims. */
const MAX_CREDENTIAL_CHARS = 8192;
const KEY_HEADERS = ['x-api-key', 'api-key', 'x-goog-api-key'] as const;
const SUBPROTOCOL_PREFIX = 'mcp-key.';

type ReadHeader = (name: string) => string | undefined;

const WAY_OUT = 'Send your key as "Authorization: Bearer mcp_…" or in the header x-api-key.';

/** The credential of a request, wherever one of the usual clients puts it. Throws `unauthenticated`. */
export function credentialOf(header: ReadHeader): string {
  const authorization = header('authorization');
  if (authorization !== undefined) return bounded(bearer(authorization));
  for (const name of KEY_HEADERS) {
    const value = header(name);
    if (value !== undefined) return bounded(value.trim());
  }
  throw new PlatformError('unauthenticated', `No credential was given. ${WAY_OUT}`);
}

/**
 * The credential of a WebSocket handshake: a header, or for browsers, which cannot set one, the subprotocol
 * `mcp-key.<key>` offered beside `mcp`.
 */
export function socketCredentialOf(header: ReadHeader): string {
  const offered = (header('sec-websocket-protocol') ?? '').split(',').map((part) => part.trim());
  const carrier = offered.find((part) => part.startsWith(SUBPROTOCOL_PREFIX));
  return carrier === undefined ? credentialOf(header) : bounded(carrier.slice(SUBPROTOCOL_PREFIX.length));
}

function bearer(authorization: string): string {
  const [scheme, ...rest] = authorization.trim().split(/\s+/);
  if (scheme?.toLowerCase() !== 'bearer' || rest.length !== 1)
    throw new PlatformError('unauthenticated', `The Authorization header is not "Bearer <key>". ${WAY_OUT}`);
  return rest[0] ?? '';
}

function bounded(credential: string): string {
  if (credential === '') throw new PlatformError('unauthenticated', `The credential is empty. ${WAY_OUT}`);
  if (credential.length > MAX_CREDENTIAL_CHARS)
    throw new PlatformError(
      'unauthenticated',
      `The credential is longer than ${MAX_CREDENTIAL_CHARS} characters. ${WAY_OUT}`,
    );
  return credential;
}
