import { stacks } from '@mcp/stacks';
import { Argument, Command } from 'commander';
import { findStack, stackLines, stackMeaning } from '../stack-text.ts';
import { table } from '../ui.ts';

/** `mcp stack list` and `mcp stack show <name>`. */
export function stackCommand(): Command {
  const command = new Command('stack').description('the stacks: what runs where');
  command
    .command('list')
    .description('every stack with its regions, services and models')
    .option('--json', 'as JSON', false)
    .action((flags: { json: boolean }) => {
      const all = Object.values(stacks);
      const rows = all.map((stack) => [
        stack.name,
        stack.regions.map((region) => region.name).join(', '),
        String(stack.services.length),
        stack.models.map((model) => model.id).join(', '),
      ]);
      print(
        flags.json ? [JSON.stringify(all, null, 2)] : table(['stack', 'regions', 'services', 'models'], rows),
      );
    });
  command
    .command('show')
    .description('what a stack means: services, regions, models, limits, features')
    .addArgument(new Argument('[name]', 'name of the stack').choices(Object.keys(stacks)).default('local'))
    .option('--json', 'as JSON, with every manifest', false)
    .action((name: string, flags: { json: boolean }) => {
      const stack = findStack(name);
      print(flags.json ? [JSON.stringify(stackMeaning(stack), null, 2)] : stackLines(stack));
    });
  return command;
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}
