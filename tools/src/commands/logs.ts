import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { services } from '@mcp/stacks';
import { Command, InvalidArgumentError } from 'commander';
import { CliError } from '../errors.ts';
import { formatLine, timeOf } from '../log-line.ts';
import { type DataPaths, dataFlag, dataPaths } from '../paths.ts';
import { LOCAL } from '../runner/dependency.ts';
import { tail } from '../runner/log-file.ts';
import { accessesCommand, eraseCommand, showCommand } from './conversation-logs.ts';
import { rebuildCommand } from './rebuild-log.ts';

const FOLLOW_MS = 250;
const MAX_LINES = 100_000;

/** Whose log there is to show. */
export const LOG_NAMES = [...Object.keys(services), ...LOCAL.map(({ name }) => name), 'runner'];

/** `mcp logs`: the services' logs, readable. */
export function logsCommand(): Command {
  return new Command('logs')
    .description(
      'show the logs of all services, or of one; show, accesses and erase are about conversations, rebuild about the transparency log',
    )
    .enablePositionalOptions()
    .addCommand(showCommand())
    .addCommand(accessesCommand())
    .addCommand(eraseCommand())
    .addCommand(rebuildCommand())
    .argument('[service]', LOG_NAMES.join(', '))
    .option('-n, --lines <number>', 'how many lines from the end', parseCount, 50)
    .option('-f, --follow', 'go on showing what comes', false)
    .option('--json', 'the lines as they are', false)
    .option('--data <directory>', 'the data directory (default: ./data of the checkout)')
    .action(
      async (
        service: string | undefined,
        flags: { lines: number; follow: boolean; json: boolean; data?: string },
      ) => {
        const names = logNames(dataPaths(flags.data), service);
        const print = (name: string, line: string) =>
          process.stdout.write(`${flags.json ? line : formatLine(name, line)}\n`);
        process.stdout.on('error', () => process.exit(0));
        const from = names.map(({ path }) => statSync(path).size);
        const last = names
          .flatMap(({ name, path }) =>
            tail(path, flags.lines).map((line) => ({ name, line, at: timeOf(line) })),
          )
          .sort((a, b) => a.at - b.at);
        for (const { name, line } of flags.lines === 0 ? [] : last.slice(-flags.lines)) print(name, line);
        if (flags.follow)
          await Promise.all(
            names.map(({ name, path }, at) => follow(path, from[at] ?? 0, (line) => print(name, line))),
          );
      },
    );
}

function logNames(paths: DataPaths, service: string | undefined): { name: string; path: string }[] {
  const all = existsSync(paths.logs)
    ? readdirSync(paths.logs)
        .filter((file) => file.endsWith('.log'))
        .map((file) => ({ name: file.slice(0, -'.log'.length), path: join(paths.logs, file) }))
    : [];
  if (all.length === 0)
    throw new CliError(
      `${paths.dir} has no logs yet. Start a platform on it: npx mcp start${dataFlag(paths.dir)}`,
    );
  if (service === undefined) return all;
  const one = all.find(({ name }) => name === service);
  if (one === undefined)
    throw new CliError(
      `There is no log of ${service}. Those there are: ${all.map(({ name }) => name).join(', ')}.`,
    );
  return [one];
}

/** Prints what is appended, for ever. A file that became shorter was turned over and is read from its start. */
async function follow(path: string, from: number, print: (line: string) => void): Promise<never> {
  let at = from;
  let rest = '';
  for (;;) {
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (size < at) at = 0;
    while (at < size) {
      const buffer = Buffer.alloc(Math.min(size - at, 64 * 1024));
      const descriptor = openSync(path, 'r');
      const got = readSync(descriptor, buffer, 0, buffer.length, at);
      closeSync(descriptor);
      if (got === 0) break;
      at += got;
      const lines = (rest + buffer.toString('utf8', 0, got)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') print(line);
    }
    await sleep(FOLLOW_MS);
  }
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 0 || count > MAX_LINES)
    throw new InvalidArgumentError(`It must be a whole number from 0 to ${MAX_LINES}.`);
  return count;
}
