/** The part of the task-engine's interface about how long jobs are kept, and for whom they are given out or erased. */
import type { EndedJob, JobSpec, SubjectJobs, TaskEngineApi } from '@mcp/contracts';
import { requireAdmin, requireSubject } from '@mcp/service-kit';
import { isFinal, type JobStore, MOST_DAYS_ON_BUS, type StoredJob } from './job-store.ts';
import { partsOf } from './jobs/embed-batch.ts';
import type { TaskEngineKit } from './kit.ts';
import type { JobQueue } from './queue.ts';
import type { ResultStore } from './results.ts';

/** What is kept and has been on the event bus for half of its time is stored again. */
const RENEW_AFTER_MS = (MOST_DAYS_ON_BUS / 2) * 24 * 3600 * 1000;
/** A page of an export ends behind the job that makes it longer than this. */
const MAX_PAGE_CHARS = 4 * 1024 * 1024;
/** How long one call looks for jobs of one owner. */
const BATCH_MS = 5000;
const FOR_KEEPERS = 'How long jobs are kept is for administrators.';
const jobsOf = (owner: string) => `The jobs of ${owner} are`;

interface JobRetentionDeps {
  readonly kit: Pick<TaskEngineKit, 'metrics'>;
  readonly store: JobStore;
  readonly queue: JobQueue;
  readonly results: ResultStore;
}

type JobRetentionApi = Pick<TaskEngineApi, 'ended' | 'settle' | 'exportOf' | 'eraseOf'>;

export function jobRetentionApi(deps: JobRetentionDeps): JobRetentionApi {
  const { kit, store, results } = deps;
  return {
    async ended({ after }, call) {
      requireAdmin(call, FOR_KEEPERS);
      const { rows, next } = await store.page(after);
      return { jobs: rows.filter(({ job }) => isFinal(job.status)).map(endedOf), next };
    },
    async settle({ erase, keep }, call) {
      requireAdmin(call, FOR_KEEPERS);
      for (const id of erase) {
        const stored = await store.get(id);
        if (stored !== undefined && isFinal(stored.job.status)) await eraseJob(deps, stored);
      }
      let renewed = 0;
      for (const id of keep) {
        const stored_at = await store.storedAt(id);
        if (stored_at === undefined || Date.now() - stored_at.getTime() < RENEW_AFTER_MS) continue;
        // The row last: where the result has no room, the next pass tries both again.
        await results.renew(id);
        await store.renew(id);
        kit.metrics.inc('retention_jobs_total', { status: 'renewed' });
        renewed++;
      }
      return { erased: erase.length, renewed };
    },
    async exportOf(owner, { after }, call) {
      requireSubject(owner, call, jobsOf);
      const { rows, next } = await store.page(after);
      const jobs: SubjectJobs['jobs'] = [];
      let chars = 0;
      for (const { job, spec, place } of rows.filter((one) => one.job.owner === owner)) {
        jobs.push({ job, spec });
        chars += JSON.stringify({ job, spec }).length;
        if (chars > MAX_PAGE_CHARS) return { jobs, next: place };
      }
      return { jobs, next };
    },
    async eraseOf(owner, call) {
      requireSubject(owner, call, jobsOf);
      const until_ms = Date.now() + BATCH_MS;
      let jobs = 0;
      for (let after = 0; Date.now() < until_ms; ) {
        const { rows, next } = await store.page(after);
        for (const row of rows.filter(({ job }) => job.owner === owner)) {
          await eraseJob(deps, row);
          jobs++;
        }
        if (next === null) return { jobs, complete: true };
        after = next;
      }
      return { jobs, complete: false };
    },
  };
}

/** First whoever works at it stops, last its row goes: after a crash in between it is found again. */
async function eraseJob(
  { kit, store, queue, results }: JobRetentionDeps,
  { job, spec }: StoredJob,
): Promise<void> {
  await store.update(job.id, (now) => ({ ...now, status: 'cancelled' }));
  await queue.remove(job);
  await results.drop(job.id, spec.kind === 'embed-batch' ? partsOf(spec) : 0);
  await store.remove(job.id);
  kit.metrics.inc('retention_jobs_total', { status: 'erased' });
}

function endedOf({ job, spec }: StoredJob): EndedJob {
  return {
    id: job.id,
    owner: job.owner,
    // What has ended does not change any more.
    ended_at: job.updated_at,
    conversation_ids: conversationsOf(spec),
  };
}

function conversationsOf(spec: JobSpec): string[] {
  switch (spec.kind) {
    case 'summarize-conversation':
      return [spec.conversation_id];
    case 'export':
      return spec.conversation_ids ?? [];
    case 'embed-batch':
      return [];
    default:
      return spec satisfies never;
  }
}
