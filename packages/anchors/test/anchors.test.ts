import { generateKeyPairSync } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { folderDisk, type Signer, signerOf, TransparencyLog } from '@mcp/provenance/tlog';
import { describe, expect, it, onTestFinished } from 'vitest';
import { folderOf } from '../src/anchor.ts';
import { type Anchor, openAnchor, openPlace } from '../src/index.ts';

const ORIGIN = 'log.example/eu-central';

function scratch(): string {
  const dir = mkdtempSync(join(tmpdir(), 'mcp-anchors-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function signer(): Signer {
  return signerOf(generateKeyPairSync('ed25519').privateKey, { name: ORIGIN, algorithm: 'ed25519' });
}

/** A log, and its checkpoints as it grows. */
async function growing(by = signer()) {
  const log = await TransparencyLog.open({ disk: folderDisk(scratch()), signer: by });
  onTestFinished(() => log.close());
  return async (to: number) => {
    await Promise.all(
      Array.from({ length: to - log.size }, (_, n) =>
        log.append(Buffer.from(`${by.key_id.toString('hex')} ${n}`)),
      ),
    );
    await log.publish();
    return log.checkpoint;
  };
}

interface Kind {
  readonly kind: string;
  /** An anchor of the log, and an empty one of the same place for another log; each time at a new place. */
  open(): Promise<{ readonly anchor: Anchor; again(origin?: string): Promise<Anchor> }>;
}

const KINDS: readonly Kind[] = [
  {
    kind: 'file',
    async open() {
      const folder = scratch();
      const again = (origin = ORIGIN) => openAnchor({ kind: 'file', folder, every_s: 1 }, origin);
      return { anchor: await again(), again };
    },
  },
];

describe.each(KINDS)('an anchor of the kind $kind', ({ open }) => {
  it('keeps checkpoints in the order of their sizes, over restarts, and those of each log apart', async () => {
    const { anchor, again } = await open();
    const grown = await growing();
    expect(await anchor.list()).toEqual([]);
    const notes = new Map<number, string>();
    for (const size of [3, 200, 1000]) {
      notes.set(size, await grown(size));
      expect(await anchor.keep(notes.get(size) ?? '', size)).toEqual([]);
    }
    const other = await again();
    const listed = await other.list();
    expect(listed.map(({ size }) => size)).toEqual([3, 200, 1000]);
    for (const { name, size } of listed) expect(await other.read(name)).toBe(notes.get(size));
    expect(await (await again('log.example/us-east')).list()).toEqual([]);
  });

  it('writes nothing over: what was first under a size stays, and is given back', async () => {
    const { anchor } = await open();
    const [first, forged] = [await (await growing())(7), await (await growing())(7)];
    expect(await anchor.keep(first, 7)).toEqual([]);
    expect(await anchor.keep(first, 7)).toEqual([]);
    expect(await anchor.keep(forged, 7)).toEqual([first]);
    expect(await anchor.keep(forged, 7)).toEqual([first]);
    const texts = await Promise.all((await anchor.list()).map(({ name }) => anchor.read(name)));
    expect(texts.sort()).toEqual([first, forged].sort());
  });

  it('says the same of a checkpoint that got more signatures', async () => {
    const { anchor } = await open();
    const note = await (await growing())(7);
    await anchor.keep(note, 7);
    expect(await anchor.keep(`${note}\u2014 witness.example AAAAAAAA\n`, 7)).toEqual([]);
    expect(await anchor.list()).toHaveLength(1);
  });

  it('gives up where others have taken all names of a size', async () => {
    const { anchor } = await open();
    for (let n = 0; n < 10; n++) await anchor.keep(`text ${n}`, 2);
    await expect(anchor.keep('text', 2)).rejects.toThrow(/has 10 other texts/);
  });
});

describe('a folder of anchors', () => {
  it('has files that nobody writes to again, and takes what else lies there for nothing', async () => {
    const folder = scratch();
    const anchor = await openAnchor({ kind: 'file', folder, every_s: 1 }, ORIGIN);
    const note = await (await growing())(300);
    await anchor.keep(note, 300);
    const own = join(folder, folderOf(ORIGIN));
    expect(readdirSync(own)).toEqual(['0000000000000300.txt']);
    expect(readFileSync(join(own, '0000000000000300.txt'), 'utf8')).toBe(note);
    expect(statSync(join(own, '0000000000000300.txt')).mode & 0o222).toBe(0);
    writeFileSync(join(own, 'README'), 'hello');
    writeFileSync(join(own, '300.txt'), note);
    writeFileSync(join(own, '9999999999999999.txt'), note);
    writeFileSync(join(own, '0000000000000301.txt'), 'x'.repeat(300_000));
    mkdirSync(join(own, '0000000000000302.txt'));
    symlinkSync('/dev/zero', join(own, '0000000000000303.txt'));
    const listed = await anchor.list();
    expect(listed.map(({ size }) => size)).toEqual([300, 301, 302, 303]);
    const texts = await Promise.all(listed.map(({ name }) => anchor.read(name)));
    expect(texts).toEqual([note, undefined, undefined, undefined]);
    expect(await anchor.keep(note, 301)).toEqual(['']);
  });

  it('is not made where it is missing: the volume may not be mounted', async () => {
    const anchor = await openAnchor(
      { kind: 'file', folder: join(scratch(), 'unmounted'), every_s: 1 },
      ORIGIN,
    );
    await expect(anchor.keep('note', 1)).rejects.toThrow(/ENOENT/);
    expect(await anchor.list()).toEqual([]);
  });

  it('is read as a whole, as the folder of one log, or as one checkpoint', async () => {
    const folder = scratch();
    const anchor = await openAnchor({ kind: 'file', folder, every_s: 1 }, ORIGIN);
    const note = await (await growing())(5);
    await anchor.keep(note, 5);
    const own = join(folder, folderOf(ORIGIN));
    for (const place of [folder, own, join(own, '0000000000000005.txt')]) {
      const opened = await openPlace(place, ORIGIN);
      const [first] = await opened.list();
      expect(await opened.read(first?.name ?? ''), place).toBe(note);
    }
    await expect(openPlace(join(folder, 'none'), ORIGIN)).rejects.toThrow(/ENOENT/);
    const single = await openPlace(join(own, '0000000000000005.txt'), ORIGIN);
    await expect(single.keep(note, 5)).rejects.toThrow(/is a file/);
  });
});

it.each([
  ['mcp.example.com/eu-central', /^mcp\.example\.com_eu-central-[0-9a-f]{8}$/],
  ['../../etc', /^_\.\._etc-[0-9a-f]{8}$/],
  ['ü:\\x', /^___x-[0-9a-f]{8}$/],
])('the folder of the log %s stays in its place', (origin, name) => {
  expect(folderOf(origin)).toMatch(name);
});
