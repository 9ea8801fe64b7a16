/** Checkpoints of a log (https://c2sp.org/tlog-checkpoint): how many entries it has, and the root over them. */
import { HASH_BYTES } from './merkle.ts';
import { decodeNote, type Note, signersOf, type Verifier } from './note.ts';

export interface Checkpoint {
  /** The log's name, as the first line of its checkpoints. */
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
}

export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${root.toString('base64')}\n`;
}

/** Reads the text of a checkpoint; lines behind the third are extensions and are passed over. Throws a TypeError. */
export function checkpointOf(text: string): Checkpoint {
  const [origin = '', size = '', root = ''] = text.split('\n');
  const hash = Buffer.from(root, 'base64');
  if (origin === '' || !/^(0|[1-9]\d{0,15})$/.test(size) || !Number.isSafeInteger(Number(size)))
    throw new TypeError('A checkpoint begins with a line for its origin and one for its size.');
  if (hash.length !== HASH_BYTES || hash.toString('base64') !== root)
    throw new TypeError('The third line of a checkpoint is its root: 32 bytes in base64.');
  return { origin, size: Number(size), root: hash };
}

export interface SignedCheckpoint extends Checkpoint {
  readonly note: Note;
}

/** Reads a checkpoint that a key of the log has signed. Throws a TypeError that says what does not fit. */
export function openCheckpoint(signed: string, log: Verifier | readonly Verifier[]): SignedCheckpoint {
  const note = decodeNote(signed);
  const keys = 'name' in log ? [log] : log;
  const name = keys[0]?.name ?? 'its log';
  if (signersOf(note, keys).length === 0) {
    const ids = keys.map(({ key_id }) => key_id.toString('hex')).join(', ');
    throw new TypeError(
      `The checkpoint is not signed by ${name} (${keys.length > 1 ? 'keys' : 'key'} ${ids}).`,
    );
  }
  const checkpoint = checkpointOf(note.text);
  if (checkpoint.origin !== name)
    throw new TypeError(`The checkpoint is one of ${checkpoint.origin.slice(0, 80)}, not of ${name}.`);
  return { ...checkpoint, note };
}
