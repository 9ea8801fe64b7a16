import { createHash, randomUUID } from 'node:crypto';
import { type CallContext, type Job, type JobSpec, PlatformError, type TaskEngineApi } from '@mcp/contracts';
import { EventQueue } from '@mcp/service-kit';
import { isFinal, type JobStore, type StoredJob } from './job-store.ts';
import type { TaskEngineKit } from './kit.ts';
import type { JobQueue } from './queue.ts';
import type { ResultStore } from './results.ts';
import { jobRetentionApi } from './retention.ts';

export interface EngineOptions {
  readonly kit: Pick<TaskEngineKit, 'tracer' | 'metrics'>;
  readonly store: JobStore;
  readonly queue: JobQueue;
  readonly results: ResultStore;
  readonly max_attempts: number;
}

/** The task-engine's interface over its store and queue. */
export function createTaskEngine(engine: EngineOptions): TaskEngineApi {
  const { store, max_attempts } = engine;
  return {
    async create(request, call) {
      const { spec, idempotency_key } = request;
      const fresh: string = randomUUID();
      const id =
        idempotency_key === undefined
          ? fresh
          : await store.claimKey(keyOf(call.principal.id, idempotency_key), fresh);
      const now = new Date().toISOString();
      const job: Job = {
        id,
        kind: spec.kind,
        status: 'queued',
        owner: call.principal.id,
        created_at: now,
        updated_at: now,
        attempt: 0,
        max_attempts,
        progress: { done: 0, total: 0, note: 'waiting' },
        trace_id: call.traceparent?.split('-')[1] ?? '',
      };
      const { principal, grant, residency } = call;
      const stored: StoredJob = {
        job,
        spec,
        principal,
        ...(grant === undefined ? {} : { grant }),
        ...(residency === undefined ? {} : { residency }),
      };
      const known = idempotency_key === undefined ? undefined : await store.get(id);
      if (known !== undefined) return same(known, spec);
      // First the queue, then the row: what is acknowledged is in the queue, and a row without a place in it is not made.
      await enqueue(engine, job, call);
      if (await store.create(stored)) return job;
      return same(await store.require(id, call.principal), spec);
    },
    get: async (id, call) => (await store.require(id, call.principal)).job,
    list: (query, call) => Promise.resolve(store.list(query, call.principal)),
    async cancel(id, call) {
      await store.require(id, call.principal);
      const job = await store.update(id, (now) => ({ ...now, status: 'cancelled' }));
      if (job === undefined)
        throw new PlatformError('not_found', `There is no job ${id} of yours. GET /v1/jobs lists them.`);
      if (job.status !== 'cancelled')
        throw new PlatformError('conflict', `The job ${id} is ${job.status} already.`);
      return job;
    },
    async retry(id, call) {
      await store.require(id, call.principal);
      const job = await store.revive(id);
      // Should this fail, the sweep does it: from here on the job waits.
      await enqueue(engine, job, call);
      await engine.queue.exhume(job);
      return job;
    },
    async *result(id, call) {
      await store.require(id, call.principal);
      yield* engine.results.read(id);
    },
    watch: (id, call) => watch(store, id, call),
    ...jobRetentionApi(engine),
  };
}

/** The job that an idempotency key stands for already. Throws `conflict` when it was to do something else. */
function same(known: StoredJob, spec: JobSpec): Job {
  if (JSON.stringify(known.spec) === JSON.stringify(spec)) return known.job;
  throw new PlatformError(
    'conflict',
    'This idempotency_key stands for another job of yours. Use a new key for a new job.',
    { param: 'idempotency_key' },
  );
}

async function enqueue({ kit, queue }: EngineOptions, job: Job, call: CallContext): Promise<void> {
  const span = kit.tracer.start('job.enqueue', {
    traceparent: call.traceparent,
    kind: 'producer',
    attributes: { 'mcp.job.id': job.id, 'mcp.job.kind': job.kind },
  });
  try {
    await queue.add(job, span.traceparent);
    span.end();
  } catch (error) {
    span.end(error);
    throw error;
  }
}

/** A job as it is now and after each change, until it ends or the caller leaves. */
async function* watch(store: JobStore, id: string, call: CallContext): AsyncIterable<Job> {
  const changes = new EventQueue<Job>();
  const stop = store.onChange((job) => {
    if (job.id === id) changes.push(job);
  });
  const leave = () => changes.end();
  call.signal.addEventListener('abort', leave, { once: true });
  try {
    const { job } = await store.require(id, call.principal);
    yield job;
    if (isFinal(job.status)) return;
    let last = job.updated_at;
    for await (const next of changes) {
      if (next.updated_at < last) continue;
      last = next.updated_at;
      yield next;
      if (isFinal(next.status)) return;
    }
  } finally {
    stop();
    call.signal.removeEventListener('abort', leave);
  }
}

function keyOf(owner: string, key: string): string {
  return createHash('sha256')
    .update(JSON.stringify([owner, key]))
    .digest('hex');
}
