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
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString('base64url'));
    const key = { kty: 'EC', crv: 'P-256', d: seed.toString('base64url'), x, y };
    return createPrivateKey({ key, format: 'jwk' });
  }
}
