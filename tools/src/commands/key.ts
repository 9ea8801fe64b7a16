import { Command } from 'commander';
import { CliError } from '../errors.ts';
import { dataFlag, dataPaths } from '../paths.ts';
import { readSecret } from '../runner/secrets.ts';

/** `mcp key`: prints the first admin key, for `$(npx mcp key)`. */
export function keyCommand(): Command {
  return new Command('key')
    .description('print the admin key of a data directory (the keys that logs are signed with: mcp keys)')
    .option('--data <directory>', 'its data directory (default: ./data of the checkout)')
    .action((flags: { data?: string }) => {
      const { dir, secrets } = dataPaths(flags.data);
      const key = readSecret(secrets, 'admin');
      if (key === undefined)
        throw new CliError(`${dir} has no key yet. Start a platform on it: npx mcp start${dataFlag(dir)}`);
      process.stdout.write(`${key}\n`);
    });
}
