/** A log has one writer: a lock on its folder, which the system takes back when the process dies. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Throws where another process writes to the folder. */
export function lockFolder(folder: string): { release(): void } {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = new DatabaseSync(join(folder, 'lock.db'));
  try {
    lock.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE;');
  } catch (cause) {
    lock.close();
    throw new Error(
      `Another process writes to the transparency log in ${folder}: stop it, or give this one a folder of its own (MCP_DATA).`,
      { cause },
    );
  }
  return { release: () => lock.close() };
}
