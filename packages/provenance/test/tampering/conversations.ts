/** Tamperings with conversation logs and proof bundles, each with the record that has to be named. */
import type { ConversationLog, LogRecord, ProofBundle } from '@mcp/contracts';
import { signLog, verifyBundle, verifyLog } from '../../src/index.ts';
import { bundleOf, keyPair, LOG, type Proven, TRUSTED } from '../bundles.ts';
import { chained, type Draft, headerOf, logOf, OTHER_SECRET, recordOf, SECRET } from '../logs.ts';
import { type Chance, chanceOf, flipped, type Kind, type Outcome, outcomeOf, type Said } from './outcome.ts';

const STRANGER = keyPair(LOG.name);

interface Sample extends Proven {
  readonly log: ConversationLog;
  /** Records that a session's entry proves together; those behind have an entry each. */
  readonly closed: number;
  /** The same bundle by a key that is not the log's. */
  readonly forged: ProofBundle;
}

export interface ConversationsWorld {
  readonly samples: readonly Sample[];
}

function draftFor(chance: Chance, n: number): Draft {
  const kinds = ['question', 'turn', 'critique', 'summary'] as const;
  const content = `${n} ${chance.below(1e9).toString(36)}`;
  return {
    content,
    kind: chance.pick(kinds),
    by: chance.pick(['modelA', 'modelB', 'critic']),
    parents: [chance.below(9)],
  };
}

export async function conversationsWorld(seed: number): Promise<ConversationsWorld> {
  const chance = chanceOf(seed);
  const samples: Sample[] = [];
  for (let n = 0; n < 16; n++) {
    const records = 2 + chance.below(10);
    const drafts = Array.from({ length: records }, (_, at) => draftFor(chance, at));
    const log = logOf(drafts, n % 2 === 0 ? 1 : 2);
    const closed = chance.below(records + 1);
    const { bundle: forged } = await bundleOf(log, closed, [STRANGER]);
    samples.push({ ...(await bundleOf(log, closed)), log, closed, forged });
  }
  return { samples };
}

const saidOf = ({ ok, broken_at, reason }: ReturnType<typeof verifyLog>): Said => ({
  ok,
  at: broken_at,
  reason: reason ?? '',
});
const ofLog = (log: unknown) => saidOf(verifyLog(log, { secret: SECRET }));
const ofBundle = (bundle: unknown) => saidOf(verifyBundle(bundle, { secret: SECRET, keys: TRUSTED }));

/** A verification of a log and a bundle as they are, which has to find nothing. */
export function cleanConversation({ samples }: ConversationsWorld, chance: Chance): boolean {
  const { log, bundle } = chance.pick(samples);
  return ofLog(log).ok && ofBundle(bundle).ok;
}

/** Of either version. */
const recordsOf = ({ messages }: ConversationLog): readonly LogRecord[] => messages;
const logWith = (log: ConversationLog, messages: readonly LogRecord[]) =>
  ({ ...log, messages }) as ConversationLog;

const FIELDS = ['content', 'hash', 'hash_prev', 'at', 'trace_id', 'message_id', 'role'];

interface Edit {
  readonly log: ConversationLog;
  readonly expected: readonly number[] | null;
}

const end = ({ messages }: ConversationLog) => [messages.length];

/** A record that was never said, chained to the one before it as by somebody without PROV_SECRET. */
function forgedAt(log: ConversationLog, at: number, chance: Chance): LogRecord {
  const { version } = log;
  const record = recordOf({ ...draftFor(chance, at), parents: [] }, 0, version);
  const step = version === 2 ? { step: `s9${at}`, parents: [] } : {};
  const before = recordsOf(log)
    .slice(0, at)
    .map(({ seq: _seq, hash: _hash, hash_prev: _prev, ...rest }) => rest);
  return chained(headerOf(version), [...before, { ...record, ...step }]).at(-1) as LogRecord;
}

/** By somebody who does not have PROV_SECRET. */
const LOG_CHANGES: Partial<
  Record<Kind, (log: ConversationLog, chance: Chance, other: ConversationLog) => Edit>
> = {
  'bit flip': (log, chance) => {
    const at = chance.below(recordsOf(log).length);
    const record = recordsOf(log)[at] as LogRecord & Record<string, unknown>;
    const field = chance.pick(FIELDS);
    const text = Buffer.from(String(record[field]));
    const changed = flipped(text, chance.below(text.length), chance).toString();
    return {
      log: logWith(log, recordsOf(log).with(at, { ...record, [field]: changed })),
      expected: [at],
    };
  },
  deletion: (log, chance) => {
    const at = chance.below(recordsOf(log).length);
    return { log: logWith(log, recordsOf(log).toSpliced(at, 1)), expected: [at] };
  },
  reordering: (log, chance) => {
    const at = chance.below(recordsOf(log).length - 1);
    const to = at + 1 + chance.below(recordsOf(log).length - at - 1);
    const [one, two] = [recordsOf(log)[at] as LogRecord, recordsOf(log)[to] as LogRecord];
    return {
      log: logWith(log, recordsOf(log).with(at, two).with(to, one)),
      expected: [at],
    };
  },
  truncation: (log, chance) => {
    const at = chance.below(recordsOf(log).length);
    return { log: logWith(log, recordsOf(log).slice(0, at)), expected: [at] };
  },
  insertion: (log, chance) => {
    const at = chance.below(recordsOf(log).length + 1);
    const messages = recordsOf(log).toSpliced(at, 0, forgedAt(log, at, chance));
    // What was chained in rightly is told from what follows it: one of the two is wrong.
    return { log: logWith(log, messages), expected: [at, at + 1] };
  },
  replay: (log, chance) => {
    const from = chance.below(recordsOf(log).length);
    const at = chance.below(recordsOf(log).length + 1);
    const messages = recordsOf(log).toSpliced(at, 0, recordsOf(log)[from] as LogRecord);
    return { log: logWith(log, messages), expected: [from === at ? at + 1 : at] };
  },
  'swapped signature': (log, chance, other) => {
    const { messages, head: _head, mac: _mac, ...header } = log;
    const choices = [
      { ...log, mac: other.mac },
      { ...log, head: other.head },
      signLog(header, messages, OTHER_SECRET),
    ];
    return { log: chance.pick(choices) as ConversationLog, expected: end(log) };
  },
};

/** Somebody who holds PROV_SECRET makes the chain anew over other records. */
function remade(log: ConversationLog, messages: readonly LogRecord[]): ConversationLog {
  const { messages: _messages, head: _head, mac: _mac, ...header } = log;
  return signLog(header, chained(header, messages), SECRET);
}

interface BundleEdit {
  readonly bundle: unknown;
  readonly expected: readonly number[] | null;
}

/** A record that only a session's root proves is not told from its neighbours. */
const single = (at: number, closed: number) => (at >= closed ? [at] : null);

/** The record that the entry of a bundle is of; null: it is a session's. */
function recordOfEntry({ closed }: Sample, at: number): readonly number[] | null {
  if (closed === 0) return [at];
  return at === 0 ? null : [closed + at - 1];
}

/** By somebody who has PROV_SECRET, and not the key of the transparency log. */
const BUNDLE_CHANGES: Partial<
  Record<Kind, (sample: Sample, chance: Chance) => BundleEdit | Promise<BundleEdit>>
> = {
  'bit flip': (sample, chance) => {
    const { bundle, log, closed } = sample;
    if (chance.below(2) === 0) {
      const at = chance.below(recordsOf(log).length);
      const record = recordsOf(log)[at] as LogRecord;
      const content = `${record.content}${chance.below(10)}`;
      return {
        bundle: { ...bundle, log: remade(log, recordsOf(log).with(at, { ...record, content })) },
        expected: single(at, closed),
      };
    }
    const at = chance.below(bundle.entries.length);
    const { entry, proof } = bundle.entries[at] as { entry: string; proof: string };
    const bytes = Buffer.from(proof);
    const changed = flipped(bytes, chance.below(bytes.lastIndexOf('\u2014') - 1), chance).toString();
    const expected = recordOfEntry(sample, at);
    return { bundle: { ...bundle, entries: bundle.entries.with(at, { entry, proof: changed }) }, expected };
  },
  deletion: (sample, chance) => {
    const at = chance.below(sample.bundle.entries.length);
    const expected = recordOfEntry(sample, at) ?? [0];
    return { bundle: { ...sample.bundle, entries: sample.bundle.entries.toSpliced(at, 1) }, expected };
  },
  truncation: ({ bundle, log }, chance) => cutTo(bundle, log, chance.below(recordsOf(log).length)),
  rollback: ({ bundle, log }, chance) => cutTo(bundle, log, chance.below(recordsOf(log).length)),
  insertion: ({ bundle, log, closed }, chance) => {
    const at = chance.below(recordsOf(log).length + 1);
    const messages = recordsOf(log).toSpliced(at, 0, forgedAt(log, at, chance));
    return { bundle: { ...bundle, log: remade(log, messages) }, expected: single(at, closed) };
  },
  replay: async ({ bundle, proofOf }, chance) => {
    // An entry of another conversation, with its own good proof.
    const others = await proofOf(chance.below(2));
    return { bundle: { ...bundle, entries: [...bundle.entries, others] }, expected: null };
  },
  reordering: (sample) => {
    const { bundle } = sample;
    const [one, two] = bundle.entries;
    if (one === undefined || two === undefined) return { bundle: undefined, expected: null };
    const entries = [{ ...one, proof: two.proof }, { ...two, proof: one.proof }, ...bundle.entries.slice(2)];
    return { bundle: { ...bundle, entries }, expected: recordOfEntry(sample, 0) };
  },
  'split view': (sample) => ({ bundle: sample.forged, expected: recordOfEntry(sample, 0) }),
  'swapped signature': (sample, chance) => {
    const { bundle, forged } = sample;
    const at = chance.below(bundle.entries.length);
    const { entry, proof } = bundle.entries[at] as { entry: string; proof: string };
    const theirs = forged.entries[at]?.proof ?? '';
    const cut = (text: string) => text.indexOf('\u2014');
    const swapped = proof.slice(0, cut(proof)) + theirs.slice(cut(theirs));
    return {
      bundle: { ...bundle, entries: bundle.entries.with(at, { entry, proof: swapped }) },
      expected: recordOfEntry(sample, at),
    };
  },
};

function cutTo(bundle: ProofBundle, log: ConversationLog, at: number): BundleEdit {
  return { bundle: { ...bundle, log: remade(log, recordsOf(log).slice(0, at)) }, expected: [at] };
}

/** One tampering of a kind with a conversation log or a bundle; undefined where it would change nothing. */
export async function tamperWithConversations(
  { samples }: ConversationsWorld,
  kind: Kind,
  chance: Chance,
): Promise<Outcome | undefined> {
  const sample = chance.pick(samples);
  const change = LOG_CHANGES[kind];
  if (change !== undefined && chance.below(2) === 0) {
    const other = chance.pick(samples).log;
    if (other === sample.log) return undefined;
    const { log, expected } = change(sample.log, chance, other);
    return outcomeOf({ target: 'conversation log', kind }, ofLog(log), expected);
  }
  const edit = await BUNDLE_CHANGES[kind]?.(sample, chance);
  if (edit?.bundle === undefined) return undefined;
  return outcomeOf({ target: 'proof bundle', kind }, ofBundle(edit.bundle), edit.expected);
}
