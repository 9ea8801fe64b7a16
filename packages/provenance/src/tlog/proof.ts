/** Proofs that an entry is in a log, which verify offline: https://c2sp.org/tlog-proof. */
import { checkpointOf } from './checkpoint.ts';
import { HASH_BYTES, leafHash, provesInclusion } from './merkle.ts';
import { decodeNote, signersOf, type Verifier } from './note.ts';

const HEADER = 'c2sp.org/tlog-proof@v1';
/** A tree of 2^63 entries has no longer path. */
const MAX_HASHES = 63;

export interface LogProof {
  readonly index: number;
  /** The audit path, from the entry's sibling upwards. */
  readonly hashes: readonly Uint8Array[];
  /** A signed note. */
  readonly checkpoint: string;
}

export function encodeProof({ index, hashes, checkpoint }: LogProof): string {
  const lines = [HEADER, `index ${index}`, ...hashes.map((hash) => Buffer.from(hash).toString('base64'))];
  return `${lines.join('\n')}\n\n${checkpoint}`;
}

/** Reads a proof without checking it. Throws a TypeError that says what does not fit. */
function decodeProof(text: string): LogProof {
  const split = text.indexOf('\n\n');
  const [header, ...lines] = text.slice(0, Math.max(split, 0)).split('\n');
  if (header !== HEADER) throw new TypeError(`A proof begins with the line ${HEADER}.`);
  // What is extra is not signed: it says nothing here.
  if (lines[0]?.startsWith('extra ') === true) lines.shift();
  const index = /^index (0|[1-9]\d{0,15})$/.exec(lines.shift() ?? '')?.[1];
  if (index === undefined || !Number.isSafeInteger(Number(index)))
    throw new TypeError('The second line of a proof is the index of its entry: index <number>.');
  if (lines.length > MAX_HASHES) throw new TypeError(`A proof has at most ${MAX_HASHES} hashes.`);
  const hashes = lines.map((line) => {
    const hash = Buffer.from(line, 'base64');
    if (hash.length !== HASH_BYTES || hash.toString('base64') !== line)
      throw new TypeError(`A line of a proof is 32 bytes in base64, not '${line.slice(0, 60)}'.`);
    return hash;
  });
  return { index: Number(index), hashes, checkpoint: text.slice(split + 2) };
}

/** Whose signatures count. */
export interface TrustedKeys {
  /** The log's keys: the present one and those before it. */
  readonly log: readonly Verifier[];
  readonly witnesses: readonly Verifier[];
}

export interface ProvenPlace {
  readonly origin: string;
  readonly index: number;
  /** Entries of the log when the checkpoint was signed. */
  readonly size: number;
  /** Names of those witnesses that cosigned it. */
  readonly witnesses: readonly string[];
}

/** Checks that an entry is in the log as the proof says. Throws a TypeError that says what does not fit. */
export function openProof(text: string, entry: Uint8Array, keys: TrustedKeys): ProvenPlace {
  const { index, hashes, checkpoint } = decodeProof(text);
  const note = decodeNote(checkpoint);
  const { origin, size, root } = checkpointOf(note.text);
  const signed = signersOf(note, keys.log).some(({ name }) => name === origin);
  if (!signed)
    throw new TypeError(
      `The checkpoint of ${origin.slice(0, 80)} is not signed by a key that is known here.`,
    );
  if (!provesInclusion(hashes, { leaf: leafHash(entry), index, size, root }))
    throw new TypeError(`The entry is not number ${index} of the ${size} entries of ${origin.slice(0, 80)}.`);
  return { origin, index, size, witnesses: signersOf(note, keys.witnesses).map(({ name }) => name) };
}
