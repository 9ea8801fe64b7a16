import { setTimeout as sleep } from 'node:timers/promises';
import { takeLock } from './lock-file.mjs';

const POLL_MS = 200;
/** An owner that says nothing for so long has its number from somebody else. */
const SILENT_MS = 60_000;

/** Runs `work` while holding a lock file. Who comes second waits; what a crash left is taken over. */
export async function withLock<T>(path: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    const lock = takeLock(path, { silent_ms: SILENT_MS });
    if (lock === undefined) {
      await sleep(POLL_MS, undefined, { signal });
      continue;
    }
    const timer = setInterval(() => lock.touch(), SILENT_MS / 4);
    try {
      return await work();
    } finally {
      clearInterval(timer);
      lock.release();
    }
  }
}
