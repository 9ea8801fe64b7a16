import { writeFileSync } from 'node:fs';
import { ProofBundle } from '@mcp/contracts';
import { Command } from 'commander';
import { CliError, messageOf } from '../errors.ts';
import { conversationId, GATEWAY_OPTIONS, type GatewayFlags, gatewayOf } from '../gateway.ts';

/** `mcp proof`: the proof bundle of a conversation, one file that others can verify offline. */
export function proofCommand(): Command {
  return new Command('proof')
    .description(
      'write the proof bundle of a conversation: its log, and proofs that it is in the transparency log',
    )
    .argument('<conversation>', 'its id (a UUID)')
    .option('--out <file>', 'where to (default: <conversation>.proof.json)')
    .option(...GATEWAY_OPTIONS.data)
    .option(...GATEWAY_OPTIONS.url)
    .addHelpText('after', '\nIt holds what was said, in clear. Check it with: npx mcp verify --bundle <file>')
    .action(async (given: string, flags: GatewayFlags & { out?: string }) => {
      const id = conversationId(given);
      const bundle = await gatewayOf(flags).get(`/v1/conversations/${id}/proof`, ProofBundle);
      const path = flags.out ?? `${id}.proof.json`;
      try {
        writeFileSync(path, `${JSON.stringify(bundle, null, 2)}\n`, { mode: 0o600 });
      } catch (error) {
        throw new CliError(`${path} cannot be written (${messageOf(error)}).`);
      }
      process.stdout.write(
        `${path}: ${bundle.log.messages.length} records, ${bundle.entries.length} proofs. Check it with: npx mcp verify --bundle ${path}\n`,
      );
    });
}
