import { createPublicKey, sign, verify } from 'node:crypto';
import { expect, it } from 'vitest';
import { rekorKeyFrom } from '../src/rekor-key.ts';

it('the key for Rekor is one of P-256, the same for a secret and a log, and another for others', () => {
  const key = rekorKeyFrom('a secret', 'example.com/eu');
  expect(key.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
  const text = Buffer.from('checkpoint');
  const again = createPublicKey(rekorKeyFrom('a secret', 'example.com/eu'));
  expect(verify('sha256', text, again, sign('sha256', text, key))).toBe(true);
  for (const other of [rekorKeyFrom('a secret', 'example.com/us'), rekorKeyFrom('another', 'example.com/eu')])
    expect(verify('sha256', text, again, sign('sha256', text, other))).toBe(false);
});
