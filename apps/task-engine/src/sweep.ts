import type { ServiceKit } from '@mcp/service-kit';
import type { JobStore } from './job-store.ts';
import type { JobQueue } from './queue.ts';

/**
 * Brings store and queue together again: a job that is not over but in no queue (its message was lost with a disk, or
 * its engine died between two writes) is queued again. Safe to be done by every engine: a job is in the queue once.
 * Returns how many were missing.
 */
export async function sweep(deps: {
  readonly store: JobStore;
  readonly queue: JobQueue;
  readonly log: ServiceKit['log'];
  /** A job may be changing just now: only what has been still for so long is looked at. */
  readonly still_ms: number;
}): Promise<number> {
  const before = new Date(Date.now() - deps.still_ms).toISOString();
  const waiting = deps.store.unfinished().filter(({ updated_at }) => updated_at < before);
  if (waiting.length === 0) return 0;
  const queued = await deps.queue.queued();
  const missing = waiting.filter(({ id }) => !queued.has(id));
  for (const job of missing) {
    await deps.queue.add(job, undefined);
    deps.log.warn({ job_id: job.id, status: job.status }, 'a job that was in no queue is queued again');
  }
  return missing.length;
}
