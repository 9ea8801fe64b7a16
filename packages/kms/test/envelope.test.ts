import { randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DataKey, decryptText, encryptText, isEncrypted, type TextPlace } from '../src/index.ts';

const keyOf = (): DataKey => ({ id: randomUUID(), bytes: randomBytes(32) });

const places: fc.Arbitrary<TextPlace> = fc.record({
  conversation_id: fc.uuid(),
  purpose: fc.constantFrom('record', 'title', 'settings', 'input', 'output', 'body', 'comment', 'events'),
  position: fc.oneof(fc.nat(1000), fc.uuid()),
});

describe('a text under a data key', () => {
  it('is read where it was written, and says nothing of itself', () => {
    const key = keyOf();
    fc.assert(
      fc.property(places, fc.string({ unit: 'grapheme', maxLength: 2000 }), (place, text) => {
        const encrypted = encryptText(key, place, text);
        expect(isEncrypted(encrypted)).toBe(true);
        expect(encrypted).toMatch(/^mcp1\.[0-9a-f-]{36}\.[\w-]+$/);
        expect(decryptText(key, place, encrypted)).toBe(Buffer.from(text).toString());
        // A nonce is never used twice.
        expect(encryptText(key, place, text)).not.toBe(encrypted);
      }),
      { numRuns: 50 },
    );
  });

  it('is found to be changed whichever byte it is', () => {
    const key = keyOf();
    const place: TextPlace = { conversation_id: randomUUID(), purpose: 'record', position: 3 };
    const encrypted = encryptText(key, place, 'Call me on 0170 1234567.');
    for (let at = 0; at < encrypted.length; at++)
      for (const bit of [1, 2, 4, 8, 16, 32, 64]) {
        const other = String.fromCharCode(encrypted.charCodeAt(at) ^ bit);
        const changed = encrypted.slice(0, at) + other + encrypted.slice(at + 1);
        expect(decryptText(key, place, changed), `bit ${bit} of character ${at}`).toBeUndefined();
      }
    for (let length = 0; length < encrypted.length; length++)
      expect(decryptText(key, place, encrypted.slice(0, length))).toBeUndefined();
    expect(decryptText(key, place, `${encrypted}A`)).toBeUndefined();
  });

  it('is not read at another place, or under another key', () => {
    const key = keyOf();
    fc.assert(
      fc.property(places, places, (place, other) => {
        fc.pre(JSON.stringify(place) !== JSON.stringify(other));
        const encrypted = encryptText(key, place, 'Between us.');
        expect(decryptText(key, other, encrypted)).toBeUndefined();
        expect(decryptText(keyOf(), place, encrypted)).toBeUndefined();
        expect(decryptText({ ...keyOf(), id: key.id }, place, encrypted)).toBeUndefined();
      }),
      { numRuns: 50 },
    );
  });

  it('is bound to each part of its place', () => {
    const key = keyOf();
    const place: TextPlace = { conversation_id: randomUUID(), purpose: 'record', position: 1 };
    const encrypted = encryptText(key, place, 'Between us.');
    for (const moved of [{ conversation_id: randomUUID() }, { purpose: 'title' as const }, { position: 2 }])
      expect(decryptText(key, { ...place, ...moved }, encrypted)).toBeUndefined();
  });
});
