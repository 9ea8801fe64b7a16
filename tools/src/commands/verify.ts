import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ChainVerdict } from '@mcp/contracts';
import { verifyLog } from '@mcp/provenance';
import { Command } from 'commander';
import { z } from 'zod';
import { CliError, codeOf, EXIT, messageOf } from '../errors.ts';
import { type DataPaths, dataPaths } from '../paths.ts';
import { readSecret } from '../runner/secrets.ts';
import { paint, terminalUi } from '../ui.ts';

/** A conversation log larger than this is not one of ours. */
const MAX_LOG_BYTES = 256 * 1024 * 1024;

/** `mcp verify`: the hash chains of conversation logs, without any service. Exit code 1 when one is broken. */
export function verifyCommand(): Command {
  return new Command('verify')
    .description('check the hash chain and the seal of conversation logs (exit code 1: broken)')
    .argument('[log]', 'a log file, or the id of a conversation in the data directory')
    .option('--all', 'every log of the data directory', false)
    .option('--json', 'the verdicts as JSON', false)
    .option('--data <directory>', 'the data directory (default: ./data of the checkout)')
    .addHelpText(
      'after',
      `
The chain shows that no record was changed, moved or removed. The seal shows that the log was written by this
platform: it needs PROV_SECRET, from the environment or the data directory; without it, only the chain is checked.`,
    )
    .action((log: string | undefined, flags: { all: boolean; json: boolean; data?: string }) => {
      if ((log === undefined) === !flags.all)
        throw new CliError('Name one log (a file or a conversation id), or give --all.', EXIT.usage);
      const paths = dataPaths(flags.data);
      const files = log === undefined ? allLogs(paths) : [logPath(paths, log)];
      const secret = process.env.PROV_SECRET || readSecret(paths.secrets, 'provenance');
      const verdicts = checkAll(files, secret);
      if (flags.json) process.stdout.write(`${JSON.stringify(verdicts, null, 2)}\n`);
      else process.stdout.write(`${render(verdicts, secret !== undefined).join('\n')}\n`);
      process.exitCode = verdicts.every(({ ok }) => ok) ? EXIT.ok : EXIT.failed;
    });
}

function checkAll(files: readonly string[], secret: string | undefined): ChainVerdict[] {
  const step = files.length > 1 ? terminalUi(process.stderr).step('checking') : undefined;
  const verdicts = files.map((path, at) => {
    step?.update(`${at + 1} of ${files.length}`);
    return check(path, secret);
  });
  step?.done(`${files.length} logs`);
  return verdicts;
}

function check(path: string, secret: string | undefined): ChainVerdict {
  const size = statSync(path).size;
  if (size > MAX_LOG_BYTES)
    throw new CliError(`${path} has ${size} bytes, more than any conversation log (${MAX_LOG_BYTES}).`);
  try {
    return verifyLog(JSON.parse(readFileSync(path, 'utf8')), { secret });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const reason = `${path} is not JSON: ${error.message}`;
    return { id: path, ok: false, records: 0, broken_at: null, reason, head: null };
  }
}

function allLogs(paths: DataPaths): string[] {
  try {
    return readdirSync(paths.conversations)
      .filter((name) => name.endsWith('.json'))
      .sort()
      .map((name) => join(paths.conversations, name));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw new CliError(`${paths.conversations} cannot be read (${messageOf(error)}).`);
  }
}

function logPath(paths: DataPaths, log: string): string {
  const path = z.uuid().safeParse(log).success ? join(paths.conversations, `${log.toLowerCase()}.json`) : log;
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return path;
  throw new CliError(
    `There is no log ${path}. Give a file, or the id of a conversation of this data directory.`,
  );
}

function render(verdicts: readonly ChainVerdict[], sealed: boolean): string[] {
  const broken = verdicts.filter(({ ok }) => !ok);
  const shown = verdicts.length === 1 ? verdicts : broken;
  const lines = shown.map((one) =>
    one.ok
      ? `${paint('green', '✓')} ${one.id}: ${one.records} records, head ${one.head ?? ''}`
      : `${paint('red', '✗')} ${one.id}: ${one.reason ?? 'broken'}${one.broken_at === null ? '' : ` (record ${one.broken_at})`}`,
  );
  const total = verdicts.length === 1 ? [] : [`${verdicts.length} logs checked, ${broken.length} broken.`];
  const note = sealed ? [] : [paint('yellow', 'PROV_SECRET is not known here: the seal was not checked.')];
  return [...lines, ...total, ...note];
}
