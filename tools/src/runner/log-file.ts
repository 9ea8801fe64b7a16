import {
  closeSync,
  copyFileSync,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  truncateSync,
} from 'node:fs';

/** A log is turned over at this size; so many older ones are kept. */
const MAX_LOG_BYTES = 10 * 1024 * 1024;
const KEPT = 3;
/** Lines that are looked through for a reason. */
const MAX_STACK_LINES = 400;
const STACK_LINE = /^\s+at |^Node\.js v\d/;

/** Opens a log for a child process to append to by itself. The caller closes the descriptor after the spawn. */
export function openLog(path: string): number {
  return openSync(path, 'a', 0o600);
}

/**
 * Turns a log over when it is full: copied, then emptied, because the writer keeps its descriptor.
 * Lines written between the two steps are lost.
 */
export function rotate(path: string, max_bytes = MAX_LOG_BYTES): boolean {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size < max_bytes) return false;
  for (let at = KEPT - 1; at >= 1; at--)
    if (statSync(`${path}.${at}`, { throwIfNoEntry: false }) !== undefined)
      renameSync(`${path}.${at}`, `${path}.${at + 1}`);
  copyFileSync(path, `${path}.1`);
  truncateSync(path, 0);
  return true;
}

/** The last lines of a file, reading at most `max_bytes` from its end. */
export function tail(path: string, count: number, max_bytes = 1024 * 1024): string[] {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch {
    return [];
  }
  try {
    const { size } = fstatSync(descriptor);
    const length = Math.min(size, max_bytes);
    const buffer = Buffer.alloc(length);
    readSync(descriptor, buffer, 0, length, size - length);
    const lines = buffer
      .toString('utf8')
      .split('\n')
      .filter((line) => line !== '');
    return count <= 0 ? [] : lines.slice(-count);
  } finally {
    closeSync(descriptor);
  }
}

/** The last lines of a log that say something to whoever started the platform: where in the code it happened does not. */
export function reasonLines(path: string, count: number): string[] {
  return tail(path, MAX_STACK_LINES)
    .filter((line) => !STACK_LINE.test(line))
    .slice(-count);
}
