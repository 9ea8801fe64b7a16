/** Checkpoints of one log at a place outside, each under its size, where nothing is written over. */
import { hash } from 'node:crypto';
import { decodeNote } from '@mcp/provenance/tlog';
import type { Shelf } from './shelf.ts';

/** Where something else stands under the name of a checkpoint, it gets another name: so many in all. */
const MAX_NAMES_OF_SIZE = 10;
/** A size with its digits filled up, so that names are in the order of sizes. */
const DIGITS = 16;
const NAME = /^(\d{16})(?:-\d)?\.txt$/;

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

/** The folder of a log: its name as far as folders may have it, and by its hash no other's. */
export function folderOf(origin: string): string {
  const readable = origin.replace(/[^A-Za-z0-9.-]/g, '_').replace(/^\.+/, '');
  return `${readable}-${hash('sha256', origin).slice(0, 8)}`;
}

/** An anchor whose checkpoints lie as they are: signed notes that anybody can read and verify. */
export function notesOn(shelf: Shelf): Anchor {
  return {
    place: shelf.place,
    async keep(note, size) {
      const others: string[] = [];
      for (let n = 0; n < MAX_NAMES_OF_SIZE; n++) {
        const name = `${String(size).padStart(DIGITS, '0')}${n === 0 ? '' : `-${n}`}.txt`;
        if (await shelf.put(name, note)) return others;
        const there = await shelf.get(name);
        if (there !== undefined && saysTheSame(there, note)) return others;
        others.push(there ?? '');
      }
      throw new Error(
        `${shelf.place} has ${MAX_NAMES_OF_SIZE} other texts under the names of the checkpoint of ${size}: look at who writes there.`,
      );
    },
    async list() {
      const names = (await shelf.list()).flatMap((name) => {
        const size = Number(NAME.exec(name)?.[1] ?? Number.NaN);
        return Number.isSafeInteger(size) ? [{ name, size }] : [];
      });
      return names.sort((a, b) => a.size - b.size);
    },
    read: (name) => shelf.get(name),
    close: () => shelf.close(),
  };
}

/** Whether both are over the same tree; who signed and cosigned may differ. */
function saysTheSame(there: string, note: string): boolean {
  try {
    return decodeNote(there).text === decodeNote(note).text;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return false;
  }
}
