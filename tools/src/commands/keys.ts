import { type KeyChange, KeyChanged, type KeyHistory, LogCheckpoint, PublishedKeys } from '@mcp/contracts';
import { checksumOf, stateOf, VerifiedKeys } from '@mcp/provenance';
import { Command } from 'commander';
import { CliError, EXIT } from '../errors.ts';
import { GATEWAY_OPTIONS, type GatewayFlags, gatewayOf } from '../gateway.ts';
import { timeOf } from '../given-time.ts';
import { paint, table } from '../ui.ts';

type Flags = GatewayFlags & { readonly json: boolean; readonly log: boolean };

const OF_LOG = [
  '--log',
  'the keys of the transparency log, rather than those of conversations',
  false,
] as const;

/** `mcp keys list`, `mcp keys rotate`, `mcp keys revoke`: the keys that logs are signed with. */
export function keysCommand(): Command {
  const command = new Command('keys').description(
    'the keys that conversation logs and the transparency log are signed with (API keys: POST /admin/keys; the admin key: mcp key)',
  );
  listCommand(command);
  rotateCommand(command);
  revokeCommand(command);
  return command;
}

function listCommand(keys: Command): void {
  keys
    .command('list')
    .description('verify the key history and show it')
    .option(...OF_LOG)
    .option(...GATEWAY_OPTIONS.data)
    .option(...GATEWAY_OPTIONS.url)
    .option('--json', 'the key history as JSON, for who verifies logs elsewhere', false)
    .action(async (flags: Flags) => {
      const history = await historyOf(flags);
      const checksum = checksumOf(VerifiedKeys.of(history).history);
      print(
        flags.json
          ? [JSON.stringify(history, null, 2)]
          : [
              ...rowsOf(history),
              `${paint('green', '✓')} each key is signed by the one before; checksum ${checksum}`,
            ],
      );
    });
}

function rotateCommand(keys: Command): void {
  keys
    .command('rotate')
    .description('generate a key, publish it signed by the one before, replace, verify, retire')
    .option(...OF_LOG)
    .option('--dry-run', 'say what would be done, and change nothing', false)
    .option('--rollback', 'sign with the key before again, or withdraw one that never signed', false)
    .option(...GATEWAY_OPTIONS.data)
    .option(...GATEWAY_OPTIONS.url)
    .option('--json', 'what was done as JSON', false)
    .action(async (flags: Flags & { dryRun: boolean; rollback: boolean }) =>
      change(
        { change: flags.rollback ? 'roll_back' : 'rotate', keys: keysOf(flags), dry_run: flags.dryRun },
        flags,
      ),
    );
}

function revokeCommand(keys: Command): void {
  keys
    .command('revoke')
    .description('say that signatures of a retired key do not count any more, because others may have had it')
    .argument('<key-id>', 'or as much of it as mcp keys list shows', keyId)
    .requiredOption('--reason <text>', 'why; it stands in the key history')
    .option(
      '--since <time>',
      'since when others may have had it: 2026-11-29, or 2026-11-29T08:00:00Z (default: now)',
      timeOf,
    )
    .option(...OF_LOG)
    .option('--dry-run', 'say what would be done, and change nothing', false)
    .option(...GATEWAY_OPTIONS.data)
    .option(...GATEWAY_OPTIONS.url)
    .option('--json', 'what was done as JSON', false)
    .action(async (given: string, flags: Flags & { reason: string; since?: Date; dryRun: boolean }) => {
      const revoked_from = flags.since?.toISOString();
      await change(
        {
          change: 'revoke',
          keys: keysOf(flags),
          key_id: await wholeId(given, flags),
          reason: flags.reason,
          revoked_from,
          dry_run: flags.dryRun,
        },
        flags,
      );
    });
}

function keyId(given: string): string {
  if (/^[0-9a-f]{8,64}$/.test(given)) return given;
  throw new CliError(
    `${given.slice(0, 80)} is no key id: 64 hex digits, or the first of them, as mcp keys list shows them.`,
    EXIT.usage,
  );
}

async function wholeId(given: string, flags: Flags): Promise<string> {
  const { keys } = await historyOf(flags);
  const [found, ...others] = keys.filter(({ key_id }) => key_id.startsWith(given));
  if (found !== undefined && others.length === 0) return found.key_id;
  throw new CliError(
    `${found === undefined ? 'No' : 'More than one'} key of the history begins with ${given}. See: npx mcp keys list${flags.log ? ' --log' : ''}`,
  );
}

function keysOf({ log }: Flags): 'transparency_log' | undefined {
  return log ? 'transparency_log' : undefined;
}

async function historyOf(flags: Flags): Promise<KeyHistory> {
  const gateway = gatewayOf(flags);
  if (!flags.log) return (await gateway.get('/v1/provenance/keys', PublishedKeys)).history;
  const { log_key_history } = await gateway.get('/v1/log', LogCheckpoint);
  if (log_key_history !== undefined) return log_key_history;
  throw new CliError(
    `${gateway.url} has a transparency log without a key history: it is of an older version.`,
  );
}

async function change(asked: KeyChange, flags: Flags): Promise<void> {
  const done = await gatewayOf(flags).post('/admin/provenance/keys', KeyChanged, asked);
  print(flags.json ? [JSON.stringify(done, null, 2)] : linesOf(done));
}

function linesOf({ dry_run, steps, before, after }: KeyChanged): string[] {
  return [
    ...(dry_run ? [paint('yellow', 'Nothing is changed: this is what would be.')] : []),
    ...steps.map(({ step, detail }) => `${paint('green', '✓')} ${step.replace('_', ' ')}: ${detail}`),
    `checksum before ${before.checksum}`,
    `checksum after  ${after.checksum}`,
  ];
}

function rowsOf(history: KeyHistory): string[] {
  const rows = history.keys.map((term) => [
    term.key_id.slice(0, 16),
    stateOf(history, term),
    term.active_from ?? '',
    term.not_after ?? '',
  ]);
  return table(['key', 'state', 'active from', 'not after'], rows);
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}
