/** The Ed25519 keys of a log and of a witness, from a secret text. */
import { createPrivateKey, hkdfSync, type KeyObject } from 'node:crypto';
import { type Signer, signerOf } from '@mcp/provenance/tlog';

/** PKCS #8 around the 32 bytes of an Ed25519 key (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

export function signerFrom(secret: string, name: string): Signer {
  return signerOf(keyFrom(secret, 'mcp transparency log'), { name, algorithm: 'ed25519' });
}

/** The key that this service cosigns other logs with: another one than its log's, as a cosignature says something else. */
export function witnessFrom(secret: string, origin: string): Signer {
  const name = `${origin}/witness`;
  return signerOf(keyFrom(secret, `mcp witness ${name}`), { name, algorithm: 'cosignature' });
}

function keyFrom(secret: string, purpose: string): KeyObject {
  const seed = Buffer.from(hkdfSync('sha256', secret, '', purpose, 32));
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
}
