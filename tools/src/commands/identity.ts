import { serviceVariable } from '@mcp/contracts';
import { signingServices } from '@mcp/stacks';
import { Command } from 'commander';
import { jwksOf, signingKey } from '../runner/secrets.ts';

/** `mcp identity`: makes the signing keys of the services and their key set, as variables for `.env` or a shell. */
export function identityCommand(): Command {
  return new Command('identity')
    .description('make signing keys for the services and print them as variables')
    .action(() => {
      const made = new Map(signingServices.map((name) => [name, signingKey()]));
      for (const [name, secret] of made)
        process.stdout.write(`${serviceVariable(name, 'SIGNING_KEY')}=${secret}\n`);
      process.stdout.write(`MCP_SERVICE_JWKS='${jwksOf((name) => made.get(name))}'\n`);
    });
}
