/** Checks that a conversation is in the transparency log: by the entries of its records, and their proofs. */
import { type ChainVerdict, type LogEntry, ProofBundle, type ProvenEntry } from '@mcp/contracts';
import { decodeEntry, encodeEntry, recordEntry, recordsRoot } from './entries.ts';
import { followKeys } from './keys/log-keys.ts';
import { type VerifyOptions, verifyLog } from './sign.ts';
import { decodeVerifier } from './tlog/note.ts';
import { openProof, type ProvenPlace, type TrustedKeys } from './tlog/proof.ts';

interface Conversation {
  readonly id: string;
  readonly messages: readonly { readonly seq: number; readonly hash: string }[];
}

/** What does not fit, and at which record; null: none in particular. */
interface EntryFlaw {
  readonly broken_at: number | null;
  readonly reason: string;
}

/** Whether an entry says what the records of the conversation are; undefined: it does. */
function entryFlaw({ id, messages }: Conversation, entry: LogEntry): EntryFlaw | undefined {
  if (entry.conversation !== id)
    return { broken_at: null, reason: `An entry is of the conversation ${entry.conversation}, not of this.` };
  switch (entry.type) {
    case 'record': {
      const record = messages[entry.seq];
      if (record === undefined) return missing(messages.length, entry.seq);
      return record.hash === entry.hash
        ? undefined
        : {
            broken_at: entry.seq,
            reason: `Record ${entry.seq} is not the one in the transparency log (${entry.hash.slice(0, 12)}…): it was changed, and the chain made anew.`,
          };
    }
    case 'session':
      if (messages.length < entry.records) return missing(messages.length, entry.records - 1);
      return recordsRoot(messages.slice(0, entry.records)) === entry.root
        ? undefined
        : {
            broken_at: null,
            reason: `The first ${entry.records} records are not those in the transparency log: their Merkle root is another one.`,
          };
    default:
      return entry satisfies never;
  }
}

function missing(there: number, last: number): EntryFlaw {
  const which = there === last ? `Record ${last} is` : `Records ${there} to ${last} are`;
  return {
    broken_at: there,
    reason: `${which} missing: the transparency log has ${last === there ? 'it' : 'them'}. An earlier state was put back, or the end was cut.`,
  };
}

/** The record that an entry says rightly what it is; null where it is an entry of something else. */
function recordIn({ id, messages }: Conversation, text: string): number | null {
  return messages.find((record) => encodeEntry(recordEntry(id, record)) === text)?.seq ?? null;
}

/** How far the entries reach: records that one of them proves. */
function covered(entries: readonly LogEntry[], records: number): number {
  const sessions = entries.map((entry) => (entry.type === 'session' ? entry.records : 0));
  let reached = Math.max(0, ...sessions);
  const single = new Set(entries.flatMap((entry) => (entry.type === 'record' ? [entry.seq] : [])));
  while (reached < records && single.has(reached)) reached++;
  return reached;
}

/** The verdict on a conversation's entries: where the newest of them is and how many records they prove, or what does not fit. */
export type EntriesVerdict =
  | { readonly fits: true; readonly place: ProvenPlace | undefined; readonly records: number }
  | { readonly fits: false; readonly flaw: EntryFlaw };

/** Checks entries and their proofs against the records of a conversation. Never throws. */
export function verifyEntries(
  conversation: Conversation,
  entries: readonly ProvenEntry[],
  keys: TrustedKeys,
): EntriesVerdict {
  let newest: ProvenPlace | undefined;
  const read: LogEntry[] = [];
  let text = '';
  try {
    for (const proven of entries) {
      const { proof } = proven;
      text = proven.entry;
      const place = openProof(proof, Buffer.from(text), keys);
      const entry = decodeEntry(text);
      const flaw = entryFlaw(conversation, entry);
      if (flaw !== undefined) return { fits: false, flaw };
      read.push(entry);
      if (newest === undefined || place.index > newest.index) newest = place;
    }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const flaw = {
      broken_at: recordIn(conversation, text),
      reason: `A proof does not hold: ${error.message}`,
    };
    return { fits: false, flaw };
  }
  return { fits: true, place: newest, records: covered(read, conversation.messages.length) };
}

/** Where a verdict says that a log is. */
export function transparencyOf({ origin, index, size, witnesses }: ProvenPlace) {
  return { origin, index, size, witnesses: [...witnesses] };
}

/** Whether somebody gives a bundle, rather than a log alone. */
export function isBundle(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    'type' in value &&
    value.type === ProofBundle.shape.type.value
  );
}

export interface BundleOptions extends VerifyOptions {
  /** Whose signatures count; undefined: those that the bundle brings, which shows that it fits in itself. */
  readonly keys: TrustedKeys | undefined;
}

/** Checks a proof bundle of any origin: the log as `verifyLog` does, then each proof. Never throws. */
export function verifyBundle(value: unknown, { keys, ...options }: BundleOptions): ChainVerdict {
  const log = (value as { readonly log?: unknown } | null)?.log;
  const chain = verifyLog(log, options);
  if (!chain.ok) return chain;
  const broken = ({ broken_at, reason }: EntryFlaw): ChainVerdict => ({
    ...chain,
    ok: false,
    status: 'broken',
    broken_at,
    reason,
  });
  const parsed = ProofBundle.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return broken({
      broken_at: null,
      reason: `This is not a proof bundle: ${issue?.path.join('.') ?? 'it'} ${issue?.message ?? 'does not fit'}.`,
    });
  }
  try {
    const given = keys ?? keysOf(parsed.data);
    const trusted = { ...given, log: followKeys(given.log, parsed.data.log_key_history) };
    const verdict = verifyEntries(parsed.data.log, parsed.data.entries, trusted);
    if (!verdict.fits) return broken(verdict.flaw);
    const { place, records } = verdict;
    if (place === undefined || records < chain.records)
      return broken({ broken_at: records, reason: `No entry proves that record ${records} is in the log.` });
    return { ...chain, transparency: transparencyOf(place) };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return broken({ broken_at: null, reason: error.message });
  }
}

/** Published keys, read. Throws a TypeError that says what does not fit. */
export function keysOf(published: {
  readonly log_keys: readonly string[];
  readonly witness_keys: readonly string[];
}): TrustedKeys {
  return trustedKeys([...published.log_keys, ...published.witness_keys]);
}

/** Keys of any kind, told apart: a log signs, a witness cosigns. Throws a TypeError that says what does not fit. */
export function trustedKeys(published: readonly string[]): TrustedKeys {
  const keys = published.map((key) => decodeVerifier(key));
  return {
    log: keys.filter(({ algorithm }) => algorithm === 'ed25519'),
    witnesses: keys.filter(({ algorithm }) => algorithm === 'cosignature'),
  };
}
