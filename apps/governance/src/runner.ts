import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CallContext, GovernanceRun, jsonOf, PlatformError } from '@mcp/contracts';
import { Cron } from 'croner';
import type { GovernanceJob } from './jobs/job.ts';
import type { GovernanceKit } from './kit.ts';

const RUN_TIMEOUT_MS = 60 * 60_000;
/** Of a schedule, how many runs say how long its pauses are. */
const RUNS_TO_COME = 400;

export interface RunnerOptions {
  readonly kit: GovernanceKit;
  readonly jobs: readonly GovernanceJob[];
  /** Cron expressions by job name, in UTC. */
  readonly schedules: Readonly<Record<string, string>>;
}

/** The longest time between runs of those to come, in seconds; undefined where there are no two. */
function longestPause(cron: Cron): number | undefined {
  const runs = cron.nextRuns(RUNS_TO_COME).map((run) => run.getTime());
  const pauses = runs.slice(1).map((at, before) => at - (runs[before] ?? at));
  return pauses.length === 0 ? undefined : Math.max(...pauses) / 1000;
}

/** Runs governance jobs, each one at a time, and remembers its last run in a file. */
export class GovernanceRunner {
  readonly #options: RunnerOptions;
  readonly #running = new Map<string, Promise<GovernanceRun>>();
  readonly #crons: Cron[] = [];
  readonly #stop = new AbortController();

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Begins the schedules; a run that was missed while nothing was up is made up for at once. */
  async start(): Promise<void> {
    for (const job of this.#options.jobs) {
      const cron = new Cron(this.#schedule(job.name), { timezone: 'UTC', protect: true, unref: true }, () =>
        this.#scheduled(job.name),
      );
      this.#crons.push(cron);
      const last = await this.#last(job.name);
      this.#tellDue(job.name, cron, last);
      const missed = last === null ? undefined : cron.nextRun(last.started_at);
      if (missed != null && missed.getTime() < Date.now()) void this.#scheduled(job.name);
    }
  }

  async jobs(): Promise<readonly { name: string; schedule: string; last: GovernanceRun | null }[]> {
    return Promise.all(
      this.#options.jobs.map(async ({ name }) => ({
        name,
        schedule: this.#schedule(name),
        last: await this.#last(name),
      })),
    );
  }

  /** Runs a job now; one that runs already is waited for. */
  async run(name: string, traceparent?: string): Promise<GovernanceRun> {
    const job = this.#options.jobs.find((one) => one.name === name);
    if (job === undefined)
      throw new PlatformError(
        'not_found',
        `There is no governance job '${name.slice(0, 60)}'. There are: ${this.#options.jobs.map((one) => one.name).join(', ')}.`,
      );
    let running = this.#running.get(name);
    if (running === undefined) {
      running = this.#execute(job, traceparent).finally(() => this.#running.delete(name));
      this.#running.set(name, running);
    }
    return running;
  }

  async close(): Promise<void> {
    for (const cron of this.#crons) cron.stop();
    this.#stop.abort(new PlatformError('cancelled', 'The governance service is shutting down.'));
    await Promise.allSettled(this.#running.values());
  }

  async #reports(): Promise<GovernanceRun[]> {
    const last = await Promise.all(this.#options.jobs.map(({ name }) => this.#last(name)));
    return last.filter((run) => run !== null);
  }

  async #scheduled(name: string): Promise<void> {
    await this.run(name).catch((error: unknown) =>
      this.#options.kit.log.error({ err: error, job: name }, 'a scheduled governance job failed'),
    );
  }

  async #execute(job: GovernanceJob, traceparent: string | undefined): Promise<GovernanceRun> {
    const { kit } = this.#options;
    const span = kit.tracer.start('governance.run', {
      traceparent,
      attributes: { 'mcp.governance.job': job.name },
    });
    const base = { job: job.name, id: randomUUID(), started_at: new Date().toISOString() };
    const call: CallContext = {
      request_id: `governance-${base.id}`,
      traceparent: span.traceparent,
      deadline_ms: Date.now() + RUN_TIMEOUT_MS,
      principal: { id: 'governance', kind: 'service', name: 'governance', scopes: ['admin'] },
      class: 'batch',
      signal: this.#stop.signal,
    };
    let run: GovernanceRun;
    try {
      const { clients, bus, metrics, log } = kit;
      const findings = await job.run({ clients, bus, metrics, log, call, reports: () => this.#reports() });
      run = {
        ...base,
        finished_at: new Date().toISOString(),
        ok: findings.failures.length === 0,
        ...findings,
        failures: [...findings.failures],
        error: null,
      };
      span.end();
    } catch (error) {
      run = {
        ...base,
        finished_at: new Date().toISOString(),
        ok: null,
        checked: 0,
        unconfirmed: 0,
        complete: false,
        failures: [],
        error:
          error instanceof PlatformError
            ? error.message
            : 'The job failed; see the log of the governance service.',
      };
      kit.log.error({ err: error, job: job.name }, 'a governance job failed');
      span.end(error);
    }
    kit.metrics.inc('governance_runs_total', {
      job: job.name,
      status: run.ok === null ? 'failed' : run.ok ? 'ok' : 'broken',
    });
    if (run.ok === true)
      kit.metrics.set('governance_last_success_timestamp_seconds', { job: job.name }, Date.now() / 1000);
    await this.#remember(run);
    return run;
  }

  /** What the alert on missing runs needs: how long a job may go without success, and since when it does. */
  #tellDue(job: string, cron: Cron, last: GovernanceRun | null): void {
    const { metrics } = this.#options.kit;
    const pause_s = longestPause(cron);
    if (pause_s !== undefined)
      metrics.set('governance_run_due_seconds', { job }, pause_s + RUN_TIMEOUT_MS / 1000);
    if (last?.ok === true && last.finished_at !== null)
      metrics.set('governance_last_success_timestamp_seconds', { job }, Date.parse(last.finished_at) / 1000);
  }

  #schedule(name: string): string {
    return this.#options.schedules[name] ?? '0 3 * * *';
  }

  async #last(name: string): Promise<GovernanceRun | null> {
    const text = await readFile(this.#path(name), 'utf8').catch(() => undefined);
    return GovernanceRun.safeParse(text === undefined ? undefined : jsonOf(text)).data ?? null;
  }

  async #remember(run: GovernanceRun): Promise<void> {
    const path = this.#path(run.job);
    await mkdir(join(this.#options.kit.data_dir, 'governance'), { recursive: true, mode: 0o700 });
    await writeFile(`${path}.next`, `${JSON.stringify(run, null, 2)}\n`, { mode: 0o600 });
    await rename(`${path}.next`, path);
  }

  #path(name: string): string {
    return join(this.#options.kit.data_dir, 'governance', `${name}.json`);
  }
}
