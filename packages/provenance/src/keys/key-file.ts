/** A key ring in a file of its owner, as on one machine: replaced whole, never seen in part, by one process at a time. */
import { chmod, mkdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlatformError } from '@mcp/contracts';
import { folderDisk } from '../tlog/index.ts';
import type { KeyRingStore } from './held-keys.ts';
import { KeyRing } from './ring.ts';

const LOCK_EVERY_MS = 20;
const MAX_LOCK_TRIES = 250;

export function keyFile(path: string): KeyRingStore {
  return {
    read: () => read(path),
    async replace(ring) {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const lock = await lockOf(`${path}.lock`);
      try {
        const before = await read(path);
        if ((before?.revision ?? 0) !== ring.revision - 1) return false;
        const text = Buffer.from(`${JSON.stringify(ring, null, 2)}\n`);
        await folderDisk(dirname(path)).replace(basename(path), text);
        return true;
      } finally {
        lock.close();
      }
    },
  };
}

async function read(path: string): Promise<KeyRing | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new PlatformError('unavailable', `The key ring ${path} cannot be read (${error.message}).`);
  });
  if (text === undefined) return undefined;
  if (process.platform !== 'win32' && ((await stat(path)).mode & 0o077) !== 0) await chmod(path, 0o600);
  try {
    return KeyRing.parse(JSON.parse(text));
  } catch (cause) {
    throw new PlatformError(
      'unavailable',
      `The key ring ${path} is damaged. Put it back from a backup: with a new one, logs signed before are checked by their HMAC alone.`,
      { cause },
    );
  }
}

/** A lock that the system takes back when the process dies. */
async function lockOf(path: string): Promise<DatabaseSync> {
  for (let attempt = 1; ; attempt++) {
    const lock = new DatabaseSync(path);
    try {
      lock.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE;');
      return lock;
    } catch (cause) {
      lock.close();
      if (attempt >= MAX_LOCK_TRIES)
        throw new PlatformError('unavailable', 'Another process changes the keys just now. Try again.', {
          cause,
        });
      await sleep(LOCK_EVERY_MS);
    }
  }
}
