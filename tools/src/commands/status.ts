import { Command } from 'commander';
import { EXIT } from '../errors.ts';
import { dataFlag, dataPaths } from '../paths.ts';
import { LOCAL } from '../runner/dependency.ts';
import { probeGreeting, probeReady } from '../runner/probe.ts';
import { isRunning, memoryOf } from '../runner/processes.ts';
import { type RunProcess, readRunFile } from '../runner/run-file.ts';
import { bytes, duration, paint, table } from '../ui.ts';

/** One line of `mcp status`. */
interface StatusRow {
  readonly service: string;
  readonly pid: number | null;
  readonly state: string;
  readonly restarts: number;
  /** Why it is not ready, or null. */
  readonly failing: string | null;
  readonly memory_bytes: number | null;
  readonly uptime_ms: number | null;
  readonly url: string;
}

/** `mcp status`: what runs on a data directory. Exit code 3 when nothing does. */
export function statusCommand(): Command {
  return new Command('status')
    .description('what runs on a data directory, and how it is (exit code 3: nothing)')
    .option('--data <directory>', 'its data directory (default: ./data of the checkout)')
    .option('--json', 'as JSON', false)
    .action(async (flags: { data?: string; json: boolean }) => {
      const paths = dataPaths(flags.data);
      const run = readRunFile(paths.run_file);
      const running = run !== undefined && isRunning(run.runner);
      const rows = running ? await Promise.all(run.processes.map(statusOf)) : [];
      const state = running ? run.state : 'not running';
      if (flags.json)
        process.stdout.write(
          `${JSON.stringify({ state, url: run?.url ?? null, processes: rows }, null, 2)}\n`,
        );
      else if (running) process.stdout.write(`${render(run.url, state, rows).join('\n')}\n`);
      else
        process.stdout.write(
          `Nothing runs on ${paths.dir}. Start it with: npx mcp start${dataFlag(paths.dir)}\n`,
        );
      process.exitCode = running ? EXIT.ok : EXIT.not_running;
    });
}

async function statusOf(one: RunProcess): Promise<StatusRow> {
  const alive = one.mark !== null && isRunning(one.mark);
  const greeting = LOCAL.find(({ name }) => name === one.name)?.local.greeting;
  const failing = !alive
    ? null
    : greeting !== undefined
      ? await probeGreeting(Number(new URL(one.url).port), greeting)
      : await probeReady(one.url).catch((error: unknown) => String(error));
  return {
    service: one.name,
    pid: one.mark?.pid ?? null,
    state: alive && failing !== undefined ? 'not ready' : one.state,
    restarts: one.restarts,
    failing: failing ?? null,
    memory_bytes: one.mark === null ? null : (memoryOf(one.mark.pid) ?? null),
    uptime_ms: alive ? Date.now() - one.since_unix_ms : null,
    url: one.url,
  };
}

function render(url: string, state: string, rows: readonly StatusRow[]): string[] {
  const color = (row: StatusRow) =>
    row.state === 'ready' ? 'green' : row.state === 'starting' ? 'yellow' : 'red';
  return [
    `Platform at ${url}: ${state}`,
    ...table(
      ['service', 'pid', 'state', 'restarts', 'memory', 'uptime', 'url'],
      rows.map((row) => [
        row.service,
        String(row.pid ?? '-'),
        paint(color(row), row.state),
        String(row.restarts),
        row.memory_bytes === null ? '-' : bytes(row.memory_bytes),
        row.uptime_ms === null ? '-' : duration(row.uptime_ms),
        row.url,
      ]),
    ),
    ...rows.filter((row) => row.failing !== null).map((row) => `${row.service}: ${row.failing}`),
  ];
}
