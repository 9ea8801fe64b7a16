import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { CliError, codeOf, EXIT } from '../errors.ts';
import { dataFlag } from '../paths.ts';
import { isRunning, markOf, type ProcessMark, signalGroup } from './processes.ts';

const Mark = z.object({ pid: z.number().int().positive(), started: z.string() });

/** One process of a running platform. */
export const RunProcess = z.object({
  name: z.string(),
  state: z.enum(['starting', 'ready', 'waiting', 'stopped']),
  mark: Mark.nullable(),
  restarts: z.number().int().nonnegative(),
  since_unix_ms: z.number(),
  url: z.string(),
  log: z.string(),
});
export type RunProcess = z.infer<typeof RunProcess>;

/** `${data}/run/platform.json`: who runs on a data directory. It is the lock, too. */
export const RunFile = z.object({
  version: z.literal(1),
  runner: Mark,
  state: z.enum(['starting', 'ready', 'stopping']),
  started_unix_ms: z.number(),
  url: z.string(),
  processes: z.array(RunProcess),
});
export type RunFile = z.infer<typeof RunFile>;

/** The run file, or undefined when there is none that can be read. */
export function readRunFile(path: string): RunFile | undefined {
  try {
    return RunFile.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data;
  } catch {
    return undefined;
  }
}

/** Replaces the run file in one step, so that a reader never sees half of it. */
export function writeRunFile(path: string, run: RunFile): void {
  const aside = `${path}.${process.pid}`;
  writeFileSync(aside, JSON.stringify(run, null, 2), { mode: 0o600 });
  renameSync(aside, path);
}

/**
 * Takes the data directory for this process. What a runner that died left behind is stopped first.
 * Throws when another platform runs on it.
 */
export async function takeRunFile(path: string, url: string): Promise<RunFile> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const run: RunFile = {
    version: 1,
    runner: markOf(process.pid) ?? { pid: process.pid, started: '' },
    state: 'starting',
    started_unix_ms: Date.now(),
    url,
    processes: [],
  };
  const aside = `${path}.${process.pid}`;
  for (let attempt = 0; attempt < 5; attempt++) {
    writeFileSync(aside, JSON.stringify(run, null, 2), { mode: 0o600 });
    try {
      linkSync(aside, path);
      return run;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
      await clearLeftOver(path);
    } finally {
      rmSync(aside, { force: true });
    }
  }
  throw new CliError(
    `${path} could not be taken: other starts keep getting there first. Wait for them.`,
    EXIT.taken,
  );
}

/** Gives the data directory back, if it is ours. */
export function dropRunFile(path: string): void {
  if (readRunFile(path)?.runner.pid === process.pid) rmSync(path, { force: true });
}

/** Stops what a dead runner left running. Returns the names. */
export async function reap(run: RunFile): Promise<string[]> {
  const left = run.processes.flatMap(({ name, mark }) =>
    mark !== null && isRunning(mark) ? [{ name, mark }] : [],
  );
  for (const { mark } of left) signalGroup(mark.pid, 'SIGTERM');
  const gone = await waitGone(
    left.map(({ mark }) => mark),
    3000,
  );
  if (!gone) for (const { mark } of left) if (isRunning(mark)) signalGroup(mark.pid, 'SIGKILL');
  await waitGone(
    left.map(({ mark }) => mark),
    1000,
  );
  return left.map(({ name }) => name);
}

/** Waits until none of the processes runs; false when some still do after `limit_ms`. */
export async function waitGone(marks: readonly ProcessMark[], limit_ms: number): Promise<boolean> {
  const until_ms = Date.now() + limit_ms;
  while (marks.some(isRunning)) {
    if (Date.now() >= until_ms) return false;
    await sleep(25);
  }
  return true;
}

async function clearLeftOver(path: string): Promise<void> {
  const run = readRunFile(path);
  if (run !== undefined && isRunning(run.runner))
    throw new CliError(
      `A platform already runs on this data directory (pid ${run.runner.pid}, ${run.url}). Stop it with: npx mcp stop${dataFlag(dirname(dirname(path)))}`,
      EXIT.taken,
    );
  if (run !== undefined) await reap(run);
  // Moved away before it is removed: if another start has replaced it meanwhile, that one is put back.
  const stale = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, stale);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  const moved = readRunFile(stale);
  if (moved !== undefined && isRunning(moved.runner)) renameSync(stale, path);
  else rmSync(stale, { force: true });
}
