import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Asset, AssetError, AssetStore, assetTable } from '../src/index.ts';

const CONTENT = randomBytes(200_000);
const SHA = createHash('sha256').update(CONTENT).digest('hex');

let dir: string;
let server: Server;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let requests: { url: string | undefined; range: string | undefined }[];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'mcp-assets-'));
  requests = [];
  answer = whole;
  server = createServer((request, response) => {
    requests.push({ url: request.url, range: request.headers.range });
    answer(request, response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  rmSync(dir, { recursive: true, force: true });
});

function whole(request: IncomingMessage, response: ServerResponse): void {
  const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  response.writeHead(from > 0 ? 206 : 200, { 'content-length': CONTENT.length - from });
  response.end(CONTENT.subarray(from));
}

function assetFrom(...repositories: string[]): Asset {
  return {
    id: 'thing',
    summary: 'a thing',
    licence: 'Apache-2.0',
    files: [
      {
        name: 'thing.bin',
        size_bytes: CONTENT.length,
        sha256: SHA,
        sources: repositories.map((repository) => ({ from: 'hub' as const, repository, file: 'thing.bin' })),
      },
    ],
  };
}

function storeOf(asset: Asset, more: object = {}): AssetStore {
  return new AssetStore({
    cache_dir: dir,
    env: { PATH: '', HF_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
    find: () => asset,
    ...more,
  });
}

describe('AssetStore', () => {
  it('fetches once, checks the bytes and finds them again without the network', async () => {
    const asset = assetFrom('a/one');
    const progress: number[] = [];
    const path = await storeOf(asset).ensure('thing', {
      on_progress: ({ received_bytes }) => progress.push(received_bytes),
    });
    expect(readFileSync(path).equals(CONTENT)).toBe(true);
    expect(progress.at(-1)).toBe(CONTENT.length);
    expect(requests).toEqual([{ url: '/a/one/resolve/main/thing.bin', range: undefined }]);
    expect(await storeOf(asset, { offline: true }).ensure('thing')).toBe(path);
    expect(requests).toHaveLength(1);
  });

  it('goes on where a download broke off', async () => {
    answer = (request, response) => {
      if (request.headers.range !== undefined) return whole(request, response);
      response.writeHead(200, { 'content-length': CONTENT.length });
      response.write(CONTENT.subarray(0, 70_000), () => response.destroy());
    };
    const path = await storeOf(assetFrom('a/one')).ensure('thing');
    expect(readFileSync(path).equals(CONTENT)).toBe(true);
    expect(requests.map(({ range }) => range?.startsWith('bytes=') ?? false)).toEqual([false, true]);
  });

  it('throws away what has a wrong checksum and asks the next source', async () => {
    answer = (request, response) =>
      request.url?.includes('/bad/') ? response.end(Buffer.alloc(CONTENT.length)) : whole(request, response);
    const path = await storeOf(assetFrom('bad/one', 'good/one')).ensure('thing');
    expect(readFileSync(path).equals(CONTENT)).toBe(true);
    expect(requests.map(({ url }) => url?.split('/')[1])).toEqual(['bad', 'good']);
  });

  it('takes other bytes from a source that has its own pin, and knows them again', async () => {
    const other = randomBytes(1000);
    const pin = { size_bytes: other.length, sha256: createHash('sha256').update(other).digest('hex') };
    const asset = assetFrom('gone/one', 'other/one');
    const [file] = asset.files;
    if (file === undefined) throw new Error('the asset has no file');
    const [first, second] = file.sources;
    if (first === undefined || second === undefined) throw new Error('the file has no two sources');
    const pinned: Asset = { ...asset, files: [{ ...file, sources: [first, { ...second, pin }] }] };
    answer = (request, response) => {
      if (request.url?.includes('/gone/')) return void response.writeHead(404).end();
      response.writeHead(200, { 'content-length': other.length });
      response.end(other);
    };
    const path = await storeOf(pinned).ensure('thing');
    expect(readFileSync(path).equals(other)).toBe(true);
    expect(storeOf(pinned).locate('thing')).toBe(path);
    expect(await storeOf(pinned).verified('thing')).toHaveLength(1);
    // Where nobody vouches for them, the same bytes are refused.
    rmSync(path);
    await expect(storeOf(asset).ensure('thing')).rejects.toThrow(/its checksum is/);
  });

  it('names every source and its reason when all fail', async () => {
    answer = (request, response) => {
      response.writeHead(request.url?.includes('/gone/') ? 404 : 200);
      response.end('not it');
    };
    const error: unknown = await storeOf(assetFrom('gone/one', 'wrong/one'))
      .ensure('thing')
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AssetError);
    expect(String(error)).toMatch(
      /thing cannot be had:\n {2}model hub \(gone\/one\): status 404\n {2}model hub \(wrong\/one\): its checksum is/,
    );
  });

  it('says at once that it is offline, or that the disk is full', async () => {
    await expect(storeOf(assetFrom('a/one'), { offline: true }).ensure('thing')).rejects.toThrow(
      /--offline forbids/,
    );
    await expect(storeOf(assetFrom('a/one'), { free_bytes: () => 1000 }).ensure('thing')).rejects.toThrow(
      /MiB are needed in .*, 1 MiB are free.*MCP_CACHE/,
    );
    expect(requests).toEqual([]);
  });

  it('fetches once for callers that come at the same time', async () => {
    const asset = assetFrom('a/one');
    const paths = await Promise.all(Array.from({ length: 5 }, () => storeOf(asset).ensure('thing')));
    expect(new Set(paths).size).toBe(1);
    expect(requests).toHaveLength(1);
  });

  it('does not trust a file that was changed after it was checked', async () => {
    const asset = assetFrom('a/one');
    const path = await storeOf(asset).ensure('thing');
    writeFileSync(path, 'changed');
    expect(storeOf(asset).locate('thing')).toBeUndefined();
    await storeOf(asset).ensure('thing');
    expect(readFileSync(path).equals(CONTENT)).toBe(true);
  });

  it('hashes again what goes into an image, and has it fetched anew when it changed unnoticed', async () => {
    const asset = assetFrom('a/one');
    const path = await storeOf(asset).ensure('thing');
    expect(await storeOf(asset).verified('thing')).toEqual([{ name: 'thing.bin', path }]);
    const { atime, mtime, mtimeMs } = statSync(path);
    writeFileSync(path, Buffer.alloc(CONTENT.length));
    // The note of the check says when the file was written, to the millisecond and below.
    utimesSync(path, atime, mtime);
    writeFileSync(
      `${path}.checked`,
      readFileSync(`${path}.checked`, 'utf8').replace(String(mtimeMs), String(statSync(path).mtimeMs)),
    );
    expect(storeOf(asset).locate('thing')).toBe(path);
    await expect(storeOf(asset).verified('thing')).rejects.toThrow(/is not the file that was fetched/);
    expect(storeOf(asset).locate('thing')).toBeUndefined();
    await storeOf(asset).ensure('thing');
    expect(readFileSync(path).equals(CONTENT)).toBe(true);
  });

  it('stops when it is told to', async () => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-length': CONTENT.length });
      response.write(CONTENT.subarray(0, 1000));
    };
    const controller = new AbortController();
    const fetching = storeOf(assetFrom('a/one')).ensure('thing', {
      signal: controller.signal,
      on_progress: () => controller.abort(new Error('enough')),
    });
    await expect(fetching).rejects.toThrow('enough');
  });

  it('finds a program on PATH or by its variable', () => {
    const program: Asset = { ...assetFrom(), program: { name: 'tool', variable: 'MY_TOOL' } };
    writeFileSync(join(dir, 'tool'), '', { mode: 0o755 });
    expect(storeOf(program, { env: { PATH: `/nowhere:${dir}` } }).locate('thing')).toBe(join(dir, 'tool'));
    expect(storeOf(program, { env: { PATH: '', MY_TOOL: '/elsewhere/tool' } }).locate('thing')).toBe(
      '/elsewhere/tool',
    );
  });
});

describe('the table', () => {
  it('pins every file of every source by checksum and size, and has two sources for each weight', () => {
    for (const asset of assetTable) {
      expect(asset.licence).not.toBe('');
      for (const file of asset.files) {
        expect(file.sources.length).toBeGreaterThan(asset.program === undefined ? 1 : 0);
        for (const pin of [file, ...file.sources.flatMap((source) => source.pin ?? [])]) {
          expect(pin.size_bytes).toBeGreaterThan(1000);
          expect(pin.sha256).toMatch(/^[0-9a-f]{64}$/);
        }
      }
    }
  });
});
