import { generateKeyPairSync } from 'node:crypto';
import type { KeyChange } from '@mcp/contracts';
import { describe, expect, it } from 'vitest';
import {
  followKeys,
  HeldKeys,
  type KeyRing,
  logVerifiers,
  type TrustedKeys,
  trustedKeys,
  VerifiedKeys,
  verifyBundle,
} from '../../src/index.ts';
import { encodeVerifier, type Signer, signerOf } from '../../src/tlog/note.ts';
import { bundleOf, LOG, TRUSTED } from '../bundles.ts';
import { draftOf, logOf, SECRET } from '../logs.ts';

const ROTATE: KeyChange = { change: 'rotate', dry_run: false };
const named = (key: Signer['private_key']) => signerOf(key, { name: LOG.name, algorithm: 'ed25519' });

/** The keys of the log of these tests, on a clock that goes when it is told to. */
async function keysOfLog(first = LOG.private_key) {
  let kept: KeyRing | undefined;
  const clock = { now_ms: Date.parse('2026-11-29T00:00:00.000Z') };
  const held = await HeldKeys.open({
    first,
    now: () => new Date(clock.now_ms),
    store: {
      read: async () => kept,
      replace: async (ring) => {
        kept = structuredClone(ring);
        return true;
      },
    },
  });
  held.close();
  const rotate = async () => {
    clock.now_ms += 1000;
    await held.change(ROTATE);
  };
  return {
    held,
    clock,
    rotate,
    history: () => held.published().history,
    signers: () => held.signing().map(named),
  };
}

const log = logOf(['one', 'two'].map(draftOf), 2);
const check = (bundle: unknown, keys: TrustedKeys = TRUSTED) =>
  verifyBundle(bundle, { secret: SECRET, keys });

describe('the keys of a transparency log', () => {
  it('begin with the key from before, always in the same way', async () => {
    const [one, other] = [await keysOfLog(), await keysOfLog()];
    expect(one.history()).toEqual(other.history());
    expect(one.signers().map(encodeVerifier)).toEqual([encodeVerifier(LOG)]);
  });

  it('sign both for ten minutes after a change, also after one that is rolled back', async () => {
    const { rotate, signers, clock, held } = await keysOfLog();
    await rotate();
    const [now, before] = signers().map(encodeVerifier);
    expect([now === before, before]).toEqual([false, encodeVerifier(LOG)]);
    await held.change({ change: 'roll_back', dry_run: false });
    expect(signers().map(encodeVerifier)).toEqual([before, now]);
    clock.now_ms += 11 * 60_000;
    expect(signers().map(encodeVerifier)).toEqual([before]);
  });

  it('are followed from any of them to the others, and not from a stranger', async () => {
    const { rotate, signers, history, clock } = await keysOfLog();
    const old = (await bundleOf(log, 2)).bundle;
    await rotate();
    clock.now_ms += 11 * 60_000;
    await rotate();
    clock.now_ms += 11 * 60_000;
    const { bundle } = await bundleOf(log, 2, signers());
    const signed = { ...bundle, log_key_history: history() };
    // Who kept the first key: a new bundle holds by the history alone, an old one with and without it.
    expect(check(bundle)).toMatchObject({
      reason: expect.stringContaining('not signed by a key that is known'),
    });
    for (const given of [signed, old, { ...old, log_key_history: history() }])
      expect(check(given)).toMatchObject({ status: 'ok' });
    // Who kept the newest one follows back.
    const newest = trustedKeys(signers().map(encodeVerifier));
    expect(check({ ...old, log_key_history: history() }, newest)).toMatchObject({ status: 'ok' });
    const stranger = trustedKeys([encodeVerifier(named(generateKeyPairSync('ed25519').privateKey))]);
    expect(check(signed, stranger)).toMatchObject({ status: 'broken' });
    expect(followKeys([], history())).toEqual([]);
  });

  it('count no more once they are revoked, unless another one signed as well', async () => {
    const { rotate, signers, history, held } = await keysOfLog();
    const { bundle: old } = await bundleOf(log, 2);
    await rotate();
    const { bundle: both } = await bundleOf(log, 2, signers());
    const key_id = history().keys[0]?.key_id ?? '';
    await held.change({ change: 'revoke', key_id, reason: 'it leaked', dry_run: false });
    expect(signers()).toHaveLength(1);
    expect(logVerifiers(held.verified, LOG.name).map(encodeVerifier)).toEqual(signers().map(encodeVerifier));
    const log_key_history = history();
    expect(check({ ...old, log_key_history })).toMatchObject({ status: 'broken' });
    expect(check({ ...both, log_key_history })).toMatchObject({ status: 'ok' });
  });

  it('are none where their history was changed, and go on from an older one of the same keys only', async () => {
    const { rotate, history } = await keysOfLog();
    await rotate();
    const older = history();
    await rotate();
    const newer = history();
    const { bundle } = await bundleOf(log, 2);
    const [first, ...rest] = newer.keys;
    const cut = { ...newer, keys: rest };
    expect(check({ ...bundle, log_key_history: cut })).toMatchObject({ status: 'broken' });
    expect(first).toBeDefined();
    const fork = await keysOfLog();
    await fork.rotate();
    const on = (after: typeof older, before: typeof older) =>
      VerifiedKeys.of(after).goesOnFrom(VerifiedKeys.of(before));
    expect([on(newer, older), on(older, older), on(older, newer), on(fork.history(), older)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});
