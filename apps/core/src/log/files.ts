import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PlatformError } from '@mcp/contracts';
import type { EncryptedLog } from '@mcp/provenance';
import type { LogArchive } from './archive.ts';

/** Committed logs as files (blueprint 9.4): `<dir>/<uuid>.json`, each written whole and never seen in part. */
export class LogFiles implements LogArchive {
  readonly name = 'log file';
  readonly #dir: string;
  readonly #audit_dir: string;

  constructor(data_dir: string) {
    this.#dir = join(data_dir, 'logs', 'conversations');
    this.#audit_dir = join(data_dir, 'audit');
  }

  /** Writes beside the old file, syncs it, renames it and syncs the folder. */
  async write(log: EncryptedLog): Promise<void> {
    try {
      await replace(this.#dir, `${log.id}.json`, `${JSON.stringify(log, null, 2)}\n`);
    } catch (cause) {
      throw new PlatformError(
        'unavailable',
        `The log of conversation ${log.id} cannot be written (${codeOf(cause)}). What was said is in the store; free space or mend the data directory, and the file is written by itself.`,
        { cause },
      );
    }
  }

  /** There is one file of a log. */
  erase(tombstone: EncryptedLog): Promise<void> {
    return this.write(tombstone);
  }

  async read(id: string): Promise<unknown> {
    const text = await readFile(this.#path(id), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    return text === undefined ? undefined : JSON.parse(text);
  }

  writeAudit(id: string, file: string): Promise<void> {
    return replace(this.#audit_dir, `${id}.json`, file);
  }

  close(): void {
    // It holds nothing open.
  }

  #path(id: string): string {
    return join(this.#dir, `${id}.json`);
  }
}

async function replace(dir: string, name: string, text: string): Promise<void> {
  const path = join(dir, name);
  const next = `${path}.next`;
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await synced(next, 'w', (handle) => handle.writeFile(text));
    await rename(next, path);
    await synced(dir, 'r', () => Promise.resolve());
  } catch (error) {
    await rm(next, { force: true }).catch(() => undefined);
    throw error;
  }
}

type Handle = Awaited<ReturnType<typeof open>>;

async function synced(
  path: string,
  flags: 'w' | 'r',
  work: (handle: Handle) => Promise<void>,
): Promise<void> {
  const handle = await open(path, flags, 0o600);
  try {
    await work(handle);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : 'unknown reason';
}
