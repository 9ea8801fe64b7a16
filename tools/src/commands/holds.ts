import { LegalHold, LegalHoldPage, SetLegalHold } from '@mcp/contracts';
import { Command } from 'commander';
import { z } from 'zod';
import { CliError, EXIT } from '../errors.ts';
import { GATEWAY_OPTIONS, type GatewayFlags, gatewayOf } from '../gateway.ts';
import { table } from '../ui.ts';

const MOST = 200;

/** `mcp holds`: legal holds, which keep what they name from being erased. */
export function holdsCommand(): Command {
  return new Command('holds')
    .description('legal holds: list, set and lift them')
    .addCommand(
      asking('list', `list them, the newest ${MOST}`).action(async (flags: GatewayFlags) => {
        const { holds } = await gatewayOf(flags).get(`/admin/legal-holds?limit=${MOST}`, LegalHoldPage);
        const rows = holds.map((one) => [
          one.id,
          one.owner ?? one.conversation_id ?? '',
          one.lifted_at === null ? 'in force' : `lifted ${one.lifted_at} by ${one.lifted_by ?? ''}`,
          one.reason,
        ]);
        const lines =
          rows.length === 0 ? ['There are none.'] : table(['hold', 'of', 'state', 'reason'], rows);
        process.stdout.write(`${lines.join('\n')}\n`);
      }),
    )
    .addCommand(
      asking('set', 'keep what an owner said, or one conversation, from being erased')
        .option('--owner <id>', 'id of a principal, such as key:…')
        .option('--conversation <id>', 'id of a conversation')
        .requiredOption('--reason <text>', 'why: it stays with the hold')
        .action(async (flags: SetFlags) => {
          const { owner, conversation: conversation_id, reason } = flags;
          const request = SetLegalHold.safeParse({ owner, conversation_id, reason });
          if (!request.success) throw new CliError(z.prettifyError(request.error), EXIT.usage);
          const hold = await gatewayOf(flags).post('/admin/legal-holds', LegalHold, request.data);
          process.stdout.write(`${hold.id}: in force since ${hold.set_at}.\n`);
        }),
    )
    .addCommand(
      asking('lift', 'lift one')
        .argument('<hold>', 'its id (a UUID)')
        .action(async (given: string, flags: GatewayFlags) => {
          const hold = await gatewayOf(flags).delete(
            `/admin/legal-holds/${encodeURIComponent(given)}`,
            LegalHold,
          );
          process.stdout.write(`${hold.id}: lifted at ${hold.lifted_at ?? ''}.\n`);
        }),
    );
}

interface SetFlags extends GatewayFlags {
  readonly owner?: string;
  readonly conversation?: string;
  readonly reason: string;
}

function asking(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option(...GATEWAY_OPTIONS.data)
    .option(...GATEWAY_OPTIONS.url);
}
