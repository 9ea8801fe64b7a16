/** Tamperings with the files of a transparency log and its checkpoint, each with the entry that has to be named. */
import { generateKeyPairSync } from 'node:crypto';
import { checkLog } from '../../src/tlog/check.ts';
import { checkpointText, openCheckpoint } from '../../src/tlog/checkpoint.ts';
import { TransparencyLog } from '../../src/tlog/log.ts';
import { HASH_BYTES } from '../../src/tlog/merkle.ts';
import { decodeNote, encodeNote, type Signer, signerOf, signText } from '../../src/tlog/note.ts';
import { TILE_WIDTH } from '../../src/tlog/tiles.ts';
import { MemoryDisk } from '../tlog/memory-disk.ts';
import { type Chance, chanceOf, flipped, type Kind, type Outcome, outcomeOf } from './outcome.ts';

const NOW_S = 1_700_000_000;
const key = (name: string, algorithm: 'ed25519' | 'cosignature'): Signer =>
  signerOf(generateKeyPairSync('ed25519').privateKey, { name, algorithm });
const LOG = key('log.example/eu', 'ed25519');
const STRANGER = key('log.example/eu', 'ed25519');
const WITNESS = key('witness.example/us', 'cosignature');

interface State {
  readonly disk: MemoryDisk;
  readonly size: number;
  readonly root: Buffer;
}

export interface FilesWorld {
  /** The log at some moments, the last as it is now. */
  readonly states: readonly State[];
  readonly now: State;
  /** Other logs of the same key, each the same up to an entry. */
  readonly forks: readonly { readonly disk: MemoryDisk; readonly differs_from: number }[];
}

const entryOf = (n: number, of: string) =>
  Buffer.from(JSON.stringify({ n, of, pad: 'x'.repeat((n * 7) % 90) }));

async function written(sizes: readonly number[], textOf: (n: number) => Buffer): Promise<readonly State[]> {
  const disk = new MemoryDisk();
  const log = await TransparencyLog.open({ disk, signer: LOG, segment_entries: TILE_WIDTH });
  const states: State[] = [];
  for (const size of sizes) {
    await Promise.all(Array.from({ length: size - log.size }, (_, n) => log.append(textOf(log.size + n))));
    await log.publish();
    const { root } = openCheckpoint(log.checkpoint, LOG);
    const { text, signatures } = decodeNote(log.checkpoint);
    const cosigned = encodeNote({ text, signatures: [...signatures, signText(text, WITNESS, NOW_S)] });
    const copy = disk.copy();
    copy.files.set('checkpoint', Buffer.from(cosigned));
    states.push({ disk: copy, size, root });
  }
  return states;
}

export async function filesWorld(seed: number): Promise<FilesWorld> {
  const chance = chanceOf(seed);
  const size = TILE_WIDTH + 20 + chance.below(300);
  const sizes = [...new Set([1, 1 + chance.below(200), 260, size - 9, size - 1, size])].sort((a, b) => a - b);
  const states = await written(sizes, (n) => entryOf(n, 'log'));
  const forks = [];
  for (let n = 0; n < 8; n++) {
    const differs_from = chance.below(size);
    const of = (at: number) => entryOf(at, at < differs_from ? 'log' : 'fork');
    const [fork] = await written([size + chance.below(2) * chance.below(50)], of);
    if (fork !== undefined) forks.push({ disk: fork.disk, differs_from });
  }
  return { states, now: states.at(-1) as State, forks };
}

/** What somebody says who kept checkpoints of the log. */
async function checked(world: FilesWorld, disk: MemoryDisk) {
  const verdict = await checkLog({
    disk,
    log: LOG,
    witnesses: [WITNESS],
    closed: true,
    remembered: world.states,
  });
  return verdict.ok
    ? { ok: true, at: null, reason: '' }
    : { ok: false, at: verdict.entry, reason: verdict.reason };
}

/** A verification of a log as it is, which has to find nothing. */
export async function cleanFiles(world: FilesWorld, chance: Chance): Promise<boolean> {
  const state = chance.pick(world.states);
  const remembered = world.states.filter(({ size }) => size <= state.size);
  const verdict = await checkLog({
    disk: state.disk,
    log: LOG,
    witnesses: [WITNESS],
    closed: true,
    remembered,
  });
  return verdict.ok;
}

/** The bytes of a file that belong to one entry, or to one hash. */
interface Unit {
  readonly entry: number;
  readonly from: number;
  readonly to: number;
}

function framesOf(bytes: Buffer, first: number, lengthAt: (at: number) => number): Unit[] {
  const units: Unit[] = [];
  for (let at = 0; at < bytes.length; ) {
    const to = at + lengthAt(at);
    units.push({ entry: first + units.length, from: at, to });
    at = to;
  }
  return units;
}

const numberIn = (path: string) =>
  Number(
    path
      .replace(/\.p\/.*/, '')
      .split('/')
      .slice(2)
      .join('')
      .replaceAll('x', ''),
  );

function unitsOf(path: string, bytes: Buffer): Unit[] {
  if (path.startsWith('wal/'))
    return framesOf(bytes, Number(path.slice(4)), (at) => 8 + bytes.readUInt32BE(at));
  const first = numberIn(path) * TILE_WIDTH;
  if (path.startsWith('tile/entries/')) return framesOf(bytes, first, (at) => 2 + bytes.readUInt16BE(at));
  const span = TILE_WIDTH ** Number(path.split('/')[1]);
  return Array.from({ length: bytes.length / HASH_BYTES }, (_, n) => ({
    entry: (first + n) * span,
    from: n * HASH_BYTES,
    to: (n + 1) * HASH_BYTES,
  }));
}

interface Changed {
  /** Undefined: the file is gone. */
  readonly bytes: Buffer | undefined;
  readonly expected: number;
}

interface Place {
  readonly path: string;
  readonly bytes: Buffer;
  readonly units: readonly Unit[];
  readonly chance: Chance;
  readonly size: number;
}

/** A part that nobody needs any more may go. */
function mayGo(path: string, size: number): boolean {
  const width = path.startsWith('tile/1/') ? Math.floor(size / TILE_WIDTH) : size % TILE_WIDTH;
  return path.includes('.p/') && !path.endsWith(`.p/${width}`);
}

const CHANGES: Partial<Record<Kind, (place: Place) => Changed | undefined>> = {
  'bit flip': ({ bytes, units, chance }) => {
    const { entry, from, to } = chance.pick(units);
    return { bytes: flipped(bytes, from + chance.below(to - from), chance), expected: entry };
  },
  deletion: ({ path, bytes, units, chance, size }) => {
    const unit = chance.pick(units);
    if (chance.below(8) === 0 && !mayGo(path, size))
      return { bytes: undefined, expected: path.startsWith('wal/') ? -1 : (units[0]?.entry ?? 0) };
    const rest = Buffer.concat([bytes.subarray(0, unit.from), bytes.subarray(unit.to)]);
    return { bytes: rest, expected: unit.entry };
  },
  reordering: ({ bytes, units, chance }) => {
    const [a, b] = [chance.below(units.length), chance.below(units.length)].sort((one, two) => one - two);
    const [first, second] = [units[a as number], units[b as number]];
    if (first === undefined || second === undefined || first === second) return undefined;
    const parts = [
      bytes.subarray(0, first.from),
      bytes.subarray(second.from, second.to),
      bytes.subarray(first.to, second.from),
      bytes.subarray(first.from, first.to),
      bytes.subarray(second.to),
    ];
    return { bytes: Buffer.concat(parts), expected: first.entry };
  },
  truncation: ({ bytes, units, chance }) => {
    const at = chance.below(bytes.length);
    const unit = units.find(({ from, to }) => from <= at && at < to);
    return { bytes: bytes.subarray(0, at), expected: unit?.entry ?? 0 };
  },
  insertion: (place) => inserted(place, 'made up'),
  replay: (place) => inserted(place, 'again'),
};

/** Puts a unit of the file, or a changed one, where it was not. */
function inserted(
  { path, bytes, units, chance, size }: Place,
  what: 'made up' | 'again',
): Changed | undefined {
  const { from, to } = chance.pick(units);
  const known = bytes.subarray(from, to);
  const unit = what === 'again' ? known : flipped(known, known.length - 1, chance);
  const at = chance.below(units.length + 1);
  const place = units[at]?.from ?? bytes.length;
  const result = Buffer.concat([bytes.subarray(0, place), unit, bytes.subarray(place)]);
  const next = units[at];
  // Once more where it is already, it is the one behind that is another.
  const again = next !== undefined && unit.equals(bytes.subarray(next.from, next.to)) ? 1 : 0;
  const named = units[at + again]?.entry;
  if (named !== undefined) return { bytes: result, expected: named };
  if (!path.startsWith('wal/')) return { bytes: result, expected: units.at(-1)?.entry ?? 0 };
  // A write-ahead file may end with what a crash left half written: that is no entry.
  return what === 'again' ? { bytes: result, expected: size } : undefined;
}

async function changedFile(world: FilesWorld, kind: Kind, chance: Chance): Promise<Outcome | undefined> {
  const { disk, size } = world.now;
  const path = chance.pick([...disk.files.keys()].filter((name) => name !== 'checkpoint'));
  const bytes = disk.files.get(path) as Buffer;
  const units = unitsOf(path, bytes);
  if (units.length === 0) return undefined;
  const change = CHANGES[kind]?.({ path, bytes, units, chance, size });
  if (change === undefined) return undefined;
  const copy = disk.copy();
  if (change.bytes === undefined) copy.files.delete(path);
  else copy.files.set(path, change.bytes);
  const said = await checked(world, copy);
  const expected = change.expected === -1 ? null : [change.expected];
  return outcomeOf({ target: 'log files', kind }, { ...said, reason: `${path} ${said.reason}` }, expected);
}

/** All of the log put back to what it was, or its checkpoint alone. */
async function rolledBack(world: FilesWorld, chance: Chance): Promise<Outcome> {
  const old = chance.pick(world.states.slice(0, -1));
  const disk = old.disk.copy();
  if (chance.below(2) === 0)
    for (const [path, bytes] of world.now.disk.files) if (path !== 'checkpoint') disk.files.set(path, bytes);
  return outcomeOf({ target: 'log files', kind: 'rollback' }, await checked(world, disk), [old.size]);
}

/** Another log of the same name and key; at times below the checkpoint that was handed out. */
async function splitView(world: FilesWorld, chance: Chance): Promise<Outcome> {
  const { disk, differs_from } = chance.pick(world.forks);
  const known = Math.max(0, ...world.states.map(({ size }) => size).filter((size) => size <= differs_from));
  return outcomeOf({ target: 'log files', kind: 'split view' }, await checked(world, disk), [known]);
}

const CHECKPOINTS: Partial<Record<Kind, (world: FilesWorld, chance: Chance) => string>> = {
  'bit flip': ({ now }, chance) => {
    const signed = now.disk.files.get('checkpoint') as Buffer;
    // A cosignature whose name is another's is nobody's, which is no forgery.
    const end = signed.lastIndexOf('\u2014') - 1;
    return flipped(signed, chance.below(end), chance).toString();
  },
  'swapped signature': ({ now, states }, chance) => {
    const { text, signatures } = decodeNote(String(now.disk.files.get('checkpoint')));
    const other = chance.pick(states.slice(0, -1)).disk.files.get('checkpoint');
    const theirs = decodeNote(String(other)).signatures;
    const [own, cosigned] = signatures;
    const choices = [
      [signText(text, STRANGER, NOW_S)],
      [{ ...signText(text, STRANGER, NOW_S), key_id: LOG.key_id }, cosigned],
      [theirs[0], cosigned],
      [own, theirs[1]],
      [cosigned],
    ];
    return encodeNote({ text, signatures: chance.pick(choices).filter((one) => one !== undefined) });
  },
  'split view': ({ now }, chance) => {
    const root = flipped(now.root, chance.below(HASH_BYTES), chance);
    const text = checkpointText({ origin: LOG.name, size: now.size, root });
    return encodeNote({ text, signatures: [signText(text, LOG, NOW_S)] });
  },
  deletion: () => '',
};

async function changedCheckpoint(
  world: FilesWorld,
  kind: Kind,
  chance: Chance,
): Promise<Outcome | undefined> {
  const text = CHECKPOINTS[kind]?.(world, chance);
  if (text === undefined) return undefined;
  const disk = world.now.disk.copy();
  if (text === '') disk.files.delete('checkpoint');
  else disk.files.set('checkpoint', Buffer.from(text));
  return outcomeOf({ target: 'checkpoint', kind }, await checked(world, disk), null);
}

/** One tampering of a kind; undefined where chance chose one that changes nothing. */
export async function tamperWithFiles(
  world: FilesWorld,
  kind: Kind,
  chance: Chance,
): Promise<Outcome | undefined> {
  if (chance.below(4) === 0 && CHECKPOINTS[kind] !== undefined) return changedCheckpoint(world, kind, chance);
  switch (kind) {
    case 'rollback':
      return rolledBack(world, chance);
    case 'split view':
      return splitView(world, chance);
    case 'swapped signature':
      return changedCheckpoint(world, kind, chance);
    default:
      return changedFile(world, kind, chance);
  }
}
