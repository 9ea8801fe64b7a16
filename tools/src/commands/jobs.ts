import { Job, JobStatus } from '@mcp/contracts';
import { Command } from 'commander';
import { z } from 'zod';
import { CliError, EXIT } from '../errors.ts';
import { GATEWAY_OPTIONS, type GatewayClient, type GatewayFlags, gatewayOf } from '../gateway.ts';
import { table } from '../ui.ts';

const Jobs = z.object({ jobs: z.array(Job) });
const MOST = 200;

type Flags = GatewayFlags & { readonly status?: string; readonly retry?: string; readonly json: boolean };

/** `mcp jobs`: jobs and how they are, and dead ones sent again. */
export function jobsCommand(): Command {
  return new Command('jobs')
    .description('list jobs, or send dead ones again')
    .option('--status <status>', `only those that are ${JobStatus.options.join(', ')}`)
    .option('--retry <id>', 'send a dead job again; all: every dead job')
    .option('--json', 'as JSON', false)
    .option(...GATEWAY_OPTIONS.data)
    .option(...GATEWAY_OPTIONS.url)
    .action(async (flags: Flags) => {
      const status = statusOf(flags);
      const gateway = gatewayOf(flags);
      const jobs =
        flags.retry === undefined ? await listed(gateway, status) : await retried(gateway, flags.retry);
      process.stdout.write(
        flags.json ? `${JSON.stringify(jobs, null, 2)}\n` : `${render(jobs).join('\n')}\n`,
      );
    });
}

function statusOf({ status, retry }: Flags): JobStatus | undefined {
  const parsed = JobStatus.optional().safeParse(status);
  if (!parsed.success)
    throw new CliError(`--status must be one of ${JobStatus.options.join(', ')}.`, EXIT.usage);
  if (retry !== undefined && parsed.data !== undefined && parsed.data !== 'dead')
    throw new CliError(`--retry sends dead jobs again. Leave --status ${parsed.data} out.`, EXIT.usage);
  return parsed.data;
}

async function listed(gateway: GatewayClient, status: JobStatus | undefined): Promise<Job[]> {
  const query = status === undefined ? '' : `&status=${status}`;
  const { jobs } = await gateway.get(`/v1/jobs?limit=${MOST}${query}`, Jobs);
  return jobs;
}

async function retried(gateway: GatewayClient, which: string): Promise<Job[]> {
  if (which !== 'all') return [await gateway.post(`/v1/jobs/${encodeURIComponent(which)}/retry`, Job)];
  const sent = new Map<string, Job>();
  for (;;) {
    // One that died again meanwhile is not sent once more.
    const dead = (await listed(gateway, 'dead')).filter(({ id }) => !sent.has(id));
    if (dead.length === 0) return [...sent.values()];
    for (const { id } of dead) sent.set(id, await gateway.post(`/v1/jobs/${id}/retry`, Job));
  }
}

function render(jobs: readonly Job[]): string[] {
  if (jobs.length === 0) return ['There are none.'];
  return table(
    ['job', 'kind', 'status', 'attempt', 'progress', 'why'],
    jobs.map(({ id, kind, status, attempt, max_attempts, progress, error }) => [
      id,
      kind,
      status,
      `${attempt} of ${max_attempts}`,
      `${progress.done} of ${progress.total}`,
      error === undefined ? '' : `${error.code}: ${error.message}`,
    ]),
  );
}
