/** `mcp forensics`: copies what shows how logs were tampered with, before anybody repairs anything. */
import { createHash } from 'node:crypto';
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { GovernanceRun } from '@mcp/contracts';
import { Command } from 'commander';
import { z } from 'zod';
import { CliError, messageOf } from '../errors.ts';
import { conversationId, GATEWAY_OPTIONS, type GatewayClient, gatewayOf } from '../gateway.ts';
import { type DataPaths, dataPaths } from '../paths.ts';

const Governance = z.object({
  jobs: z.array(z.object({ name: z.string(), last: GovernanceRun.nullable() })),
});
/** Conversations that are copied at most: a report names up to 1,000. */
const MAX_CONVERSATIONS = 1000;
const SUMS = 'SHA256SUMS';
const MISSED = 'not-copied.json';

interface ForensicsFlags {
  readonly conversation: readonly string[];
  readonly data?: string;
}

export function forensicsCommand(): Command {
  return new Command('forensics')
    .description('copy the transparency log and every log that does not verify, with SHA-256 checksums')
    .argument('<folder>', 'where to; it must not exist yet')
    .option(
      '--conversation <id>',
      'one to copy beside those that the last check found; repeat it',
      gather,
      [],
    )
    .option(...GATEWAY_OPTIONS.data)
    .addHelpText(
      'after',
      '\nIt holds what was said, in clear. Nothing is changed where it copies from. Check it with: sha256sum -c SHA256SUMS',
    )
    .action(async (folder: string, flags: ForensicsFlags) => {
      const paths = dataPaths(flags.data);
      const log = join(paths.dir, 'transparency-log');
      const gateway = runningOn(flags);
      const to = resolve(folder);
      if (!existsSync(log) && gateway === undefined)
        throw new CliError(
          `Nothing runs on ${paths.dir}, and there is no ${log}: nothing to copy. Name the data directory: --data`,
        );
      if (`${to}${sep}`.startsWith(`${log}${sep}`))
        throw new CliError(`${to} lies in the folder that is copied. Name one outside ${log}.`);
      const copy = new Copy(to);
      await copy.folder(log, 'transparency-log');
      const ids = new Set(flags.conversation);
      if (gateway !== undefined)
        for (const id of await copy.findings(gateway)) if (ids.size < MAX_CONVERSATIONS) ids.add(id);
      for (const id of ids) await copy.conversation(id, { paths, gateway });
      const sum = copy.close();
      const asked =
        gateway === undefined ? ' The platform does not run: what it stores was not asked for.' : '';
      const missed = copy.missed === 0 ? '' : ` ${copy.missed} could not be copied: see ${MISSED}.`;
      process.stdout.write(
        `${copy.files} files, ${ids.size} conversations in ${folder}. SHA-256 of its ${SUMS}: ${sum}${missed}${asked}\n`,
      );
    });
}

function gather(id: string, ids: readonly string[]): string[] {
  return [...ids, conversationId(id)];
}

/** Undefined where nothing runs on the data directory: its files are copied all the same. */
function runningOn(flags: ForensicsFlags): GatewayClient | undefined {
  try {
    return gatewayOf(flags);
  } catch (error) {
    if (error instanceof CliError) return undefined;
    throw error;
  }
}

class Copy {
  readonly #to: string;
  readonly #sums: string[] = [];
  readonly #missed: { readonly name: string; readonly reason: string }[] = [];

  constructor(to: string) {
    if (existsSync(to)) throw new CliError(`${to} is there already. Name a folder that is not.`);
    this.#to = to;
    try {
      mkdirSync(to, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw new CliError(`${to} cannot be made (${messageOf(error)}). Name a folder where you may write.`);
    }
  }

  /** Files that could not be read, or are none. */
  get missed(): number {
    return this.#missed.length;
  }

  get files(): number {
    return this.#sums.length;
  }

  /** Every file below a folder, one at a time. */
  async folder(from: string, name: string): Promise<void> {
    if (!existsSync(from)) return;
    for (const entry of readdirSync(from, { recursive: true, withFileTypes: true }))
      if (!entry.isDirectory()) {
        const path = join(entry.parentPath, entry.name);
        const as = join(name, relative(from, path));
        if (entry.isFile()) await this.#file(path, as);
        else this.#missed.push({ name: as, reason: 'It is no regular file.' });
      }
  }

  /** The last report of each governance job and the newest checkpoint. Returns the conversations that are not in order. */
  async findings(gateway: GatewayClient): Promise<string[]> {
    const jobs = await this.#asked(gateway, { path: '/admin/governance', as: 'governance.json' });
    await this.#asked(gateway, { path: '/v1/log', as: 'checkpoint.json' });
    const failures = Governance.safeParse(jobs).data?.jobs.flatMap(({ last }) => last?.failures ?? []) ?? [];
    return failures.flatMap(({ id, conversation_id = id }) => z.uuid().safeParse(conversation_id).data ?? []);
  }

  /** What the store, the archive on this disk and the check have of a conversation. */
  async conversation(
    id: string,
    { paths, gateway }: { readonly paths: DataPaths; readonly gateway: GatewayClient | undefined },
  ): Promise<void> {
    const archived = join(paths.conversations, `${id}.json`);
    const folder = join('conversations', id);
    if (statSync(archived, { throwIfNoEntry: false })?.isFile() === true)
      await this.#file(archived, join(folder, 'archived.json'));
    if (gateway === undefined) return;
    for (const part of ['log', 'lineage'])
      await this.#asked(gateway, {
        path: `/v1/conversations/${id}/${part}`,
        as: join(folder, `${part}.json`),
      });
  }

  /** Writes the checksums down; returns the checksum over them. */
  close(): string {
    if (this.#missed.length > 0) this.#write(MISSED, `${JSON.stringify(this.#missed, null, 2)}\n`);
    const text = this.#sums.map((line) => `${line}\n`).join('');
    writeFileSync(join(this.#to, SUMS), text, { mode: 0o600 });
    return createHash('sha256').update(text).digest('hex');
  }

  /** What cannot be read is noted down: the rest is kept all the same. */
  async #file(from: string, name: string): Promise<void> {
    const hash = createHash('sha256');
    const read = createReadStream(from).on('data', (chunk) => hash.update(chunk));
    const to = this.#place(name);
    try {
      await pipeline(read, createWriteStream(to, { mode: 0o600 }));
    } catch (error) {
      if (!isOf(error, from)) throw error;
      rmSync(to, { force: true });
      this.#missed.push({ name, reason: messageOf(error) });
      return;
    }
    this.#sums.push(sumLine(hash.digest('hex'), name));
  }

  #write(name: string, text: string): void {
    writeFileSync(this.#place(name), text, { mode: 0o600 });
    this.#sums.push(sumLine(createHash('sha256').update(text).digest('hex'), name));
  }

  /** An answer of the platform as a file; of one that it does not give, the reason. */
  async #asked(
    gateway: GatewayClient,
    { path, as }: { readonly path: string; readonly as: string },
  ): Promise<unknown> {
    const value = await gateway
      .get(path, z.unknown())
      .catch((error: unknown) => ({ not_given: messageOf(error) }));
    this.#write(as, `${JSON.stringify(value, null, 2)}\n`);
    return value;
  }

  #place(name: string): string {
    const path = join(this.#to, name);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return path;
  }
}

/** Whether what was to be copied cannot be read, rather than its copy be written. */
function isOf(error: unknown, from: string): boolean {
  const { path, syscall } = error as NodeJS.ErrnoException;
  return path === from || syscall === 'read';
}

/** A line as sha256sum writes and reads it: a name with a line break or a backslash is escaped, and the line says so. */
function sumLine(sum: string, name: string): string {
  const escaped = name.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return `${escaped === name ? '' : '\\'}${sum}  ${escaped}`;
}
