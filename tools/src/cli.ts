import { Command, CommanderError } from 'commander';
import { commands } from './commands/index.ts';
import { CliError, EXIT, messageOf, printable } from './errors.ts';
import { paint } from './ui.ts';

const program = new Command('mcp')
  .description('The Multi-Component Platform on this machine.')
  .version('0.1.0')
  .showSuggestionAfterError()
  // An option behind a sub-command is that one's, also where the command above it has one of that name.
  .enablePositionalOptions()
  .exitOverride()
  .addHelpText(
    'after',
    `
Exit codes: ${EXIT.ok} done, ${EXIT.failed} failed, ${EXIT.usage} wrong usage, ${EXIT.not_running} not running (status), ${EXIT.taken} port or data directory taken,
130 and 143 ended by a signal before it was ready.`,
  );
for (const make of commands) program.addCommand(inherit(make()));

try {
  await program.parseAsync(process.argv);
} catch (error) {
  finish(error);
}

/** Sub-commands leave by exception, too, so that there is one way out. */
function inherit(command: Command): Command {
  command.exitOverride().showHelpAfterError('(--help says more)');
  for (const child of command.commands) inherit(child);
  return command;
}

function finish(error: unknown): void {
  if (error instanceof CommanderError) {
    // Commander has printed its own message; help and version are no errors.
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    return;
  }
  const known = error instanceof CliError;
  const message =
    known || process.env.MCP_DEBUG === undefined ? messageOf(error) : String((error as Error).stack);
  const exit_code = known ? error.exit_code : EXIT.failed;
  process.stderr.write(`${paint('red', 'mcp:')} ${printable(message)}\n`);
  if (process.env.MCP_DETACHED === '1' && process.connected)
    process.send?.({ kind: 'failed', message, exit_code }, () => process.exit(exit_code));
  else process.exit(exit_code);
}
