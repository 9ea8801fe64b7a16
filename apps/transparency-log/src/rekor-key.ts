/** The key that checkpoints are signed with for Rekor, whose log takes ECDSA: made from the secret of the log, and another one than its own. */
import { createECDH, createPrivateKey, hkdfSync, type KeyObject } from 'node:crypto';

export function rekorKeyFrom(secret: string, origin: string): KeyObject {
  const ecdh = createECDH('prime256v1');
  // One seed in 2^32 is not below the order of the curve: the next is taken.
  for (let times = 0; ; times++) {
    const seed = Buffer.from(hkdfSync('sha256', secret, '', `mcp rekor ${times} ${origin}`, 32));
    try {
      ecdh.setPrivateKey(seed);
    } catch (error) {
      if (times < 8) continue;
      throw error;
    }
    const point = ecdh.getPublicKey();
    const text = (bytes: Buffer) => bytes.toString('base64url');
    // Uncompressed: 0x04, then both coordinates.
    const [x, y] = [text(point.subarray(1, 33)), text(point.subarray(33))];
    const key = { kty: 'EC', crv: 'P-256', d: text(seed), x, y };
    return createPrivateKey({ key, format: 'jwk' });
  }
}
