import { open, readFile, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 200;

/** Runs `work` while holding a lock file. Who comes second waits; the lock of a dead process is taken over. */
export async function withLock<T>(path: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    const handle = await open(path, 'wx').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return undefined;
      throw error;
    });
    if (handle !== undefined) {
      try {
        await handle.writeFile(String(process.pid));
        return await work();
      } finally {
        await handle.close();
        await rm(path, { force: true });
      }
    }
    const owner = Number(await readFile(path, 'utf8').catch(() => '0'));
    if (owner > 0 && !isAlive(owner)) await rm(path, { force: true });
    else await sleep(POLL_MS, undefined, { signal });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
