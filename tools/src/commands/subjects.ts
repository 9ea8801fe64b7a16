import { writeFileSync } from 'node:fs';
import { SubjectErasure, SubjectId, SubjectPage } from '@mcp/contracts';
import { Command } from 'commander';
import { CliError, EXIT, messageOf } from '../errors.ts';
import { GATEWAY_OPTIONS, type GatewayFlags, gatewayOf } from '../gateway.ts';

/** Pages of one export, and batches of one erasure, at most. */
const MAX_PAGES = 100_000;

/** `mcp subjects`: everything that is stored of one owner, given out or erased. */
export function subjectsCommand(): Command {
  return new Command('subjects')
    .description('export or erase everything that is stored of one owner')
    .addCommand(
      subject('export', 'write it to a file, a conversation or a job a line; that it was given is recorded')
        .requiredOption('--out <file>', 'where to (NDJSON)')
        .action(async (owner: string, flags: GatewayFlags & { readonly out: string }) => {
          const { conversations, jobs } = await exportTo(flags.out, idOf(owner), flags);
          process.stdout.write(
            `${flags.out}: ${conversations} conversations and ${jobs} jobs of ${owner}.\n`,
          );
        }),
    )
    .addCommand(
      subject('erase', 'erase it for good; the chains of its hashes stay')
        .option('--yes', 'do it: it cannot be undone', false)
        .action(async (owner: string, flags: GatewayFlags & { readonly yes: boolean }) => {
          if (!flags.yes)
            throw new CliError(`This erases everything of ${owner} for good. Say so with --yes.`, EXIT.usage);
          const { conversations, jobs } = await erase(idOf(owner), flags);
          process.stdout.write(`${conversations} conversations and ${jobs} jobs of ${owner} were erased.\n`);
        }),
    );
}

function subject(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .argument('<owner>', 'id of the principal, such as key:…')
    .option(...GATEWAY_OPTIONS.data)
    .option(...GATEWAY_OPTIONS.url);
}

interface Counts {
  conversations: number;
  jobs: number;
}

async function exportTo(path: string, owner: string, flags: GatewayFlags): Promise<Counts> {
  const gateway = gatewayOf(flags);
  const count: Counts = { conversations: 0, jobs: 0 };
  let cursor: string | null = null;
  for (let page = 0; page < MAX_PAGES && (page === 0 || cursor !== null); page++) {
    const query: string = cursor === null ? '' : `?cursor=${cursor}`;
    const given: SubjectPage = await gateway.get(
      `/v1/subjects/${encodeURIComponent(owner)}/export${query}`,
      SubjectPage,
    );
    const lines = [...given.conversations, ...given.jobs].map((one) => `${JSON.stringify(one)}\n`).join('');
    try {
      writeFileSync(path, lines, { mode: 0o600, flag: page === 0 ? 'w' : 'a' });
    } catch (error) {
      throw new CliError(`${path} cannot be written (${messageOf(error)}).`);
    }
    count.conversations += given.conversations.length;
    count.jobs += given.jobs.length;
    cursor = given.next_cursor;
  }
  return count;
}

async function erase(owner: string, flags: GatewayFlags): Promise<Counts> {
  const gateway = gatewayOf(flags);
  const count: Counts = { conversations: 0, jobs: 0 };
  for (let batch = 0; batch < MAX_PAGES; batch++) {
    const { erased, jobs, complete } = await gateway.delete(
      `/v1/subjects/${encodeURIComponent(owner)}`,
      SubjectErasure,
    );
    count.conversations += erased;
    count.jobs += jobs;
    if (complete) return count;
  }
  throw new CliError(`There is more of ${owner} after ${count.conversations} conversations. Run it again.`);
}

function idOf(owner: string): string {
  const parsed = SubjectId.safeParse(owner);
  if (parsed.success) return parsed.data;
  throw new CliError('The owner is the id of a principal, such as key:….', EXIT.usage);
}
