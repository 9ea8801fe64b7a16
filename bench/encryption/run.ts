/** What encryption at rest costs one record, beside storing it. */
import { randomBytes, randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { decryptText, encryptText, type TextPlace } from '@mcp/kms';

const ROUNDS = 20_000;
const key = { id: randomUUID(), bytes: randomBytes(32) };
const conversation_id = randomUUID();

const results = [500, 2000, 20_000].map((bytes) => {
  const text = randomBytes(bytes / 2).toString('hex');
  const place: TextPlace = { conversation_id, purpose: 'record', position: 1 };
  const stored = encryptText(key, place, text);
  const timed = (work: () => void) => {
    for (let i = 0; i < ROUNDS / 10; i++) work();
    const began = performance.now();
    for (let i = 0; i < ROUNDS; i++) work();
    return Number((((performance.now() - began) * 1000) / ROUNDS).toFixed(1));
  };
  return {
    bytes,
    stored_bytes: stored.length,
    encrypt_us: timed(() => void encryptText(key, place, text)),
    decrypt_us: timed(() => void decryptText(key, place, stored)),
  };
});

writeFileSync(
  new URL('result.json', import.meta.url),
  `${JSON.stringify({ rounds: ROUNDS, results }, null, 2)}\n`,
);
process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
