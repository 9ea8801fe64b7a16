/** The write-ahead file of a log: an entry is in the log once it is here and on the disk. */
import { crc32 } from 'node:zlib';
import type { Appender, Disk } from './disk.ts';

const FRAME_BYTES = 8;

/** An entry as it lies in the file: its length and CRC-32, four bytes each, then itself. */
function frameOf(entry: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_BYTES + entry.length);
  frame.writeUInt32BE(entry.length, 0);
  frame.writeUInt32BE(crc32(entry), 4);
  frame.set(entry, FRAME_BYTES);
  return frame;
}

interface Read {
  readonly entries: readonly Buffer[];
  /** Where the last whole entry ends. */
  readonly bytes: number;
}

/** The whole entries at the beginning of a file: what a crash left half written ends them. */
export function entriesOf(file: Buffer, max_bytes: number): Read {
  const entries: Buffer[] = [];
  let at = 0;
  while (at + FRAME_BYTES <= file.length) {
    const length = file.readUInt32BE(at);
    const end = at + FRAME_BYTES + length;
    if (length > max_bytes || end > file.length) break;
    const entry = file.subarray(at + FRAME_BYTES, end);
    if (crc32(entry) !== file.readUInt32BE(at + 4)) break;
    entries.push(entry);
    at = end;
  }
  return { entries, bytes: at };
}

const SEGMENT = /^\d{16}$/;

/** The name of the file whose first entry has that index. */
export function segmentPath(start: number): string {
  return `wal/${String(start).padStart(16, '0')}`;
}

/** The first entries of the files that are there, in order. */
export async function segmentsOf(disk: Disk): Promise<number[]> {
  const names = await disk.list('wal');
  return names
    .filter((name) => SEGMENT.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

/** What became of a write. */
export type Written =
  | { readonly kind: 'durable' }
  /** None of it is in the file, which can be written to as before. */
  | { readonly kind: 'refused'; readonly error: unknown }
  /** Nobody can say what is on the disk: the file must be opened anew. */
  | { readonly kind: 'unknown'; readonly error: unknown };

/** One file that entries are written to. */
export class Segment {
  readonly start: number;
  readonly #file: Appender;
  #bytes: number;

  constructor(start: number, file: Appender, bytes: number) {
    this.start = start;
    this.#file = file;
    this.#bytes = bytes;
  }

  /** Writes the entries and waits for the disk. Never rejects. */
  async write(entries: readonly Uint8Array[]): Promise<Written> {
    const block = Buffer.concat(entries.map(frameOf));
    try {
      await this.#file.append(block);
    } catch (error) {
      // A full disk: what was written of the block goes, so that the next entries follow whole ones.
      return this.#file.truncate(this.#bytes).then(
        () => ({ kind: 'refused', error }),
        () => ({ kind: 'unknown', error }),
      );
    }
    try {
      await this.#file.sync();
    } catch (error) {
      // After a failed fsync pages may be lost that later ones report as written (Rebello et al., USENIX ATC 2020).
      return { kind: 'unknown', error };
    }
    this.#bytes += block.length;
    return { kind: 'durable' };
  }

  get bytes(): number {
    return this.#bytes;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
