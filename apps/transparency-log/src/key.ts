/** The Ed25519 key of a log, from a secret text. */
import { createPrivateKey, hkdfSync } from 'node:crypto';
import { type Signer, signerOf } from '@mcp/provenance/tlog';

/** PKCS #8 around the 32 bytes of an Ed25519 key (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

export function signerFrom(secret: string, name: string): Signer {
  const seed = Buffer.from(hkdfSync('sha256', secret, '', 'mcp transparency log', 32));
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
  return signerOf(key, { name, algorithm: 'ed25519' });
}
