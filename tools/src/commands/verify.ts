import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ChainVerdict } from '@mcp/contracts';
import { type VerifyOptions, verifyLog } from '@mcp/provenance';
import { Command } from 'commander';
import { z } from 'zod';
import { CliError, codeOf, EXIT, messageOf } from '../errors.ts';
import { GATEWAY_OPTIONS, gatewayOf } from '../gateway.ts';
import { readGivenJson } from '../given-file.ts';
import { timeOf } from '../given-time.ts';
import { type DataPaths, dataPaths } from '../paths.ts';
import { isRunning } from '../runner/processes.ts';
import { readRunFile } from '../runner/run-file.ts';
import { readSecret } from '../runner/secrets.ts';
import { paint, terminalUi } from '../ui.ts';
import { gather } from './trusted-keys.ts';
import { verdictLine } from './verdict-line.ts';
import { checkAnchored } from './verify-anchor.ts';
import { checkBundle } from './verify-bundle.ts';
import { verifyOptions } from './verify-options.ts';

/** A conversation log larger than this is not one of ours. */
const GIVEN = { what: 'a conversation log', max_bytes: 64 * 1024 * 1024 };
const ASK_TIMEOUT_MS = 15_000;

/** `mcp verify`: the hash chains of conversation logs, and what a running platform knows of them. Exit code 1 when one is not in order. */
export function verifyCommand(): Command {
  return new Command('verify')
    .description('check the hash chain and the signature of conversation logs (exit code 1: broken)')
    .argument('[log]', 'a log file, or the id of a conversation in the data directory')
    .option('--all', 'every log of the data directory', false)
    .option('--since <time>', 'as --all, those that were written to since a day or time (2026-11-29)', timeOf)
    .option('--bundle <file>', 'a proof bundle (npx mcp proof), checked offline')
    .option(
      '--anchor <place>',
      'the transparency log of a running platform, compared with checkpoints that were kept outside: a folder, a file or s3://…',
    )
    .option(
      '--key <key>',
      'with --bundle or --anchor: a key of the log or of a witness that you trust; repeat it',
      gather,
      [],
    )
    .option('--keys <file>', 'the key history (mcp keys list --json; default: that of the data directory)')
    .option('--json', 'the verdicts as JSON', false)
    .option('--data <directory>', 'the data directory (default: ./data of the checkout)')
    .option('--url <url>', `with --anchor: ${GATEWAY_OPTIONS.url[1]}`)
    .addHelpText(
      'after',
      `
The chain shows that no record was changed, moved or removed. The HMAC shows that the log was written by
this platform: it needs PROV_SECRET, from the environment or the data directory. The signature shows the same to others:
it needs the key history only. Without either, only the chain is checked.
Whether records are missing at the end is known to the platform alone: where it runs, it is asked.
With --anchor, a conversation (its id, or --bundle) is looked for in what was anchored; without one, the log is compared.`,
    )
    .action(async (log: string | undefined, flags: VerifyFlags) => {
      const all = flags.all || flags.since !== undefined;
      if (flags.anchor !== undefined) {
        await anchored(log, { ...flags, anchor: flags.anchor });
        return;
      }
      if ([log !== undefined, all, flags.bundle !== undefined].filter(Boolean).length !== 1)
        throw new CliError(
          'Name one log (a file or a conversation id), or give --all, --since or --bundle.',
          EXIT.usage,
        );
      if (flags.key.length > 0 && flags.bundle === undefined)
        throw new CliError(
          '--key is a key of the transparency log: give it with --bundle. A log alone is checked by --keys.',
          EXIT.usage,
        );
      const paths = dataPaths(flags.data);
      const options = verifyOptions(paths, flags.keys);
      if (flags.bundle !== undefined) {
        checkBundle(flags.bundle, { options, keys: flags.key, json: flags.json });
        return;
      }
      const files = log === undefined ? allLogs(paths, flags.since) : [logPath(paths, log)];
      const platform = platformOf(paths);
      const verdicts = await checkAll(files, { options, platform });
      if (flags.json) process.stdout.write(`${JSON.stringify(verdicts, null, 2)}\n`);
      else {
        const notes = notesOf(options, platform).map((note) => paint('yellow', note));
        process.stdout.write(`${[...render(verdicts), ...notes].join('\n')}\n`);
      }
      process.exitCode = verdicts.every(({ ok }) => ok) ? EXIT.ok : EXIT.failed;
    });
}

/** The log of a running platform, compared with what was anchored of it. */
async function anchored(log: string | undefined, flags: VerifyFlags & { anchor: string }): Promise<void> {
  if (flags.all || flags.since !== undefined || (log !== undefined && flags.bundle !== undefined))
    throw new CliError('With --anchor, name one conversation, give --bundle, or neither.', EXIT.usage);
  await checkAnchored(gatewayOf(flags), {
    place: flags.anchor,
    log,
    bundle: flags.bundle,
    options: verifyOptions(dataPaths(flags.data), flags.keys),
    keys: flags.key,
    json: flags.json,
  });
}

/** What was not checked, and why. */
function notesOf({ secret, history }: VerifyOptions, platform: RunningPlatform | undefined): string[] {
  return [
    ...(secret === undefined ? ['PROV_SECRET is not known here: the HMAC was not checked.'] : []),
    ...(history === undefined
      ? ['There is no key history here: signatures by its keys were not checked (--keys gives one).']
      : []),
    ...(platform === undefined
      ? ['No platform runs here that could be asked whether records are missing at the end.']
      : []),
  ];
}

interface VerifyFlags {
  readonly all: boolean;
  readonly json: boolean;
  readonly since?: Date;
  readonly bundle?: string;
  readonly anchor?: string;
  readonly url?: string;
  readonly key: readonly string[];
  readonly keys?: string;
  readonly data?: string;
}

/** The platform that runs on a data directory: it has the store and the heads of the logs. */
interface RunningPlatform {
  readonly url: string;
  readonly key: string;
  readonly conversations: string;
}

function platformOf(paths: DataPaths): RunningPlatform | undefined {
  const run = readRunFile(paths.run_file);
  const key = readSecret(paths.secrets, 'admin');
  return run === undefined || key === undefined || run.state !== 'ready' || !isRunning(run.runner)
    ? undefined
    : { url: run.url, key, conversations: paths.conversations };
}

async function checkAll(
  files: readonly string[],
  { options, platform }: { options: VerifyOptions; platform: RunningPlatform | undefined },
): Promise<ChainVerdict[]> {
  const step = files.length > 1 ? terminalUi(process.stderr).step('checking') : undefined;
  const verdicts: ChainVerdict[] = [];
  for (const [at, path] of files.entries()) {
    step?.update(`${at + 1} of ${files.length}`);
    const verdict = check(path, options);
    const own =
      platform !== undefined && verdict.status !== 'broken' && dirname(path) === platform.conversations;
    verdicts.push(own ? await ask(platform, verdict) : verdict);
  }
  step?.done(`${files.length} logs`);
  return verdicts;
}

/** What the platform says of a log whose file is in order: it compares it with the store and the event bus. */
async function ask({ url, key }: RunningPlatform, file: ChainVerdict): Promise<ChainVerdict> {
  const unknown = (status: 'unconfirmed' | 'broken', reason: string): ChainVerdict => ({
    ...file,
    ok: false,
    status,
    reason,
  });
  try {
    const answer = await fetch(`${url}/v1/conversations/${file.id}/verify`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
      signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
    });
    if (answer.status === 404)
      return unknown('broken', 'The store has no such conversation: it was removed.');
    return ChainVerdict.parse(await answer.json());
  } catch {
    return unknown('unconfirmed', 'The file is in order; the platform could not be asked about the rest.');
  }
}

/** What cannot be read as a log is a verdict, too: the others are checked all the same. */
function check(path: string, options: VerifyOptions): ChainVerdict {
  try {
    return verifyLog(readGivenJson(path, GIVEN), options);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const reason = error.message;
    return { id: path, ok: false, status: 'broken', records: 0, broken_at: null, reason, head: null };
  }
}

function allLogs(paths: DataPaths, since: Date = new Date(0)): string[] {
  try {
    return (
      readdirSync(paths.conversations)
        .filter((name) => name.endsWith('.json'))
        .sort()
        .map((name) => join(paths.conversations, name))
        // A log is written whole at the end of each run.
        .filter((path) => statSync(path).mtime >= since)
    );
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw new CliError(`${paths.conversations} cannot be read (${messageOf(error)}).`);
  }
}

function logPath(paths: DataPaths, log: string): string {
  const path = z.uuid().safeParse(log).success ? join(paths.conversations, `${log.toLowerCase()}.json`) : log;
  if (statOf(path) !== undefined) return path;
  throw new CliError(
    `There is no log ${path}. Give a file, or the id of a conversation of this data directory.`,
  );
}

/** Undefined where there is nothing, or the name is none that a file can have. */
function statOf(path: string): ReturnType<typeof statSync> {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function render(verdicts: readonly ChainVerdict[]): string[] {
  const shown = verdicts.length === 1 ? verdicts : verdicts.filter(({ ok }) => !ok);
  const lines = shown.map(verdictLine);
  const count = (status: ChainVerdict['status']) => verdicts.filter((one) => one.status === status).length;
  const more = count('unconfirmed') === 0 ? '' : `, ${count('unconfirmed')} not confirmed`;
  return verdicts.length === 1
    ? lines
    : [...lines, `${verdicts.length} logs checked, ${count('broken')} broken${more}.`];
}
