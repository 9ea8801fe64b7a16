import { accessSync, constants, readFileSync, statfsSync, statSync } from 'node:fs';
import { chmod, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { cacheDir } from './cache-dir.mjs';
import { AssetError, type SourceFailure } from './errors.ts';
import { sha256Of } from './hash.ts';
import { withLock } from './lock.ts';
import { fetchFrom, nameOf } from './sources.ts';
import { type Asset, type AssetFile, assetOf, type Pin } from './table.ts';

/** How far a fetch has come, over all files of the asset. */
export interface AssetProgress {
  readonly received_bytes: number;
  readonly total_bytes: number;
  readonly source: string;
}

export interface EnsureOptions {
  readonly on_progress?: (progress: AssetProgress) => void;
  readonly signal?: AbortSignal;
}

export interface AssetStoreOptions {
  readonly cache_dir?: string;
  /** Never touches the network. */
  readonly offline?: boolean;
  readonly env?: NodeJS.ProcessEnv;
  /** For tests: rows instead of the table's. */
  readonly find?: (id: string) => Asset;
  /** For tests: free bytes of a directory's disk. */
  readonly free_bytes?: (dir: string) => number;
}

/** Free room beyond the asset's own size, for what is being put together. */
const SPARE_BYTES = 64 * 1024 * 1024;

/** Programs and weights in a cache outside the checkout. What is there was checked once, byte by byte. */
export class AssetStore {
  readonly #dir: string;
  readonly #offline: boolean;
  readonly #env: NodeJS.ProcessEnv;
  readonly #find: (id: string) => Asset;
  readonly #free: (dir: string) => number;

  constructor(options: AssetStoreOptions = {}) {
    this.#env = options.env ?? process.env;
    this.#dir = join(options.cache_dir ?? cacheDir(this.#env), 'assets');
    this.#offline = options.offline ?? false;
    this.#find = options.find ?? assetOf;
    this.#free = options.free_bytes ?? freeBytes;
  }

  /** Where an asset is: its file, or its folder when it has several. Undefined when it is not complete here. */
  locate(id: string): string | undefined {
    const asset = this.#find(id);
    if (asset.program !== undefined) {
      const named = this.#env[asset.program.variable];
      if (named !== undefined && named !== '') return named;
    }
    if (asset.files.every((file) => this.#isWhole(asset, file))) return this.expected(id);
    return asset.program === undefined ? undefined : onPath(asset.program.name, this.#env);
  }

  /** Where it will be once it has arrived. */
  expected(id: string): string {
    const asset = this.#find(id);
    const [only] = asset.files;
    return asset.files.length === 1 && only !== undefined
      ? this.#path(asset, only.name)
      : join(this.#dir, asset.id);
  }

  size_bytes(id: string): number {
    return this.#find(id).files.reduce((sum, file) => sum + file.size_bytes, 0);
  }

  /** Fetches what is missing. Throws {@link AssetError} naming every source that was tried. */
  async ensure(id: string, options: EnsureOptions = {}): Promise<string> {
    const here = this.locate(id);
    if (here !== undefined) return here;
    const asset = this.#find(id);
    const signal = options.signal ?? new AbortController().signal;
    if (this.#offline)
      throw new AssetError(asset.id, [
        { source: 'cache', reason: `it is not in ${this.#dir}, and --offline forbids to fetch it` },
      ]);
    await this.#prepare(asset);
    await withLock(join(this.#dir, `${asset.id}.lock`), signal, async () => {
      let before = 0;
      for (const file of asset.files) {
        if (!this.#isWhole(asset, file))
          await this.#fetch(asset, file, { signal, before, on_progress: options.on_progress });
        before += file.size_bytes;
      }
    });
    return this.expected(id);
  }

  /** The files of an asset that is here, each hashed again. Throws {@link AssetError} for one that is not what it was. */
  async verified(id: string): Promise<readonly { readonly name: string; readonly path: string }[]> {
    const asset = this.#find(id);
    const found: { name: string; path: string }[] = [];
    for (const file of asset.files) {
      const path = this.#path(asset, file.name);
      const sha256 = this.#isWhole(asset, file) ? await sha256Of(path) : undefined;
      if (!pinsOf(file).some((pin) => pin.sha256 === sha256)) {
        await rm(`${path}.checked`, { force: true });
        throw new AssetError(asset.id, [
          {
            source: 'cache',
            reason: `${path} is not the file that was fetched. Run the command again to fetch it anew`,
          },
        ]);
      }
      found.push({ name: file.name, path });
    }
    return found;
  }

  async #prepare(asset: Asset): Promise<void> {
    const dir = join(this.#dir, asset.id);
    try {
      await mkdir(dir, { recursive: true });
    } catch (error) {
      throw new AssetError(asset.id, [
        {
          source: 'cache',
          reason: `${dir} cannot be made (${messageOf(error)}). Set MCP_CACHE to a directory that can be written`,
        },
      ]);
    }
    const needed = this.size_bytes(asset.id) + SPARE_BYTES;
    const free = this.#free(dir);
    if (free < needed)
      throw new AssetError(asset.id, [
        {
          source: 'disk',
          reason: `${mib(needed)} are needed in ${this.#dir}, ${mib(free)} are free. Make room, or set MCP_CACHE to another disk`,
        },
      ]);
  }

  async #fetch(
    asset: Asset,
    file: AssetFile,
    options: { signal: AbortSignal; before: number; on_progress: EnsureOptions['on_progress'] },
  ): Promise<void> {
    const failures: SourceFailure[] =
      asset.program === undefined ? [] : [{ source: 'PATH', reason: `no ${asset.program.name}` }];
    const hub = (this.#env.HF_ENDPOINT ?? 'https://huggingface.co').replace(/\/$/, '');
    for (const [at, source] of file.sources.entries()) {
      const name = nameOf(source);
      // Parts of one source are no use to another.
      const part = `${this.#path(asset, file.name)}.${at}.part`;
      const on_bytes = (received: number) =>
        options.on_progress?.({
          received_bytes: options.before + Math.min(received, file.size_bytes),
          total_bytes: this.size_bytes(asset.id),
          source: name,
        });
      try {
        await fetchFrom(source, part, { signal: options.signal, hub, on_bytes });
        await this.#accept(asset, { name: file.name, pin: source.pin ?? file }, part);
        return;
      } catch (error) {
        options.signal.throwIfAborted();
        failures.push({ source: name, reason: messageOf(error) });
      }
    }
    throw new AssetError(asset.id, failures);
  }

  /** Checks a fetched file, puts it in its place and notes that it was checked. */
  async #accept(asset: Asset, { name, pin }: { name: string; pin: Pin }, part: string): Promise<void> {
    const sha256 = await sha256Of(part);
    if (sha256 !== pin.sha256) {
      await rm(part, { force: true });
      throw new Error(
        `its checksum is ${sha256.slice(0, 16)}…, not ${pin.sha256.slice(0, 16)}…; it was thrown away`,
      );
    }
    const path = this.#path(asset, name);
    if (asset.program !== undefined) await chmod(part, 0o755);
    await rename(part, path);
    const { size, mtimeMs } = await stat(path);
    await writeFile(`${path}.checked`, JSON.stringify({ sha256, size, mtime_ms: mtimeMs }));
  }

  /** Whether a file is the one that was checked: by size and time, for hashing a gigabyte at each start is too slow. */
  #isWhole(asset: Asset, file: AssetFile): boolean {
    const path = this.#path(asset, file.name);
    try {
      const { size, mtimeMs } = statSync(path);
      const noted: unknown = JSON.parse(readFileSync(`${path}.checked`, 'utf8'));
      if (
        typeof noted !== 'object' ||
        noted === null ||
        !('size' in noted) ||
        !('mtime_ms' in noted) ||
        !('sha256' in noted)
      )
        return false;
      return (
        noted.size === size &&
        noted.mtime_ms === mtimeMs &&
        pinsOf(file).some(({ sha256 }) => noted.sha256 === sha256)
      );
    } catch {
      return false;
    }
  }

  #path(asset: Asset, name: string): string {
    return join(this.#dir, asset.id, name);
  }
}

/** Everything that a file may be: what its sources have. */
function pinsOf(file: AssetFile): readonly Pin[] {
  return [file, ...file.sources.flatMap(({ pin }) => (pin === undefined ? [] : [pin]))];
}

function onPath(program: string, env: NodeJS.ProcessEnv): string | undefined {
  for (const dir of (env.PATH ?? '').split(delimiter)) {
    const path = join(dir, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this directory.
    }
  }
  return undefined;
}

function freeBytes(dir: string): number {
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? error.cause.message : undefined;
  return cause === undefined || cause === '' ? error.message : `${error.message} (${cause})`;
}

function mib(bytes: number): string {
  return `${Math.ceil(bytes / 1024 / 1024)} MiB`;
}
