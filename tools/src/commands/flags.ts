import { FLAGS, type Stack, stacks } from '@mcp/stacks';
import { Argument, Command } from 'commander';
import { findStack } from '../stack-text.ts';
import { paint, table } from '../ui.ts';

/** `mcp flags`: every feature flag with its value and where that comes from. */
export function flagsCommand(): Command {
  return new Command('flags')
    .description('list the feature flags: value, where it comes from, meaning')
    .addArgument(
      new Argument('[stack]', 'the stack they are listed for').choices(Object.keys(stacks)).default('local'),
    )
    .option('--json', 'as JSON', false)
    .action(async (name: string, flags: { json: boolean }) => {
      const rows = await flagRows(findStack(name), process.env);
      if (flags.json) {
        process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
        return;
      }
      const lines = table(
        ['flag', 'value', 'from', 'meaning'],
        rows.map((row) => [
          row.name,
          paint(row.value ? 'green' : 'yellow', row.value ? 'on' : 'off'),
          row.source,
          row.description,
        ]),
      );
      process.stdout.write(
        `${lines.join('\n')}\n\nSet one for a start: ${rows[0]?.name ?? 'FLAG'}=false npm start\n`,
      );
    });
}

interface FlagRow {
  readonly name: string;
  readonly value: boolean;
  readonly source: 'default' | 'stack' | 'environment';
  readonly description: string;
}

async function flagRows(stack: Stack, env: NodeJS.ProcessEnv): Promise<FlagRow[]> {
  const { flagValue } = await import('@mcp/service-kit');
  return Object.entries(FLAGS).map(([name, { default: fallback, description }]) => {
    const override = stack.features[name];
    const source = env[name] ? 'environment' : override === undefined ? 'default' : 'stack';
    return { name, value: flagValue(name, override ?? fallback, env), source, description };
  });
}
