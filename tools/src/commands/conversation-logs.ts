/** `mcp logs show`, `accesses` and `erase`: what was said in a conversation, who was shown it, and its end. */
import { Accesses, ConversationLog, Erasure } from '@mcp/contracts';
import { Command } from 'commander';
import {
  conversationId,
  GATEWAY_OPTIONS,
  type GatewayClient,
  type GatewayFlags,
  gatewayOf,
} from '../gateway.ts';

interface Flags extends GatewayFlags {
  readonly json: boolean;
}

interface Asked {
  readonly id: string;
  readonly gateway: GatewayClient;
}

export function showCommand(): Command {
  return command(
    'show',
    'show the log of a conversation, decrypted; that it was shown is recorded',
    async (asked) => {
      const log = await asked.gateway.get(`/v1/conversations/${asked.id}/log`, ConversationLog);
      const lines = log.messages.map(
        ({ seq, role, at, content }) => `${seq}  ${at}  ${role}\n${indented(content)}`,
      );
      return { answer: log, lines };
    },
  );
}

export function accessesCommand(): Command {
  return command('accesses', 'list who was shown a conversation, and who erased it', async (asked) => {
    const answer = await asked.gateway.get(`/v1/conversations/${asked.id}/accesses`, Accesses);
    const lines = answer.accesses.map(
      ({ at, action, by, request_id }) => `${at}  ${action.padEnd(6)}  ${by}  ${request_id}`,
    );
    return { answer, lines: lines.length === 0 ? ['Nobody but its owner.'] : lines };
  });
}

export function eraseCommand(): Command {
  return command('erase', 'erase a conversation for good: its data key is destroyed', async (asked) => {
    const answer = await asked.gateway.delete(`/v1/conversations/${asked.id}`, Erasure);
    const { id, erased_at, erased_by, records } = answer;
    const line = `${id} was erased at ${erased_at} by ${erased_by}. The hashes of its ${records} records stay: npx mcp verify ${id}`;
    return { answer, lines: [line] };
  });
}

function command(
  name: string,
  description: string,
  ask: (asked: Asked) => Promise<{ readonly answer: object; readonly lines: readonly string[] }>,
): Command {
  return new Command(name)
    .description(description)
    .argument('<conversation>', 'its id (a UUID)')
    .option('--json', 'the answer as JSON', false)
    .option(...GATEWAY_OPTIONS.data)
    .option(...GATEWAY_OPTIONS.url)
    .action(async (given: string, flags: Flags) => {
      const { answer, lines } = await ask({ id: conversationId(given), gateway: gatewayOf(flags) });
      process.stdout.write(flags.json ? `${JSON.stringify(answer, null, 2)}\n` : `${lines.join('\n')}\n`);
    });
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '    ');
}
