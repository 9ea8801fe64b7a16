/** What a witness is asked, and what it answers: C2SP tlog-witness (https://c2sp.org/tlog-witness). */
import { type Checkpoint, checkpointOf } from './checkpoint.ts';
import { EMPTY_ROOT, HASH_BYTES, provesConsistency } from './merkle.ts';
import {
  decodeNote,
  encodeNote,
  encodeSignature,
  type Note,
  type Signature,
  type Signer,
  signersOf,
  signText,
  type Verifier,
} from './note.ts';

/** A proof of consistency has no more hashes. */
const MAX_HASHES = 63;

export interface Submission {
  /** Entries of the checkpoint that the witness has cosigned before; 0: none. */
  readonly old_size: number;
  /** That it is the beginning of the new one. */
  readonly hashes: readonly Uint8Array[];
  /** A signed note. */
  readonly checkpoint: string;
}

export function encodeSubmission({ old_size, hashes, checkpoint }: Submission): string {
  const lines = [`old ${old_size}`, ...hashes.map((hash) => Buffer.from(hash).toString('base64'))];
  return `${lines.join('\n')}\n\n${checkpoint}`;
}

/** Throws a TypeError that says what does not fit. */
function decodeSubmission(text: string): Submission {
  const split = text.indexOf('\n\n');
  const [first = '', ...lines] = text.slice(0, Math.max(split, 0)).split('\n');
  const size = /^old (0|[1-9]\d{0,15})$/.exec(first)?.[1];
  if (size === undefined || !Number.isSafeInteger(Number(size)))
    throw new TypeError('The first line is the size of the checkpoint before: old <number>.');
  if (lines.length > MAX_HASHES)
    throw new TypeError(`A proof of consistency has at most ${MAX_HASHES} hashes.`);
  const hashes = lines.map((line) => {
    const hash = Buffer.from(line, 'base64');
    if (hash.length !== HASH_BYTES || hash.toString('base64') !== line)
      throw new TypeError(`A line of the proof is 32 bytes in base64, not '${line.slice(0, 60)}'.`);
    return hash;
  });
  return { old_size: Number(size), hashes, checkpoint: text.slice(split + 2) };
}

export type Judgement =
  | {
      readonly status: 200;
      readonly origin: string;
      /** The line below the note. */
      readonly cosignature: string;
      /** What has to be on the disk before it is answered: the checkpoint with the log's signature and this one. */
      readonly note: string;
    }
  /** The witness has cosigned a checkpoint of that size last. */
  | { readonly status: 409; readonly size: number }
  | { readonly status: 400 | 403 | 404; readonly reason: string }
  /** `two_histories`: the log has signed two trees of one size. Else anybody may have sent a proof that does not hold. */
  | { readonly status: 422; readonly reason: string; readonly two_histories: boolean };

export interface WitnessKnows {
  readonly signer: Signer;
  /** The keys of a log; none: it is not known. */
  keysOf(origin: string): readonly Verifier[];
  /** What was cosigned last of a log, a signed note. */
  lastOf(origin: string): Promise<string | undefined>;
  readonly now_s: number;
}

/** Whether a checkpoint goes on from the one that was cosigned before, and its cosignature. Throws where that cannot be read. */
export async function judgeSubmission(text: string, knows: WitnessKnows): Promise<Judgement> {
  let given: { readonly submission: Submission; readonly note: Note; readonly checkpoint: Checkpoint };
  try {
    const submission = decodeSubmission(text);
    const note = decodeNote(submission.checkpoint);
    given = { submission, note, checkpoint: checkpointOf(note.text) };
  } catch (error) {
    return { status: 400, reason: error instanceof Error ? error.message : String(error) };
  }
  const { submission, note, checkpoint } = given;
  const { origin } = checkpoint;
  const keys = knows.keysOf(origin).filter(({ name }) => name === origin);
  if (keys.length === 0)
    return { status: 404, reason: `This witness does not watch the log ${origin.slice(0, 200)}.` };
  const signatures = trustedSignatures(note, keys);
  if (typeof signatures === 'string') return { status: 403, reason: signatures };
  if (submission.old_size > checkpoint.size)
    return {
      status: 400,
      reason: `The old size is ${submission.old_size}: it is at most that of the checkpoint, ${checkpoint.size}.`,
    };
  const last = await knows.lastOf(origin);
  const old = last === undefined ? undefined : checkpointOf(decodeNote(last).text);
  if (submission.old_size !== (old?.size ?? 0)) return { status: 409, size: old?.size ?? 0 };
  const flaw = flawOf(submission, checkpoint, old);
  if (flaw !== undefined) {
    const two_histories = old?.size === checkpoint.size && !old.root.equals(checkpoint.root);
    return { status: 422, reason: flaw, two_histories };
  }
  const own = signText(note.text, knows.signer, knows.now_s);
  return {
    status: 200,
    origin,
    cosignature: encodeSignature(own),
    note: encodeNote({ text: note.text, signatures: [...signatures, own] }),
  };
}

/** The log's signatures on its checkpoint, or why there is none. */
function trustedSignatures(note: Note, keys: readonly Verifier[]): readonly Signature[] | string {
  try {
    const signed = signersOf(note, keys);
    if (signed.length === 0) return 'The checkpoint is not signed by a key of its log that is known here.';
    return note.signatures.filter(({ name, key_id }) =>
      signed.some((key) => key.name === name && key.key_id.equals(key_id)),
    );
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function flawOf(
  { old_size, hashes }: Submission,
  { size, root }: Checkpoint,
  old: Checkpoint | undefined,
): string | undefined {
  if (size === 0 && !root.equals(EMPTY_ROOT))
    return 'A log without entries has the hash of nothing as its root.';
  if (old_size === 0)
    return hashes.length === 0 ? undefined : 'From a log without entries on nothing is proven.';
  if (old !== undefined && provesConsistency(hashes, { old, current: { size, root } })) return undefined;
  return `The log of ${size} entries is not proven to begin with the ${old_size} that were cosigned before.`;
}
