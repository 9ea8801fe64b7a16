/** A key history as that of a transparency log: who trusts one of its keys follows to the others. */
import type { KeyObject } from 'node:crypto';
import type { KeyHistory } from '@mcp/contracts';
import { encodeVerifier, type Verifier, verifierOf } from '../tlog/note.ts';
import { VerifiedKeys } from './history.ts';

/** The keys of a log that count, the newest first; their name is the log's. */
export function logVerifiers(keys: VerifiedKeys, name: string): Verifier[] {
  return keys.unrevoked().map(named(name));
}

function named(name: string): (key: KeyObject) => Verifier {
  return (key) => verifierOf(key, { name, algorithm: 'ed25519' });
}

/**
 * The keys that count where some are trusted: of a history that has one of them, all that are not revoked; those that
 * it does not have as they are. Throws a TypeError where the history does not hold.
 */
export function followKeys(
  trusted: readonly Verifier[],
  history: KeyHistory | undefined,
): readonly Verifier[] {
  if (history === undefined || trusted.length === 0) return trusted;
  const keys = VerifiedKeys.of(history);
  for (const name of new Set(trusted.map((one) => one.name))) {
    const unrevoked = logVerifiers(keys, name);
    const all = [...unrevoked, ...keys.revoked().map(named(name))].map(encodeVerifier);
    const others = trusted.filter((one) => !all.includes(encodeVerifier(one)));
    if (others.length < trusted.length) return [...unrevoked, ...others];
  }
  return trusted;
}
