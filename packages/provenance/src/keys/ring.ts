/** The key ring: the key history with the private keys, and the changes that it can go through. Pure, but for randomness. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { KeyHistory, type KeyRevocation, type KeyTerm, MAX_KEY_TERMS, PlatformError } from '@mcp/contracts';
import { z } from 'zod';
import { activeTerm, endOf, keyIdOf, nextTerm, revocationText, signed, termText } from './history.ts';

export const KeyRing = z.strictObject({
  /** One more with each change: of two who change it at once, one begins again. */
  revision: z.number().int().min(1),
  history: KeyHistory,
  /** PKCS #8 (DER) in base64, by key id: of the active key, of the next, and of the one that can be rolled back to. */
  private_keys: z.record(z.string(), z.base64().max(200)),
});
export type KeyRing = z.infer<typeof KeyRing>;

interface MadeKey {
  readonly key_id: string;
  readonly public_key: string;
  readonly private_key: string;
}

function makeKey(privateKey = generateKeyPairSync('ed25519').privateKey): MadeKey {
  const publicKey = createPublicKey(privateKey);
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return {
    key_id: keyIdOf(spki),
    public_key: spki.toString('base64'),
    private_key: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
  };
}

/** The private key of a key id. Throws `internal` where the ring does not have it (any more). */
export function privateKeyOf({ private_keys }: KeyRing, key_id: string): KeyObject {
  const found = private_keys[key_id];
  if (found === undefined)
    throw new PlatformError(
      'internal',
      `The key ring has no private key ${key_id.slice(0, 12)}…: put it back from a backup.`,
    );
  return createPrivateKey({ key: Buffer.from(found, 'base64'), format: 'der', type: 'pkcs8' });
}

type TermOf = Pick<KeyTerm, 'key_id' | 'public_key' | 'created_at' | 'active_from' | 'previous'>;

/** A term, signed by its own key and by the one before. */
function termOf(said: TermOf, own: KeyObject, previous: KeyObject): KeyTerm {
  const term = { ...said, algorithm: 'ed25519' as const };
  const text = termText(term);
  return {
    ...term,
    not_after: null,
    signature: signed(text, own),
    signature_by_previous: signed(text, previous),
  };
}

/**
 * A ring with its first key, which is active: a new one, unless one is given. That one signs since nobody knows when: so
 * that the history always begins the same, it counts from the beginning of time.
 */
export function newRing(now: Date, first?: KeyObject): KeyRing {
  const { private_key, ...key } = makeKey(first);
  const at = (first === undefined ? now : new Date(0)).toISOString();
  const private_keys = { [key.key_id]: private_key };
  const own = createPrivateKey({ key: Buffer.from(private_key, 'base64'), format: 'der', type: 'pkcs8' });
  const term = termOf({ ...key, created_at: at, active_from: at, previous: null }, own, own);
  return { revision: 1, history: { keys: [term], revocations: [] }, private_keys };
}

function changed(ring: KeyRing, change: Partial<Omit<KeyRing, 'revision'>>): KeyRing {
  return { ...ring, ...change, revision: ring.revision + 1 };
}

function withKeys(ring: KeyRing, keys: readonly KeyTerm[]): KeyHistory {
  return { ...ring.history, keys: [...keys] };
}

/** No key may begin before the one that it follows: its signatures would be dated into another's time. */
export function refuseClock({ history }: KeyRing, now: Date): void {
  const { key_id, active_from } = activeTerm(history);
  if (active_from !== null && now.toISOString() < active_from)
    throw new PlatformError(
      'conflict',
      `The clock reads ${now.toISOString()}, before the active key ${key_id.slice(0, 12)}… began (${active_from}): a new key would be dated before it. Set the clock, then rotate again.`,
    );
}

/** Generates the next key and publishes it, signed by the active one. One that is there already is kept. */
export function publishNext(ring: KeyRing, now: Date): KeyRing {
  if (nextTerm(ring.history) !== undefined) return ring;
  const { keys } = ring.history;
  if (keys.length >= MAX_KEY_TERMS)
    throw new PlatformError(
      'conflict',
      `The key history has ${keys.length} keys, as many as it can have. Begin a new key ring on a new data directory.`,
    );
  const active = activeTerm(ring.history);
  const { private_key, ...key } = makeKey();
  const kept = { ...ring, private_keys: { ...ring.private_keys, [key.key_id]: private_key } };
  const term = termOf(
    { ...key, created_at: now.toISOString(), active_from: null, previous: active.key_id },
    privateKeyOf(kept, key.key_id),
    privateKeyOf(kept, active.key_id),
  );
  return changed(kept, { history: withKeys(ring, [...keys, term]) });
}

/** Takes the next key back before it signs. */
export function withdrawNext(ring: KeyRing): KeyRing {
  const next = nextTerm(ring.history);
  if (next === undefined) return ring;
  const { [next.key_id]: _gone, ...private_keys } = ring.private_keys;
  return changed(ring, { history: withKeys(ring, ring.history.keys.slice(0, -1)), private_keys });
}

/** The next key signs from now on; the one before ends. */
export function activateNext(ring: KeyRing, now: Date): KeyRing {
  const next = nextTerm(ring.history);
  if (next === undefined) return ring;
  return followedBy(ring, ring.history.keys.slice(0, -1), { ...next, active_from: now.toISOString() });
}

/** A new term behind those there are, whose last one ends with it. */
function followedBy(
  ring: KeyRing,
  terms: readonly KeyTerm[],
  said: TermOf & { active_from: string },
): KeyRing {
  const { key_id, public_key, created_at, active_from } = said;
  const active = activeTerm(ring.history);
  const term = termOf(
    { key_id, public_key, created_at, active_from, previous: active.key_id },
    privateKeyOf(ring, key_id),
    privateKeyOf(ring, active.key_id),
  );
  const ended = { ...active, not_after: endOf(active_from) };
  return changed(ring, { history: withKeys(ring, [...terms.slice(0, -1), ended, term]) });
}

/** The private keys whose signatures are looked for at a time: of the active key, and of one whose term ends after it. */
export function signingKeys(ring: KeyRing, now: Date): KeyObject[] {
  const { history, private_keys } = ring;
  const at = now.toISOString();
  const revoked = new Set(history.revocations.map(({ key_id }) => key_id));
  const ids = history.keys.flatMap(({ key_id, active_from, not_after }) =>
    active_from !== null && (not_after === null || at < not_after) ? [key_id] : [],
  );
  return [...new Set(ids.reverse())]
    .filter((key_id) => private_keys[key_id] !== undefined && !revoked.has(key_id))
    .map((key_id) => privateKeyOf(ring, key_id));
}

/** The key that was active before, while its private key is kept. */
export function previousTerm(ring: KeyRing): KeyTerm | undefined {
  const { previous } = activeTerm(ring.history);
  if (previous === null || ring.private_keys[previous] === undefined) return undefined;
  if (ring.history.revocations.some(({ key_id }) => key_id === previous)) return undefined;
  return ring.history.keys.findLast(({ key_id }) => key_id === previous);
}

/** The key before signs again: a new term, signed by the key that it replaces. The history only grows. */
export function rollBack(ring: KeyRing, now: Date): KeyRing {
  const previous = previousTerm(ring);
  if (previous === undefined)
    throw new PlatformError(
      'conflict',
      'There is no key to roll back to: the first one is active, or the one before was retired or revoked. Rotate to a new key instead.',
    );
  const began = { ...previous, active_from: now.toISOString() };
  return followedBy(ring, ring.history.keys, began);
}

/** Destroys the private keys that are of no use: all but the active, the next, and `keep`. */
export function retire(ring: KeyRing, keep?: string): KeyRing {
  const wanted = new Set([activeTerm(ring.history).key_id, nextTerm(ring.history)?.key_id, keep]);
  const kept = Object.entries(ring.private_keys).filter(([key_id]) => wanted.has(key_id));
  return kept.length === Object.keys(ring.private_keys).length
    ? ring
    : changed(ring, { private_keys: Object.fromEntries(kept) });
}

/** Says that signatures of a key do not count any more from a time on; signed by the active key. */
export function revoke(
  ring: KeyRing,
  said: Pick<KeyRevocation, 'key_id' | 'reason'> & { readonly revoked_from?: string | undefined },
  now: Date,
): KeyRing {
  const { history } = ring;
  const active = activeTerm(history);
  const name = `${said.key_id.slice(0, 12)}…`;
  if (!history.keys.some(({ key_id }) => key_id === said.key_id))
    throw new PlatformError('not_found', `The key history has no key ${name}. npx mcp keys list shows them.`);
  if (said.key_id === active.key_id || said.key_id === nextTerm(history)?.key_id)
    throw new PlatformError(
      'conflict',
      `The key ${name} is the active or the next one, and a key does not revoke itself. Rotate first (npx mcp keys rotate), then revoke it.`,
    );
  if (history.revocations.some(({ key_id }) => key_id === said.key_id))
    throw new PlatformError('conflict', `The key ${name} is revoked already.`);
  const at = now.toISOString();
  const one = {
    key_id: said.key_id,
    revoked_at: at,
    revoked_from: said.revoked_from ?? at,
    reason: said.reason,
    signed_by: active.key_id,
  };
  const signature = signed(revocationText(one), privateKeyOf(ring, active.key_id));
  const { [said.key_id]: _gone, ...private_keys } = ring.private_keys;
  return changed(ring, {
    history: { ...history, revocations: [...history.revocations, { ...one, signature }] },
    private_keys,
  });
}
