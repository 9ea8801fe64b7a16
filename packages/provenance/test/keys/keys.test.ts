import type { KeyChange, KeyHistory, KeyTerm } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  HeldKeys,
  KeyRing,
  type KeyRingStore,
  stateOf,
  VerifiedKeys,
  verifyLog,
  withSignature,
} from '../../src/index.ts';
import { signHead } from '../../src/keys/history.ts';
import { draftOf, logOf, SECRET } from '../logs.ts';

const START_MS = Date.parse('2026-11-29T00:00:00.000Z');
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const HEAD = { id: '0194f0c2-0000-7000-8000-000000000001', records: 3, head: 'ab'.repeat(32) };
const ROTATE: KeyChange = { change: 'rotate', dry_run: false };
const ROLL_BACK: KeyChange = { change: 'roll_back', dry_run: false };

/** A store in memory that dies after so many writes: of the one after, nobody knows whether it was made. */
class Memory implements KeyRingStore {
  ring: KeyRing | undefined;
  writes_left = Number.POSITIVE_INFINITY;

  read(): Promise<KeyRing | undefined> {
    return Promise.resolve(this.ring);
  }

  replace(ring: KeyRing): Promise<boolean> {
    if (this.writes_left <= 0) return Promise.reject(new Error('killed'));
    if ((this.ring?.revision ?? 0) !== ring.revision - 1) return Promise.resolve(false);
    this.writes_left--;
    this.ring = structuredClone(ring);
    return Promise.resolve(true);
  }
}

/** Keys on a clock that goes when it is told to. */
async function keysAt(store = new Memory()) {
  const clock = { now_ms: START_MS };
  const now = () => new Date(clock.now_ms);
  const held = await HeldKeys.open({ store, now });
  held.close();
  const sign = () => signHead(HEAD, held.signer, now());
  return { store, clock, held, sign, now };
}

/** Two rotations, ten days from each other. */
async function threeKeys() {
  const keys = await keysAt();
  for (let at = 0; at < 2; at++) {
    keys.clock.now_ms += 10 * DAY_MS;
    await keys.held.change(ROTATE);
  }
  return keys;
}

function keyAt({ keys }: KeyHistory, at: number): KeyTerm {
  const term = keys[at];
  if (term === undefined) throw new Error(`no key ${at}`);
  return term;
}

const step = fc.oneof(
  fc.constant(ROTATE),
  fc.constant(ROLL_BACK),
  fc.constant<KeyChange>({ change: 'rotate', dry_run: true }),
  fc.constant<KeyChange>({ change: 'rotate', dry_run: false, rotate_if_older_than_days: 30 }),
);

describe('changes of keys', () => {
  it('reject no signature that was made before, between or after them, in any order, with replicas that lag behind', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(step, fc.integer({ min: 1, max: 40 * DAY_MS })), { minLength: 1, maxLength: 6 }),
        async (list) => {
          const { store, clock, held, sign, now } = await keysAt();
          const replica = await HeldKeys.open({ store, now });
          replica.close();
          const made = [sign()];
          for (const [change, after_ms] of list) {
            clock.now_ms += after_ms;
            await held
              .change(change)
              .catch((error: Error) => expect(error.message).toMatch(/^There is no key/));
            made.push(sign(), signHead(HEAD, replica.signer, now()));
            clock.now_ms += 5 * MINUTE_MS;
            made.push(signHead(HEAD, replica.signer, now()));
            await replica.refresh();
          }
          const verified = VerifiedKeys.of(held.published().history);
          expect(made.map((one) => verified.flawOf(HEAD, one))).toEqual(made.map(() => undefined));
          expect(replica.published()).toEqual(held.published());
        },
      ),
      { numRuns: 15 },
    );
  });

  it('go on after a crash at each of their steps', async () => {
    for (const writes of [0, 1, 2, 3]) {
      const { store, clock, held, sign } = await keysAt();
      clock.now_ms += DAY_MS;
      await held.change(ROTATE);
      clock.now_ms += DAY_MS;
      const before = held.published().history.keys.length;
      store.writes_left = writes;
      const died = await held.change(ROTATE).then(
        () => false,
        () => true,
      );
      expect(died).toBe(writes < 3);
      store.writes_left = 10;
      const again = await HeldKeys.open({ store, now: () => new Date(clock.now_ms) });
      again.close();
      // The next scheduled run takes up what was begun, and no more.
      await again.change({ ...ROTATE, rotate_if_older_than_days: writes === 0 ? 0 : 30 });
      const { history } = again.published();
      expect(history.keys.map((term) => stateOf(history, term))).toEqual([
        ...Array(before).fill('retired'),
        'active',
      ]);
      await held.refresh();
      expect(again.verified.flawOf(HEAD, sign())).toBeUndefined();
    }
  });

  it('are made once by two who begin at the same time', async () => {
    const { store, held } = await keysAt();
    const other = await HeldKeys.open({ store, now: () => new Date(START_MS) });
    other.close();
    await Promise.all([held.change(ROTATE), other.change(ROTATE)]);
    await Promise.all([held.refresh(), other.refresh()]);
    expect(held.published()).toEqual(other.published());
    expect(KeyRing.safeParse(store.ring).success).toBe(true);
  });

  it('change nothing when they are tried only, and say what would be', async () => {
    const { store, held } = await keysAt();
    const ring = store.ring;
    const { steps, before, after } = await held.change({ ...ROTATE, dry_run: true });
    expect(steps.map((one) => one.step)).toEqual(['generate', 'publish', 'replace', 'retire', 'verify']);
    expect(after.active_key_id).not.toBe(before.active_key_id);
    expect(store.ring).toBe(ring);
  });

  it('keep a private key for a day after it was replaced, to roll back to, and no longer', async () => {
    const { store, clock, held } = await threeKeys();
    expect(Object.keys(store.ring?.private_keys ?? {})).toHaveLength(2);
    clock.now_ms += 2 * DAY_MS;
    await held.change({ ...ROTATE, rotate_if_older_than_days: 30 });
    expect(Object.keys(store.ring?.private_keys ?? {})).toEqual([held.signer.key_id]);
    await expect(held.change(ROLL_BACK)).rejects.toThrow('There is no key to roll back to');
  });

  it('refuse a clock that went backwards, and logs go on being signed', async () => {
    const { clock, held, sign } = await threeKeys();
    clock.now_ms = START_MS;
    expect(held.verified.flawOf(HEAD, sign())).toBeUndefined();
    for (const change of [ROTATE, ROLL_BACK, { ...ROTATE, rotate_if_older_than_days: 30 }])
      await expect(held.change(change)).rejects.toThrow(
        /^The clock reads 2026-11-29T00:00:00.000Z, before the active key \w+… began \(2026-12-19T/,
      );
  });

  it('refuse to revoke what still signs, and what there is not', async () => {
    const { held } = await threeKeys();
    const revoke = (key_id: string) =>
      held.change({ change: 'revoke', key_id, reason: 'it leaked', dry_run: false });
    await expect(revoke(held.signer.key_id)).rejects.toThrow('Rotate first');
    await expect(revoke('0'.repeat(64))).rejects.toThrow('The key history has no key 000000000000…');
    await revoke(keyAt(held.published().history, 0).key_id);
    await expect(revoke(keyAt(held.published().history, 0).key_id)).rejects.toThrow('is revoked already');
  });
});

describe('a signature', () => {
  it('of a log is checked with the history, and names the key', async () => {
    const { held } = await threeKeys();
    const log = withSignature(logOf(['one', 'two'].map(draftOf), 2), held.signer);
    expect(verifyLog(log, { secret: SECRET, history: held.verified })).toMatchObject({
      ok: true,
      key_id: held.signer.key_id,
    });
    expect(verifyLog(log, { secret: undefined })).not.toHaveProperty('key_id');
    const { held: other } = await keysAt();
    expect(verifyLog(log, { secret: SECRET, history: other.verified })).toMatchObject({
      status: 'broken',
      reason: expect.stringMatching(/which is not in the key history/),
    });
  });

  it.each<[string, (at: Awaited<ReturnType<typeof threeKeys>>) => Promise<string | undefined>, RegExp]>([
    [
      'of another head',
      async ({ held, sign }) => held.verified.flawOf({ ...HEAD, records: 2 }, sign()),
      /does not fit: the log was cut or rebuilt/,
    ],
    [
      'by another key under the name of one',
      async ({ held, sign }) =>
        held.verified.flawOf(HEAD, { ...sign(), key_id: keyAt(held.published().history, 0).key_id }),
      /does not fit/,
    ],
    [
      'dated back',
      async ({ held, sign }) =>
        held.verified.flawOf(HEAD, { ...sign(), signed_at: new Date(START_MS).toISOString() }),
      /does not fit/,
    ],
    [
      'made with a key that was replaced long ago',
      async ({ clock, held, now }) => {
        const { signer } = held;
        await held.change(ROTATE);
        clock.now_ms += 11 * MINUTE_MS;
        return held.verified.flawOf(HEAD, signHead(HEAD, signer, now()));
      },
      /at 2026-12-19T00:11:00.000Z, when that key was not valid: it was from 2026-12-19T00:00:00.000Z to 2026-12-19T00:10:00.000Z/,
    ],
    [
      'made with a key since others had it',
      async ({ held, sign, now }) => {
        const made = sign();
        await held.change(ROTATE);
        const revoked_from = now().toISOString();
        await held.change({
          change: 'revoke',
          key_id: made.key_id,
          revoked_from,
          reason: 'it leaked',
          dry_run: false,
        });
        return held.verified.flawOf(HEAD, made);
      },
      /that key is revoked from 2026-12-19T00:00:00.000Z on: it leaked/,
    ],
  ])('does not count %s', async (_, flaw, reason) => {
    expect(await flaw(await threeKeys())).toMatch(reason);
  });

  it('made before others had the key counts on', async () => {
    const { clock, held, sign } = await threeKeys();
    const made = sign();
    clock.now_ms += MINUTE_MS;
    await held.change(ROTATE);
    await held.change({ change: 'revoke', key_id: made.key_id, reason: 'it leaked', dry_run: false });
    expect(held.verified.flawOf(HEAD, made)).toBeUndefined();
    const { history } = held.published();
    expect(history.keys.map((term) => stateOf(history, term))).toEqual([
      'retired',
      'retired',
      'revoked',
      'active',
    ]);
  });
});

describe('a key history', () => {
  it.each<[string, (history: KeyHistory) => void, RegExp]>([
    [
      'with a key removed',
      ({ keys }) => keys.splice(1, 1),
      /^Key 0 .* does not fit when the key after it begins/,
    ],
    [
      'with its first key removed',
      ({ keys }) => keys.shift(),
      /^Key 0 of the history .* a key is missing or moved/,
    ],
    ['cut at its end', ({ keys }) => keys.pop(), /^Key 1 of the history .* it ends at 2026-/],
    ['in another order', ({ keys }) => keys.reverse(), /^Key 0 of the history/],
    [
      'with a key of another date',
      (one) => Object.assign(keyAt(one, 1), { created_at: '2026-01-01T00:00:00.000Z' }),
      /not signed by itself/,
    ],
    [
      'with a key that begins earlier',
      (one) => Object.assign(keyAt(one, 2), { active_from: '2026-12-10T00:00:00.000Z' }),
      /^Key 1 .* it ends at/,
    ],
    [
      'with another public key',
      (one) => Object.assign(keyAt(one, 1), { public_key: keyAt(one, 0).public_key }),
      /not that of the key id/,
    ],
    [
      'with a key signed by itself alone',
      (one) => Object.assign(keyAt(one, 1), { signature_by_previous: keyAt(one, 1).signature }),
      /not signed by the key before it/,
    ],
    [
      'with a key that ends later',
      (one) => Object.assign(keyAt(one, 0), { not_after: '2027-01-01T00:00:00.000Z' }),
      /^Key 0 .* does not fit when the key after it begins/,
    ],
    [
      'with a field added',
      (one) => Object.assign(keyAt(one, 0), { note: 'slipped in' }),
      /^This is no key history: keys.0/,
    ],
  ])('is refused %s', async (_, change, reason) => {
    const { held } = await threeKeys();
    const history = structuredClone(held.published().history);
    VerifiedKeys.of(history);
    change(history);
    expect(() => VerifiedKeys.of(history)).toThrow(reason);
  });

  it('is refused where an old key revokes a newer one', async () => {
    const { held } = await threeKeys();
    const { signer } = held;
    await held.change(ROTATE);
    await held.change({ change: 'revoke', key_id: signer.key_id, reason: 'it leaked', dry_run: false });
    const history = structuredClone(held.published().history);
    const [one] = history.revocations;
    Object.assign(one ?? {}, { signed_by: keyAt(history, 0).key_id });
    expect(() => VerifiedKeys.of(history)).toThrow(/it is not signed by the key/);
  });

  it('is refused, and no crash, whatever it is', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(() => VerifiedKeys.of(value)).toThrow(TypeError);
      }),
    );
  });
});
