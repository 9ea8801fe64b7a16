/** Checkpoints of one log at a place outside, each under its size, where nothing is written over. */
import { hash } from 'node:crypto';
import { decodeNote } from '@mcp/provenance/tlog';
import type { Shelf } from './shelf.ts';

/** Where something else stands under the name of a checkpoint, it gets another name: so many in all. */
const MAX_NAMES_OF_SIZE = 10;
/** A size with its digits filled up, so that names are in the order of sizes. */
const DIGITS = 16;
const NAME = /^(\d{16})(?:-\d)?(\..+)$/;

/** A checkpoint that an anchor has, by its name there. */
export interface AnchoredName {
  readonly name: string;
  /** Entries, as the name says. */
  readonly size: number;
}

export interface Anchor {
  /** Where it is, without secrets. */
  readonly place: string;
  /**
   * Keeps a checkpoint, a signed note over `size` entries. Resolves once it is durable there, with what else stands
   * under that size. Throws where it cannot be kept.
   */
  keep(note: string, size: number): Promise<readonly string[]>;
  /** What it has, the smallest first. */
  list(): Promise<readonly AnchoredName[]>;
  /** A signed note, unchecked; undefined: it cannot be read as one of ours. */
  read(name: string): Promise<string | undefined>;
  close(): void;
}

/** How a checkpoint lies on a shelf. */
export interface Form {
  /** Of its name, from the dot on. */
  readonly ending: string;
  /** What is kept of a note. Throws where it cannot be made now. */
  encode(note: string): Promise<string>;
  /** The note in it; undefined: it is not one of ours. */
  decode(text: string): string | undefined;
}

/** Notes as they are: any C2SP verifier reads them. */
const NOTES: Form = { ending: '.txt', encode: async (note) => note, decode: (text) => text };

/** The folder of a log: its name as far as folders may have it, and by its hash no other's. */
export function folderOf(origin: string): string {
  const readable = origin.replace(/[^A-Za-z0-9.-]/g, '_').replace(/^\.+/, '');
  return `${readable}-${hash('sha256', origin).slice(0, 8)}`;
}

export function anchorOn(shelf: Shelf, form: Form = NOTES): Anchor {
  const { ending, encode, decode } = form;
  const read = async (name: string) => {
    const text = await shelf.get(name);
    return text === undefined ? undefined : decode(text);
  };
  return {
    place: shelf.place,
    read,
    async keep(note, size) {
      const others: string[] = [];
      let text: string | undefined;
      for (let n = 0; n < MAX_NAMES_OF_SIZE; n++) {
        const name = `${String(size).padStart(DIGITS, '0')}${n === 0 ? '' : `-${n}`}${ending}`;
        const before = await shelf.get(name);
        text ??= before === undefined ? await encode(note) : undefined;
        // Between both somebody else may have come.
        if (before === undefined && text !== undefined && (await shelf.put(name, text))) return others;
        const there = before === undefined ? await read(name) : decode(before);
        if (there !== undefined && saysTheSame(there, note)) return others;
        others.push(there ?? '');
      }
      throw new Error(
        `${shelf.place} has ${MAX_NAMES_OF_SIZE} other texts under the names of the checkpoint of ${size}: look at who writes there.`,
      );
    },
    async list() {
      const names = (await shelf.list()).flatMap((name) => {
        const [, digits, its_ending] = NAME.exec(name) ?? [];
        const size = Number(digits ?? Number.NaN);
        return its_ending === ending && Number.isSafeInteger(size) ? [{ name, size }] : [];
      });
      return names.sort((a, b) => a.size - b.size);
    },
    close: () => shelf.close(),
  };
}

/** Whether both are over the same tree; who signed and cosigned may differ. */
function saysTheSame(there: string, note: string): boolean {
  if (there === note) return true;
  try {
    return decodeNote(there).text === decodeNote(note).text;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return false;
  }
}
