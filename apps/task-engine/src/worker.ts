import { setTimeout as sleep } from 'node:timers/promises';
import type { CallContext, Job, OffPeak, PlatformError } from '@mcp/contracts';
import { backOff, callScope, toPlatformError } from '@mcp/service-kit';
import type { JsMsg } from '@nats-io/jetstream';
import { z } from 'zod';
import { isFinal, type JobStore, type StoredJob } from './job-store.ts';
import { runJob } from './jobs/registry.ts';
import type { TaskEngineKit } from './kit.ts';
import { heldFor } from './off-peak.ts';
import { rightsNow, watchRights } from './owner-rights.ts';
import type { PowerSignal } from './power-signal.ts';
import type { JobQueue } from './queue.ts';
import type { ResultStore } from './results.ts';

const Envelope = z.object({ id: z.uuid() });
const PULL_MS = 2000;
const JOB_TIMEOUT_MS = 60 * 60_000;
const MAX_BACKOFF_MS = 60_000;
/** A job is queued first and stored next: so long its row may take, looked for this often. */
const ROW_COMES_MS = 500;
const LOOK_EVERY_MS = 10;
/** A message whose row has not come by then belongs to a job that was never acknowledged. */
const ORPHAN_MS = 60_000;
const ORPHAN_RETRY_MS = 2000;
/** A job that waits for cheap electricity is looked at again at least this often. */
const HELD_MS = 10 * 60_000;

export interface WorkerOptions {
  readonly kit: TaskEngineKit;
  readonly store: JobStore;
  readonly queue: JobQueue;
  readonly results: ResultStore;
  readonly concurrency: number;
  readonly max_attempts: number;
  readonly ack_wait_ms: number;
  readonly off_peak: OffPeak | undefined;
  /** Of `off_peak.signal`. */
  readonly signal: PowerSignal | undefined;
}

/** Takes jobs from the queue and does them, several at once, each at least once. */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #running = new Map<string, AbortController>();
  readonly #loops: Promise<void>[];
  readonly #unsubscribe: () => void;
  readonly #stopped = Promise.withResolvers<undefined>();
  #stopping = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
    // A cancellation may come from any engine; it shows in the store.
    this.#unsubscribe = options.store.onChange((job) => {
      if (job.status === 'cancelled') this.#running.get(job.id)?.abort('cancelled');
    });
    this.#loops = Array.from({ length: options.concurrency }, () => this.#loop());
  }

  /** Stops taking jobs, lets those at work end within the time, and gives the rest back to the queue. */
  async stop(drain_ms: number): Promise<void> {
    this.#stopping = true;
    this.#stopped.resolve(undefined);
    const timer = setTimeout(() => {
      for (const controller of this.#running.values()) controller.abort('shutdown');
    }, drain_ms);
    await Promise.all(this.#loops);
    clearTimeout(timer);
    this.#unsubscribe();
  }

  async #loop(): Promise<void> {
    while (!this.#stopping) {
      try {
        const message = await this.#next();
        if (message !== undefined) await this.#take(message);
      } catch (error) {
        if (this.#stopping) return;
        this.#options.kit.log.warn({ err: error }, 'the job queue does not answer, waiting');
        await new Promise((done) => setTimeout(done, 1000));
      }
    }
  }

  /** The next job; undefined when none came, or when the worker stops. A bus that is away must not hold up a stop. */
  async #next(): Promise<JsMsg | undefined> {
    const pull = this.#options.queue.next(PULL_MS);
    void pull.then(
      (message) => {
        if (this.#stopping) message?.nak();
      },
      () => undefined,
    );
    const message = await Promise.race([pull, this.#stopped.promise]);
    return this.#stopping ? undefined : message;
  }

  async #take(message: JsMsg): Promise<void> {
    const { store, kit, max_attempts } = this.#options;
    const id = Envelope.safeParse(safeJson(message)).data?.id;
    const stored = id === undefined ? undefined : await this.#rowOf(id);
    if (stored === undefined) {
      if (id !== undefined && Date.now() - message.time.getTime() < ORPHAN_MS) message.nak(ORPHAN_RETRY_MS);
      else {
        kit.log.warn({ seq: message.seq, job_id: id }, 'a message without a job was removed');
        message.ack();
      }
      return;
    }
    if (isFinal(stored.job.status)) {
      message.ack();
      return;
    }
    if (await this.#hold(stored.job, message)) return;
    // Counted in the row, not by deliveries: a hand-over at shutdown is none.
    const attempt = stored.job.attempt + 1;
    if (attempt > max_attempts) {
      await this.#bury(stored.job, {
        code: 'internal',
        message: `The engine stopped ${attempt - 1} times while it was at this job.`,
      });
      message.ack();
      return;
    }
    const controller = new AbortController();
    this.#running.set(stored.job.id, controller);
    const heartbeat = setInterval(() => message.working(), this.#options.ack_wait_ms / 3);
    try {
      const job = await store.update(stored.job.id, (now) => ({ ...now, status: 'running', attempt }));
      if (job === undefined || isFinal(job.status)) message.ack();
      else await this.#work({ ...stored, job }, message, controller.signal);
    } finally {
      clearInterval(heartbeat);
      this.#running.delete(stored.job.id);
    }
  }

  /** Gives a job that has not begun back to the queue until electricity is cheap, and says so in its progress. */
  async #hold({ id, kind, created_at, attempt, progress }: Job, message: JsMsg): Promise<boolean> {
    const { off_peak } = this.#options;
    const job = { kind, created_ms: Date.parse(created_at) };
    if (attempt > 0 || off_peak?.kinds.some((held) => held === kind) !== true) return false;
    const signal = await this.#options.signal?.now();
    const now_ms = Date.now();
    const held_ms = heldFor(off_peak, job, { now_ms, signal });
    if (held_ms <= 0) return false;
    const note =
      signal === undefined
        ? `waits for off-peak hours until ${new Date(now_ms + held_ms).toISOString()}`
        : `waits while the power signal is ${signal}, over ${off_peak?.signal?.max}`;
    if (progress.note !== note)
      await this.#options.store.update(id, (now) => ({ ...now, progress: { ...now.progress, note } }));
    message.nak(Math.min(held_ms, HELD_MS));
    return true;
  }

  async #rowOf(id: string): Promise<StoredJob | undefined> {
    for (const until_ms = Date.now() + ROW_COMES_MS; ; ) {
      const stored = await this.#options.store.get(id);
      if (stored !== undefined || Date.now() > until_ms) return stored;
      await sleep(LOOK_EVERY_MS);
    }
  }

  async #work(stored: StoredJob, message: JsMsg, signal: AbortSignal): Promise<void> {
    const { kit, store, max_attempts } = this.#options;
    const { job, spec } = stored;
    const started_ms = performance.now();
    const span = kit.tracer.start('job.process', {
      traceparent: message.headers?.get('traceparent'),
      kind: 'consumer',
      attributes: { 'mcp.job.id': job.id, 'mcp.job.kind': job.kind, 'mcp.attempt': job.attempt },
    });
    const scope = callScope(signal, Date.now() + JOB_TIMEOUT_MS);
    const call: CallContext = {
      request_id: `job-${job.id}`,
      traceparent: span.traceparent,
      deadline_ms: Date.now() + JOB_TIMEOUT_MS,
      principal: stored.principal,
      grant: stored.grant,
      residency: stored.residency,
      class: 'batch',
      signal: scope.signal,
    };
    const reporter = new Reporter(store, job.id);
    let status: Job['status'] = 'completed';
    let stopWatching = () => {};
    try {
      // Its owner may have lost since then what it had when the job was queued.
      const bus = await kit.bus();
      const principal = await rightsNow(bus, stored.principal);
      stopWatching = watchRights(bus, principal, (error) => scope.abort(error));
      const result = await runJob({
        id: job.id,
        spec,
        call: { ...call, principal },
        clients: kit.clients,
        results: this.#options.results,
        progress: (done, total, note) => reporter.report({ done, total, note }),
      });
      await reporter.flush();
      const done = await store.update(job.id, ({ error: _old, ...now }) => ({
        ...now,
        status: 'completed',
        result,
      }));
      status = done?.status ?? 'cancelled';
      // It was cancelled, or erased, while its result was being stored.
      if (status !== 'completed') await this.#options.results.drop(job.id, 0);
      message.ack();
      span.end();
    } catch (thrown) {
      const error = toPlatformError(thrown);
      await reporter.flush();
      status = await this.#failed(job, { error, message, signal, last: job.attempt >= max_attempts });
      span.end(error);
    } finally {
      stopWatching();
      scope.dispose();
      kit.metrics.inc('jobs_total', { kind: job.kind, status });
      kit.metrics.observe(
        'job_duration_seconds',
        { kind: job.kind, status },
        (performance.now() - started_ms) / 1000,
      );
      kit.log.info(
        { job_id: job.id, kind: job.kind, status, attempt: job.attempt, trace_id: span.trace_id },
        'job attempt over',
      );
    }
  }

  async #failed(
    job: Job,
    failure: { error: PlatformError; message: JsMsg; signal: AbortSignal; last: boolean },
  ): Promise<Job['status']> {
    const { error, message, signal } = failure;
    if (signal.aborted && signal.reason === 'cancelled') {
      message.ack();
      return 'cancelled';
    }
    const reason = { code: error.code, message: error.message };
    if (signal.aborted) {
      // Shutting down: another engine, or this one after its restart, goes on at once.
      await this.#options.store.update(job.id, (now) => ({
        ...now,
        status: 'queued',
        attempt: Math.max(0, job.attempt - 1),
      }));
      message.nak();
      return 'retrying';
    }
    if (failure.last || !error.retryable) {
      await this.#bury(job, reason);
      message.ack();
      return 'dead';
    }
    await this.#options.store.update(job.id, (now) => ({ ...now, status: 'retrying', error: reason }));
    message.nak(error.retry_after_ms ?? backOff(job.attempt + 1, { first_ms: 500, most_ms: MAX_BACKOFF_MS }));
    return 'retrying';
  }

  async #bury(job: Job, error: NonNullable<Job['error']>): Promise<void> {
    const dead = await this.#options.store.update(job.id, (now) => ({ ...now, status: 'dead', error }));
    if (dead?.status === 'dead') await this.#options.queue.bury(dead);
  }
}

/** Writes progress at most ten times a second, the last report always. */
class Reporter {
  readonly #store: JobStore;
  readonly #id: string;
  #latest: Job['progress'] | undefined;
  #writing: Promise<void> | undefined;

  constructor(store: JobStore, id: string) {
    this.#store = store;
    this.#id = id;
  }

  report(progress: Job['progress']): void {
    this.#latest = progress;
    this.#writing ??= this.#write();
  }

  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#latest !== undefined) {
      const progress = this.#latest;
      this.#latest = undefined;
      await this.#store.update(this.#id, (job) => ({ ...job, progress })).catch(() => undefined);
      if (this.#latest !== undefined) await new Promise((done) => setTimeout(done, 100));
    }
    this.#writing = undefined;
  }
}

function safeJson(message: JsMsg): unknown {
  try {
    return message.json();
  } catch {
    return undefined;
  }
}
