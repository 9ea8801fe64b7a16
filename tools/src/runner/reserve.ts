import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { codeOf } from '../errors.ts';
import { isRunning, markOf } from './processes.ts';

/** A reservation without an owner in it is being written; older ones are what a crash left. */
const WRITING_MS = 5000;
const Owner = z.object({ pid: z.number().int().positive(), started: z.string() });

/**
 * Ports reserved from the moment they were found free until the platform ends: two starts at once do not choose the
 * same ones, and nobody takes the port of a service that is being restarted.
 */
export class Reservations {
  readonly #held = new Set<number>();

  /** False when another start that still runs has the port. */
  take(port: number): boolean {
    const path = pathOf(port);
    const mark = markOf(process.pid) ?? { pid: process.pid, started: '' };
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        writeFileSync(path, JSON.stringify(mark), { flag: 'wx', mode: 0o600 });
        this.#held.add(port);
        return true;
      } catch (error) {
        // Without a place for reservations, starts at once may collide; one start alone still works.
        if (codeOf(error) !== 'EEXIST') return true;
      }
      if (isHeld(path)) return false;
      rmSync(path, { force: true });
    }
    return false;
  }

  /** Gives one port back, or all of them. */
  release(port?: number): void {
    for (const one of port === undefined ? [...this.#held] : [port]) {
      if (this.#held.delete(one)) rmSync(pathOf(one), { force: true });
    }
  }
}

function isHeld(path: string): boolean {
  try {
    const owner = Owner.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data;
    return owner !== undefined && isRunning(owner);
  } catch {
    const written = statSync(path, { throwIfNoEntry: false });
    return written !== undefined && Date.now() - written.mtimeMs < WRITING_MS;
  }
}

function pathOf(port: number): string {
  const dir = join(tmpdir(), `mcp-ports-${userInfo().username.replaceAll(/\W/g, '_')}`);
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  } catch {
    // The write that follows says so.
  }
  return join(dir, String(port));
}
