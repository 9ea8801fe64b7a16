/** The key history: each key signed by the one before, so that who trusts the first key can follow to the last. */
import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { KeyHistory, type KeyRevocation, type KeyTerm, type LogSignature } from '@mcp/contracts';
import canonicalize from 'canonicalize';

/** How long after a change signatures of the key before still count: until every replica has the new one. */
const OVERLAP_MS = 10 * 60_000;
/** How much the clocks of replicas may differ. */
const SKEW_MS = 5 * 60_000;

export function keyIdOf(spki: Buffer): string {
  return createHash('sha256').update(spki).digest('hex');
}

function spkiOf(term: Pick<KeyTerm, 'public_key'>): Buffer {
  return Buffer.from(term.public_key, 'base64');
}

/** What both signatures of a term are over. */
export function termText({
  key_id,
  algorithm,
  public_key,
  created_at,
  active_from,
  previous,
}: Omit<KeyTerm, 'signature' | 'signature_by_previous' | 'not_after'>): string {
  const said = { key_id, algorithm, public_key, created_at, active_from, previous };
  return `mcp-log-key/v1\n${canonicalize(said)}\n`;
}

export function revocationText({
  key_id,
  revoked_at,
  revoked_from,
  reason,
  signed_by,
}: Omit<KeyRevocation, 'signature'>): string {
  return `mcp-log-key-revocation/v1\n${canonicalize({ key_id, revoked_at, revoked_from, reason, signed_by })}\n`;
}

/** What the signature of a log's head is over: five lines. */
function headText(head: SignedHead, signed_at: string): string {
  return `mcp-log-head/v1\n${head.id}\n${head.records}\n${head.head}\n${signed_at}\n`;
}

export function signed(text: string, key: KeyObject): string {
  return sign(null, Buffer.from(text), key).toString('base64');
}

function fits(text: string, key: KeyObject, signature: string): boolean {
  return verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64'));
}

/** SHA-256 (hex) of a history in canonical JSON. */
export function checksumOf(history: KeyHistory): string {
  return createHash('sha256')
    .update(canonicalize(history) ?? '')
    .digest('hex');
}

/** When signatures of the key before end to count, where the key after it signs since `active_from`. */
export function endOf(active_from: string): string {
  return new Date(Date.parse(active_from) + OVERLAP_MS).toISOString();
}

/** The term that signs: the last one that has begun. */
export function activeTerm({ keys }: KeyHistory): KeyTerm {
  const active = keys.findLast(({ active_from }) => active_from !== null);
  if (active === undefined) throw new TypeError('No key of the history is active.');
  return active;
}

/** The term of a key that is published and does not sign yet. */
export function nextTerm({ keys }: KeyHistory): KeyTerm | undefined {
  const last = keys.at(-1);
  return last?.active_from === null ? last : undefined;
}

type KeyState = 'next' | 'active' | 'retired' | 'revoked';

export function stateOf(history: KeyHistory, term: KeyTerm): KeyState {
  if (history.revocations.some(({ key_id }) => key_id === term.key_id)) return 'revoked';
  if (term.active_from === null) return 'next';
  return activeTerm(history) === term ? 'active' : 'retired';
}

/** The head of a log, which a key signs. */
export interface SignedHead {
  /** Of the conversation. */
  readonly id: string;
  readonly records: number;
  readonly head: string;
}

/** The key that signs just now. */
export interface HeadSigner {
  readonly key_id: string;
  readonly private_key: KeyObject;
  /** Since when it signs: where a clock goes backwards, signatures are dated so, as none before would count. */
  readonly active_from: string;
}

export function signHead(head: SignedHead, signer: HeadSigner, now = new Date()): LogSignature {
  const { key_id, private_key, active_from } = signer;
  const signed_at = new Date(Math.max(now.getTime(), Date.parse(active_from))).toISOString();
  return { key_id, signed_at, value: signed(headText(head, signed_at), private_key) };
}

/** A key history that was verified: says of signatures whether they count. */
export class VerifiedKeys {
  readonly history: KeyHistory;
  readonly #keys: ReadonlyMap<string, KeyObject>;

  private constructor(history: KeyHistory, keys: ReadonlyMap<string, KeyObject>) {
    this.history = history;
    this.#keys = keys;
  }

  /** Verifies a history of any origin. Throws a TypeError that names the key that does not fit, and why. */
  static of(value: unknown): VerifiedKeys {
    const parsed = KeyHistory.safeParse(value);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw new TypeError(
        `This is no key history: ${issue?.path.join('.') || 'it'} ${issue?.message ?? 'does not fit'}.`,
      );
    }
    const history = parsed.data;
    const keys = new Map<string, KeyObject>();
    for (const [at, term] of history.keys.entries()) {
      const key = publicKeyOf(term, at);
      checkTerm(history.keys, at, { key, previous: keys.get(term.previous ?? '') });
      keys.set(term.key_id, key);
    }
    for (const one of history.revocations) checkRevocation(one, { history, keys });
    return new VerifiedKeys(history, keys);
  }

  knows(key_id: string): boolean {
    return this.#keys.has(key_id);
  }

  /** The keys that sign or have signed and are not revoked, the newest first. */
  unrevoked(): KeyObject[] {
    const terms = this.history.keys.filter(
      (term) => term.active_from !== null && stateOf(this.history, term) !== 'revoked',
    );
    const ids = new Set(terms.map(({ key_id }) => key_id).reverse());
    return [...ids].flatMap((key_id) => this.#keys.get(key_id) ?? []);
  }

  /** Keys of the history that are revoked. */
  revoked(): KeyObject[] {
    return this.history.revocations.flatMap(({ key_id }) => this.#keys.get(key_id) ?? []);
  }

  /** Whether it goes on from an older history: each key that signed then began as it says there, by the same signatures. */
  goesOnFrom(older: VerifiedKeys): boolean {
    const begun = older.history.keys.filter(({ active_from }) => active_from !== null);
    return (
      begun.every(({ signature }, at) => this.history.keys[at]?.signature === signature) &&
      older.history.revocations.every(
        ({ signature }, at) => this.history.revocations[at]?.signature === signature,
      )
    );
  }

  /** Why a signature of a head does not count; undefined: it does. */
  flawOf(head: SignedHead, { key_id, signed_at, value }: LogSignature): string | undefined {
    const key = this.#keys.get(key_id);
    const name = `the key ${short(key_id)}`;
    if (key === undefined)
      return `It is signed with ${name}, which is not in the key history: another environment signed it, or the history is older than the log.`;
    if (!fits(headText(head, signed_at), key, value))
      return `The signature by ${name} does not fit: the log was cut or rebuilt without the key.`;
    const revoked = this.history.revocations.find(
      (one) => one.key_id === key_id && one.revoked_from <= signed_at,
    );
    if (revoked !== undefined)
      return `It is signed with ${name} at ${signed_at}; that key is revoked from ${revoked.revoked_from} on: ${revoked.reason}`;
    const terms = this.history.keys.filter((term) => term.key_id === key_id);
    if (terms.some((term) => covers(term, signed_at))) return undefined;
    const times = terms.map(({ active_from, not_after }) =>
      active_from === null ? 'not yet active' : `from ${active_from} to ${not_after ?? 'now'}`,
    );
    return `It is signed with ${name} at ${signed_at}, when that key was not valid: it was ${times.join(', ')}.`;
  }
}

function short(key_id: string): string {
  return `${key_id.slice(0, 12)}…`;
}

function covers({ active_from, not_after }: KeyTerm, signed_at: string): boolean {
  const at_ms = Date.parse(signed_at);
  return (
    active_from !== null &&
    at_ms >= Date.parse(active_from) - SKEW_MS &&
    (not_after === null || at_ms <= Date.parse(not_after))
  );
}

function publicKeyOf(term: KeyTerm, at: number): KeyObject {
  const spki = spkiOf(term);
  if (keyIdOf(spki) !== term.key_id)
    throw new TypeError(
      `Key ${at} of the history: its public key is not that of the key id ${short(term.key_id)}.`,
    );
  try {
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // Said below.
  }
  throw new TypeError(`Key ${at} of the history (${short(term.key_id)}) is no Ed25519 key.`);
}

/** Checks a term against the one before: who signed it, and that times only go forward. */
function checkTerm(
  terms: readonly KeyTerm[],
  at: number,
  { key, previous }: { key: KeyObject; previous: KeyObject | undefined },
): void {
  const term = terms[at];
  const before = terms[at - 1];
  if (term === undefined) return;
  const fail = (reason: string): never => {
    throw new TypeError(`Key ${at} of the history (${short(term.key_id)}): ${reason}`);
  };
  const text = termText(term);
  if (!fits(text, key, term.signature)) fail('it is not signed by itself, or was changed.');
  if (term.previous !== (before?.key_id ?? null))
    fail(
      `it does not follow the key before it: it names ${term.previous ?? 'none'}, a key is missing or moved.`,
    );
  if (!fits(text, previous ?? key, term.signature_by_previous))
    fail('it is not signed by the key before it: the history does not continue.');
  if (before !== undefined) {
    if (before.active_from === null) fail('the key before it was never active.');
    const start = term.active_from ?? term.created_at;
    if (before.active_from !== null && start < before.active_from)
      fail(
        `it begins at ${start}, before the key that it follows (${before.active_from}): a clock went backwards.`,
      );
  } else if (term.active_from === null) fail('the first key is active from the start.');
  const after = terms[at + 1]?.active_from ?? null;
  if (term.not_after !== (after === null ? null : endOf(after)))
    fail(`it ends at ${term.not_after ?? 'no time'}, which does not fit when the key after it begins.`);
}

/** Whoever had a key once cannot take back one that came after it: the key that revokes was valid then. */
function checkRevocation(
  one: KeyRevocation,
  { history, keys }: { history: KeyHistory; keys: ReadonlyMap<string, KeyObject> },
): void {
  const by = keys.get(one.signed_by);
  const fail = (reason: string): never => {
    throw new TypeError(`The revocation of the key ${short(one.key_id)}: ${reason}`);
  };
  const revoked = history.keys.find(({ key_id }) => key_id === one.key_id);
  if (revoked === undefined) fail('the history has no such key.');
  else if (revoked.created_at > one.revoked_at) fail('it is older than the key.');
  if (one.signed_by === one.key_id) fail('a key does not revoke itself.');
  if (by === undefined || !fits(revocationText(one), by, one.signature))
    fail(`it is not signed by the key ${short(one.signed_by)} of the history.`);
  if (!history.keys.some((term) => term.key_id === one.signed_by && covers(term, one.revoked_at)))
    fail(`the key ${short(one.signed_by)} that signed it was not valid at ${one.revoked_at}.`);
}
