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
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { openBucket } from '@mcp/object-storage';
import { folderDisk, type Signer, signerOf, TransparencyLog } from '@mcp/provenance/tlog';
import { type ObjectStorage, startObjectStorage } from '@mcp/testkit';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { folderOf } from '../src/anchor.ts';
import { type Anchor, openAnchor, openPlace } from '../src/index.ts';
import { type Rekor, startRekor } from './rekor-double.ts';

const ORIGIN = 'log.example/eu-central';
const AS_GIVEN = { origin: ORIGIN, rekor_keys: undefined };
const { privateKey: rekor_key } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

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

let storage: ObjectStorage;
let rekor: Rekor;
const rekor_folder = mkdtempSync(join(tmpdir(), 'mcp-rekor-'));
beforeAll(async () => {
  storage = await startObjectStorage({ locks: true });
  rekor = await startRekor(rekor_folder);
}, 120_000);
afterAll(async () => {
  await storage?.close();
  await rekor?.close();
  rmSync(rekor_folder, { recursive: true, force: true });
});

/** Where an S3 anchor is, with its key beside it, as the service has it. */
function s3At(prefix: string) {
  const url = new URL(storage.url(prefix));
  const s3_key = `${url.username}:${url.password}`;
  [url.username, url.password] = ['', ''];
  return { url: url.href, s3_key };
}
let places = 0;

const KINDS: readonly Kind[] = [
  {
    kind: 'file',
    async open() {
      const folder = scratch();
      const again = (origin = ORIGIN) =>
        openAnchor({ kind: 'file', folder, every_s: 1 }, { origin, s3_key: undefined, rekor_key });
      return { anchor: await again(), again };
    },
  },
  {
    kind: 's3',
    async open() {
      const { url, s3_key } = s3At(`anchors/${places++}`);
      const again = (origin = ORIGIN) =>
        openAnchor({ kind: 's3', url, every_s: 1 }, { origin, s3_key, rekor_key });
      return { anchor: await again(), again };
    },
  },
  {
    kind: 'rekor',
    async open() {
      const { url, key } = rekor;
      const receipts = scratch();
      const again = (origin = ORIGIN) =>
        openAnchor(
          { kind: 'rekor', url, keys: [key], receipts, every_s: 1 },
          { origin, s3_key: undefined, rekor_key },
        );
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

  it('lets none be lost where two write under one size at once', async () => {
    const { again } = await open();
    const [one, other] = [await again(), await again()];
    await Promise.all([one.keep('one', 4), other.keep('other', 4)]);
    const texts = await Promise.all((await one.list()).map(({ name }) => one.read(name)));
    expect(texts.sort()).toEqual(['one', 'other']);
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
    const anchor = await openAnchor(
      { kind: 'file', folder, every_s: 1 },
      { origin: ORIGIN, s3_key: undefined, rekor_key },
    );
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
      { origin: ORIGIN, s3_key: undefined, rekor_key },
    );
    await expect(anchor.keep('note', 1)).rejects.toThrow(/ENOENT/);
    expect(await anchor.list()).toEqual([]);
  });

  it('is read as a whole, as the folder of one log, or as one checkpoint', async () => {
    const folder = scratch();
    const anchor = await openAnchor(
      { kind: 'file', folder, every_s: 1 },
      { origin: ORIGIN, s3_key: undefined, rekor_key },
    );
    const note = await (await growing())(5);
    await anchor.keep(note, 5);
    const own = join(folder, folderOf(ORIGIN));
    for (const place of [folder, own, join(own, '0000000000000005.txt')]) {
      const opened = await openPlace(place, AS_GIVEN);
      const [first] = await opened.list();
      expect(await opened.read(first?.name ?? ''), place).toBe(note);
    }
    await expect(openPlace(join(folder, 'none'), AS_GIVEN)).rejects.toThrow(/ENOENT/);
    const single = await openPlace(join(own, '0000000000000005.txt'), AS_GIVEN);
    await expect(single.keep(note, 5)).rejects.toThrow(/was opened to be read/);
  });
});

describe('object storage', () => {
  it('is read as a whole or as the prefix of one log, by its URL with the key in it', async () => {
    const { url, s3_key } = s3At('shared');
    const anchor = await openAnchor({ kind: 's3', url, every_s: 1 }, { origin: ORIGIN, s3_key, rekor_key });
    const note = await (await growing())(5);
    await anchor.keep(note, 5);
    expect(anchor.place).toMatch(/^s3:\/\/logs\/shared\/log\.example_eu-central-[0-9a-f]{8}\/$/);
    for (const prefix of ['shared', `shared/${folderOf(ORIGIN)}`]) {
      const opened = await openPlace(storage.url(prefix), AS_GIVEN);
      const [first] = await opened.list();
      expect(await opened.read(first?.name ?? ''), prefix).toBe(note);
    }
  });

  it('locks what is kept, where the bucket locks', async () => {
    const { url, s3_key } = s3At('locked');
    const { client } = openBucket(storage.url(''));
    const anchor = await openAnchor(
      { kind: 's3', url, retain_days: 30, every_s: 1 },
      { origin: ORIGIN, s3_key, rekor_key },
    );
    await anchor.keep('note', 1);
    const place = { Bucket: 'logs', Key: `${anchor.place.slice('s3://logs/'.length)}0000000000000001.txt` };
    const { VersionId, ObjectLockMode, ObjectLockRetainUntilDate } = await client.send(
      new HeadObjectCommand(place),
    );
    expect(ObjectLockMode).toBe('COMPLIANCE');
    const days = (Number(ObjectLockRetainUntilDate) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(29);
    await expect(client.send(new DeleteObjectCommand({ ...place, VersionId }))).rejects.toThrow();
    expect(await anchor.read('0000000000000001.txt')).toBe('note');
    client.destroy();
  });

  it('gives no text that is larger than any of ours, and none of an empty object', async () => {
    const { url, s3_key } = s3At('large');
    const anchor = await openAnchor({ kind: 's3', url, every_s: 1 }, { origin: ORIGIN, s3_key, rekor_key });
    await anchor.keep('x'.repeat(300_000), 1);
    await anchor.keep('', 2);
    const texts = await Promise.all((await anchor.list()).map(({ name }) => anchor.read(name)));
    expect(texts.map((text) => text ?? '')).toEqual(['', '']);
  });

  it.each<[string, number, string]>([
    ['refuses', 403, '<Error><Code>AccessDenied</Code></Error>'],
    ['has no such bucket', 404, '<Error><Code>NoSuchBucket</Code></Error>'],
    ['fails', 500, 'no XML at all'],
    ['answers nonsense', 200, '\u0000{"nonsense":'],
  ])('that %s is an error, and not an empty anchor', async (_, status, body) => {
    const server = createServer((request, response) => {
      // What is not there can be asked for; it cannot be listed or written.
      const read = request.method === 'GET' && request.url?.includes('list-type') !== true;
      response.writeHead(read ? 404 : status).end(body);
    });
    await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const url = `s3://logs/x?endpoint=${encodeURIComponent(`http://127.0.0.1:${port}`)}`;
    const anchor = await openAnchor(
      { kind: 's3', url, every_s: 1 },
      { origin: ORIGIN, s3_key: 'id:secret', rekor_key },
    );
    if (status !== 200) await expect(anchor.keep('note', 1)).rejects.toThrow();
    await expect(anchor.list()).rejects.toThrow();
    anchor.close();
  });
});

it.each([
  ['mcp.example.com/eu-central', /^mcp\.example\.com_eu-central-[0-9a-f]{8}$/],
  ['../../etc', /^_\.\._etc-[0-9a-f]{8}$/],
  ['ü:\\x', /^___x-[0-9a-f]{8}$/],
])('the folder of the log %s stays in its place', (origin, name) => {
  expect(folderOf(origin)).toMatch(name);
});
