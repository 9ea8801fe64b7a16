/** Checks the files of a log against its signed checkpoint: every entry, tile and bundle, and says which entry is wrong. */
import { openCheckpoint, type SignedCheckpoint } from './checkpoint.ts';
import type { Disk } from './disk.ts';
import { Edge, type FullTile } from './edge.ts';
import { HASH_BYTES, leafHash } from './merkle.ts';
import { signersOf, type Verifier } from './note.ts';
import { bundlePath, decodeBundle, encodeBundle, MAX_ENTRY_BYTES, TILE_WIDTH, tilePath } from './tiles.ts';
import { entriesOf, segmentPath, segmentsOf } from './wal.ts';

interface LogCheckOptions {
  readonly disk: Disk;
  /** The log's key, or its keys. */
  readonly log: Verifier | readonly Verifier[];
  /** Those that may have cosigned: a cosignature of theirs has to fit. */
  readonly witnesses?: readonly Verifier[];
  /** True where nobody writes to it: then its write-ahead files have no entry that is not signed. */
  readonly closed?: boolean;
  /** What the log was before, kept by somebody else: it has to be its beginning. */
  readonly remembered?: readonly { readonly size: number; readonly root: Uint8Array }[];
}

export type LogVerdict =
  | { readonly ok: true; readonly size: number; readonly root: Buffer }
  /** `entry`: the first that is wrong; null where none can be named, as of a checkpoint that is not the log's. */
  | { readonly ok: false; readonly entry: number | null; readonly reason: string };

class Fault extends Error {
  readonly entry: number | null;

  constructor(entry: number | null, reason: string) {
    super(reason);
    this.entry = entry;
  }
}

/** Reads all of the log, one bundle at a time. Throws where the disk cannot be read. */
export async function checkLog(options: LogCheckOptions): Promise<LogVerdict> {
  try {
    const checkpoint = await checkpointIn(options);
    await checkEntries(options, checkpoint);
    await checkWriteAhead(options, checkpoint.size);
    return { ok: true, size: checkpoint.size, root: checkpoint.root };
  } catch (error) {
    if (error instanceof Fault) return { ok: false, entry: error.entry, reason: error.message };
    throw error;
  }
}

async function checkpointIn({
  disk,
  log,
  witnesses = [],
  remembered = [],
}: LogCheckOptions): Promise<SignedCheckpoint> {
  const signed = await disk.read('checkpoint');
  if (signed === undefined) throw new Fault(0, 'The checkpoint of the log is missing.');
  let checkpoint: SignedCheckpoint;
  try {
    checkpoint = openCheckpoint(signed.toString(), log);
    signersOf(checkpoint.note, witnesses);
  } catch (error) {
    throw new Fault(null, error instanceof Error ? error.message : String(error));
  }
  const most = Math.max(0, ...remembered.map(({ size }) => size));
  if (checkpoint.size < most)
    throw new Fault(
      checkpoint.size,
      `The log was rolled back: it has ${checkpoint.size} entries, and ${most} were signed before.`,
    );
  return checkpoint;
}

async function checkEntries(
  { disk, remembered = [] }: LogCheckOptions,
  { size, root }: SignedCheckpoint,
): Promise<void> {
  const edge = new Edge();
  /** The first difference between the tiles and what the entries give. */
  let differs: Fault | undefined;
  const compare = async (tile: FullTile) => {
    differs ??= await differenceOf(disk, tile);
  };
  const before = new Map(remembered.map((one) => [one.size, one.root]));
  /** Entries that are those of a checkpoint before; and where they are not, unless a file says it better. */
  let same = 0;
  let others: Fault | undefined;
  const compareRemembered = () => {
    const known = before.get(edge.size);
    if (known === undefined || others !== undefined) return;
    if (edge.root().equals(known)) same = edge.size;
    else
      others = new Fault(
        same,
        `The first ${edge.size} entries are others than those that were signed before: one from ${same} on differs.`,
      );
  };
  compareRemembered();
  for (let at = 0; at < size; at += TILE_WIDTH) {
    const width = Math.min(TILE_WIDTH, size - at);
    const entries = await bundleIn(disk, at, width);
    for (const entry of entries) {
      for (const tile of edge.add(entry)) await compare(tile);
      compareRemembered();
    }
    if (width < TILE_WIDTH) differs ??= await checkBundleParts(disk, at, entries);
  }
  for (const tile of edge.tiles()) {
    await compare(tile);
    differs ??= await checkParts(disk, tile);
  }
  const fault = differs ?? others;
  if (fault !== undefined) throw fault;
  if (!edge.root().equals(root))
    throw new Fault(
      same,
      `The entries were rebuilt: they and their tiles fit each other, and not the checkpoint that was signed over ${size}; one from ${same} on differs.`,
    );
}

/** The entries of a bundle. Where it is broken, its tile says which of them is the first that is wrong. */
async function bundleIn(disk: Disk, at: number, width: number): Promise<readonly Buffer[]> {
  const path = bundlePath(at / TILE_WIDTH, width);
  const bytes = await readPart(disk, path, width);
  if (bytes === undefined) throw new Fault(at, `The entries from ${at} on are missing: there is no ${path}.`);
  try {
    return decodeBundle(bytes, width);
  } catch (error) {
    const hashes = await disk.read(tilePath({ level: 0, index: at / TILE_WIDTH, width }));
    const first = firstWrong(bytes, width, hashes);
    const why = error instanceof Error ? error.message : String(error);
    throw new Fault(at + first, `Entry ${at + first} is not what was signed: ${path} is broken. ${why}`);
  }
}

/** The first entry of a broken bundle that is cut, or has another hash than its tile says. */
function firstWrong(bundle: Buffer, width: number, hashes: Buffer | undefined): number {
  let at = 0;
  for (let n = 0; n < width; n++) {
    if (at + 2 > bundle.length) return n;
    const end = at + 2 + bundle.readUInt16BE(at);
    const hash = hashes?.subarray(n * HASH_BYTES, (n + 1) * HASH_BYTES);
    if (end > bundle.length || (hash !== undefined && !leafHash(bundle.subarray(at + 2, end)).equals(hash)))
      return n;
    at = end;
  }
  return width - 1;
}

/** A file of the log; of a part whose place a full one has taken, that one's first bytes. */
async function readPart(disk: Disk, path: string, width: number): Promise<Buffer | undefined> {
  const bytes = await disk.read(path);
  if (bytes !== undefined || width === TILE_WIDTH) return bytes;
  const full = await disk.read(path.slice(0, path.lastIndexOf('.p/')));
  if (full === undefined || path.startsWith('tile/entries/')) return full && cutBundle(full, width);
  return full.subarray(0, width * HASH_BYTES);
}

function cutBundle(bundle: Buffer, width: number): Buffer {
  let at = 0;
  for (let n = 0; n < width && at + 2 <= bundle.length; n++) at += 2 + bundle.readUInt16BE(at);
  return bundle.subarray(0, at);
}

/** Where a tile's file is not what the entries give. */
async function differenceOf(disk: Disk, tile: FullTile): Promise<Fault | undefined> {
  const path = tilePath(tile);
  const given = await readPart(disk, path, tile.width);
  const span = TILE_WIDTH ** tile.level;
  const entryAt = (n: number) => (tile.index * TILE_WIDTH + n) * span;
  if (given === undefined)
    return new Fault(
      entryAt(0),
      `The hashes of the entries from ${entryAt(0)} on are missing: there is no ${path}.`,
    );
  if (given.equals(tile.hashes)) return undefined;
  const entry = entryAt(firstDifference(given, tile.hashes, HASH_BYTES));
  const which = span === 1 ? `Entry ${entry} does` : `Entries ${entry} to ${entry + span - 1} do`;
  return new Fault(entry, `${which} not fit the hash in ${path}: one of the two was changed.`);
}

/** Parts that earlier readers may still ask for are beginnings of what is there now. */
async function checkParts(disk: Disk, { level, index, width, hashes }: FullTile): Promise<Fault | undefined> {
  const full = tilePath({ level, index, width: TILE_WIDTH });
  for (const name of await disk.list(`${full}.p`)) {
    const part = await disk.read(`${full}.p/${name}`);
    // One that is wider is of a checkpoint that is being made, or was to be made before a crash.
    const bytes = Math.min(Number(name), width) * HASH_BYTES;
    const known = hashes.subarray(0, bytes);
    if (part === undefined || (Number(name) > width ? part.subarray(0, bytes) : part).equals(known)) continue;
    const n = firstDifference(part, known, HASH_BYTES);
    return new Fault(
      (index * TILE_WIDTH + n) * TILE_WIDTH ** level,
      `${full}.p/${name} is not a beginning of the tile that is there now.`,
    );
  }
  return undefined;
}

/** The same of a bundle, by its entries. */
async function checkBundleParts(
  disk: Disk,
  at: number,
  entries: readonly Buffer[],
): Promise<Fault | undefined> {
  const full = bundlePath(at / TILE_WIDTH, TILE_WIDTH);
  for (const name of await disk.list(`${full}.p`)) {
    const given = await disk.read(`${full}.p/${name}`);
    const width = Math.min(Number(name), entries.length);
    const known = encodeBundle(entries.slice(0, width));
    if (given === undefined || (Number(name) > width ? cutBundle(given, width) : given).equals(known))
      continue;
    const n = firstWrong(given, width, Buffer.concat(entries.map(leafHash)));
    return new Fault(at + n, `${full}.p/${name} is not a beginning of the entries that are there now.`);
  }
  return undefined;
}

/** The first of the units in which the two differ; the last where one only goes on behind the other. */
function firstDifference(given: Buffer, known: Buffer, unit: number): number {
  for (let n = 0; n * unit < known.length; n++)
    if (!given.subarray(n * unit, (n + 1) * unit).equals(known.subarray(n * unit, (n + 1) * unit))) return n;
  return Math.max(0, known.length / unit - 1);
}

/** The write-ahead files have the newest entries once more; all that is signed has to be there. */
async function checkWriteAhead({ disk, closed }: LogCheckOptions, size: number): Promise<void> {
  const starts = await segmentsOf(disk);
  if (starts.length === 0) throw new Fault(null, 'The write-ahead files of the log are missing.');
  let end = starts[0] ?? 0;
  for (const start of starts) {
    const file = await disk.read(segmentPath(start));
    // Removed meanwhile: a log that is in use lets go of what lies in full tiles.
    if (file === undefined) continue;
    if (start !== end && start > (starts[0] ?? 0))
      throw new Fault(end, `The write-ahead files have no entries from ${end} on, and go on with ${start}.`);
    const { entries } = entriesOf(file, MAX_ENTRY_BYTES);
    await compareEntries(disk, { entries, start, size });
    end = start + entries.length;
  }
  if (closed === true && end > size)
    throw new Fault(
      size,
      `Entries from ${size} on are in the write-ahead files and were not signed, in a log that was closed.`,
    );
  if (end < size)
    throw new Fault(end, `Entry ${end} is missing in the write-ahead files, of ${size} that were signed.`);
}

async function compareEntries(
  disk: Disk,
  {
    entries,
    start,
    size,
  }: { readonly entries: readonly Buffer[]; readonly start: number; readonly size: number },
): Promise<void> {
  for (let at = start; at < Math.min(size, start + entries.length); at += TILE_WIDTH) {
    const signed = await bundleIn(disk, at, Math.min(TILE_WIDTH, size - at));
    for (const [n, entry] of signed.entries())
      if (at + n < start + entries.length && entries[at + n - start]?.equals(entry) === false)
        throw new Fault(
          at + n,
          `Entry ${at + n} is another one in its write-ahead file than the one that was signed.`,
        );
  }
}
