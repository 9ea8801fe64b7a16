/** Writes the files of a log anew from a copy of its entries, so that it goes on: only where they are what it has signed. */
import { type Checkpoint, openCheckpoint } from './checkpoint.ts';
import type { Disk } from './disk.ts';
import type { Verifier } from './note.ts';
import { LogDamagedError, TileStore } from './tile-store.ts';
import { bundlePath, decodeBundle, TILE_WIDTH } from './tiles.ts';
import { Segment, segmentPath } from './wal.ts';

/** Bundles that are in memory before they are written. */
const BUNDLES_AT_ONCE = 64;

export interface RebuildOptions {
  /** Where the log is to be; nothing may be there. */
  readonly disk: Disk;
  /** Its keys, any of which counts. */
  readonly log: Verifier | readonly Verifier[];
  /** The log's checkpoint over what the copy has, a signed note. */
  readonly checkpoint: string;
  /** What others have of the log, signed notes: it has to begin with each of them. */
  readonly known: readonly string[];
  /** Reads an entry bundle of the copy by its path. */
  bundle(path: string): Promise<Uint8Array>;
}

/**
 * Resolves with the entries of the log once it is on the disk; until then there is no checkpoint, and it is no log.
 * Throws a TypeError for a checkpoint that is not the log's, `LogDamagedError` where the copy is not what was signed.
 */
export async function rebuildLog(options: RebuildOptions): Promise<number> {
  const { disk, log, checkpoint } = options;
  const signed = openCheckpoint(checkpoint, log);
  const known = options.known.map((note) => openCheckpoint(note, log));
  for (const { size } of known)
    if (size > signed.size)
      throw new LogDamagedError(
        `The copy has ${signed.size} entries, and ${size} were signed and seen by others: those from ${signed.size} on are missing in it.`,
      );
  const store = new TileStore(disk);
  let rest: readonly Buffer[] = [];
  for (let at = 0; at < signed.size; at += TILE_WIDTH) {
    const width = Math.min(TILE_WIDTH, signed.size - at);
    const entries = decodeBundle(await options.bundle(bundlePath(at / TILE_WIDTH, width)), width);
    for (const entry of entries) {
      store.add(entry);
      compare(store, known);
    }
    rest = width < TILE_WIDTH ? entries : [];
    if ((at / TILE_WIDTH) % BUNDLES_AT_ONCE === 0) await store.write({ ...store.snapshot(), unfinished: [] });
  }
  compare(store, [signed]);
  await store.write(store.snapshot());
  await store.sync();
  const start = signed.size - rest.length;
  const segment = new Segment(start, await disk.append(segmentPath(start)), 0);
  const written = rest.length === 0 ? undefined : await segment.write(rest);
  await segment.close();
  if (written !== undefined && written.kind !== 'durable') throw written.error;
  await disk.replace('checkpoint', Buffer.from(checkpoint));
  return signed.size;
}

function compare(store: TileStore, signed: readonly Checkpoint[]): void {
  for (const { size, root } of signed)
    if (size === store.size && !root.equals(store.root))
      throw new LogDamagedError(`The first ${size} entries of the copy are not those that were signed.`);
}
