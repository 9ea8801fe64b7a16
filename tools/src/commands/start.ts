import { Command, InvalidArgumentError } from 'commander';
import { dataPaths } from '../paths.ts';
import { chosenStack } from '../runner/choices.ts';
import { startDetached } from '../runner/detach.ts';
import { runForeground } from '../runner/foreground.ts';
import { ACCOUNTS, listed, serversText } from '../runner/sources.ts';

/** Options of `mcp start` as commander gives them. */
interface Flags {
  readonly port: number;
  readonly host: string;
  readonly data?: string;
  readonly models: string;
  readonly singleProcess: string;
  readonly offline: boolean;
  readonly detach: boolean;
}

/** `mcp start`: the stack `local` as processes on this machine. */
export function startCommand(): Command {
  return new Command('start')
    .description('run the platform on this machine: real models, services as processes, no cluster')
    .option('--port <number>', 'port of the gateway and the console', parsePort, 8000)
    .option('--host <address>', 'address the gateway listens on', '127.0.0.1')
    .option('--data <directory>', 'where logs, state and secrets are kept (default: ./data of the checkout)')
    .option(
      '--models <choice>',
      'small (98 MB), standard (and 1.1 GB in the background), scripted (for tests), or ids separated by commas',
      'standard',
    )
    .option(
      '--single-process <services>',
      'run in one process: all, none, or names separated by commas',
      'none',
    )
    .option('--offline', 'use only what is on this machine already', false)
    .option('--detach', 'run in the background; returns when it is ready', false)
    .addHelpText(
      'after',
      `
Everything the platform keeps is below the data directory. Ports of services other than the gateway move by
themselves when they are taken. Used as they are found: ${serversText()} on this machine,
${listed(
  ACCOUNTS.map(({ key_variable }) => key_variable),
  'and',
)} in the environment.
Every variable of docs/configuration.md may be set.

Examples:
  npx mcp start                         both models, in the foreground; Ctrl-C stops everything
  npx mcp start --models small --detach
  npx mcp start --port 8080 --data /srv/mcp`,
    )
    .action(async (flags: Flags) => {
      const stack = chosenStack({ models: flags.models, in_process: flags.singleProcess });
      const paths = dataPaths(flags.data);
      const scripted = flags.models === 'scripted';
      const { host, port, offline } = flags;
      const options = { stack, paths, scripted, offline, host, port };
      if (flags.detach) await startDetached(options, { argv: foregroundArguments(flags, paths.dir) });
      else await runForeground(options);
    });
}

/** The same start without --detach, and with the data directory spelt out. */
function foregroundArguments(flags: Flags, data: string): string[] {
  const { port, host, models, singleProcess, offline } = flags;
  return [
    'start',
    ...[
      '--port',
      String(port),
      '--host',
      host,
      '--data',
      data,
      '--models',
      models,
      '--single-process',
      singleProcess,
    ],
    ...(offline ? ['--offline'] : []),
  ];
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new InvalidArgumentError('It must be a whole number from 1 to 65535.');
  return port;
}
