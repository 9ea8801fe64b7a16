/** `mcp forensics`: copies what shows how logs were tampered with, before anybody repairs anything. */
import { createHash } from 'node:crypto';
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
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
      const copy = new Copy(resolve(folder));
      const paths = dataPaths(flags.data);
      await copy.folder(join(paths.dir, 'transparency-log'), 'transparency-log');
      const gateway = runningOn(flags);
      const ids = new Set(flags.conversation);
      if (gateway !== undefined)
        for (const id of await copy.findings(gateway)) if (ids.size < MAX_CONVERSATIONS) ids.add(id);
      for (const id of ids) await copy.conversation(id, { paths, gateway });
      const sum = copy.close();
      const asked =
        gateway === undefined ? ' The platform does not run: what it stores was not asked for.' : '';
      process.stdout.write(
        `${copy.files} files, ${ids.size} conversations in ${folder}. SHA-256 of its ${SUMS}: ${sum}${asked}\n`,
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

  constructor(to: string) {
    if (existsSync(to)) throw new CliError(`${to} is there already. Name a folder that is not.`);
    this.#to = to;
    mkdirSync(to, { recursive: true, mode: 0o700 });
  }

  get files(): number {
    return this.#sums.length;
  }

  /** Every file below a folder, one at a time. */
  async folder(from: string, name: string): Promise<void> {
    if (!existsSync(from)) return;
    for (const entry of readdirSync(from, { recursive: true, withFileTypes: true }))
      if (entry.isFile()) {
        const path = join(entry.parentPath, entry.name);
        await this.#file(path, join(name, relative(from, path)));
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
    if (existsSync(archived)) await this.#file(archived, join(folder, 'archived.json'));
    if (gateway === undefined) return;
    for (const part of ['log', 'lineage'])
      await this.#asked(gateway, {
        path: `/v1/conversations/${id}/${part}`,
        as: join(folder, `${part}.json`),
      });
  }

  /** Writes the checksums down; returns the checksum over them. */
  close(): string {
    const text = this.#sums.map((line) => `${line}\n`).join('');
    writeFileSync(join(this.#to, SUMS), text, { mode: 0o600 });
    return createHash('sha256').update(text).digest('hex');
  }

  async #file(from: string, name: string): Promise<void> {
    const hash = createHash('sha256');
    const read = createReadStream(from).on('data', (chunk) => hash.update(chunk));
    await pipeline(read, createWriteStream(this.#place(name), { mode: 0o600 }));
    this.#sums.push(`${hash.digest('hex')}  ${name}`);
  }

  /** An answer of the platform as a file; of one that it does not give, the reason. */
  async #asked(
    gateway: GatewayClient,
    { path, as }: { readonly path: string; readonly as: string },
  ): Promise<unknown> {
    const value = await gateway
      .get(path, z.unknown())
      .catch((error: unknown) => ({ not_given: messageOf(error) }));
    const text = `${JSON.stringify(value, null, 2)}\n`;
    writeFileSync(this.#place(as), text, { mode: 0o600 });
    this.#sums.push(`${createHash('sha256').update(text).digest('hex')}  ${as}`);
    return value;
  }

  #place(name: string): string {
    const path = join(this.#to, name);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return path;
  }
}
