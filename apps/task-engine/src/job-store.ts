import {
  Job,
  JobSpec,
  type ListJobsQuery,
  PlatformError,
  type Principal,
  Principal as PrincipalSchema,
  Residency,
} from '@mcp/contracts';
import type { Bus } from '@mcp/service-kit';
import { JetStreamError } from '@nats-io/jetstream';
import type { KV, KvEntry } from '@nats-io/kv';
import { z } from 'zod';

const BUCKET = 'mcp_jobs';
/**
 * What nobody erases or renews leaves the event bus by then. Retention erases jobs by their days long before, and renews
 * those that are kept for longer.
 */
export const MOST_DAYS_ON_BUS = 30;
const KEEP_MS = MOST_DAYS_ON_BUS * 24 * 3600 * 1000;
const MAX_BUCKET_BYTES = 256 * 1024 * 1024;
const MAX_CONFLICTS = 20;
/** Jobs of one page. A message of the event bus has at most a megabyte. */
const PAGE = 20;
/** Jobs that can be listed; older ones are still found by id. */
const MAX_LISTED = 50_000;

/** A job as it is kept: with what it is to do, for whom, and what lets the engine speak for them. */
export const StoredJob = z.object({
  job: Job,
  spec: JobSpec,
  principal: PrincipalSchema,
  grant: z.string().max(8192).optional(),
  residency: Residency.optional(),
});
export type StoredJob = z.infer<typeof StoredJob>;

/** A job, and its place in the order of last changes. */
interface PlacedJob extends StoredJob {
  readonly place: number;
}

const FINAL = new Set<Job['status']>(['completed', 'cancelled', 'dead']);

/** Whether a status is the last one a job has. */
export function isFinal(status: Job['status']): boolean {
  return FINAL.has(status);
}

/**
 * The state of every job in a JetStream key-value bucket. Changes are compare-and-set, so that two engines cannot
 * overwrite each other; a final status stays.
 */
export class JobStore {
  readonly #bus: Bus;
  readonly #kv: KV;
  /** Without results: for lists, and to learn of a cancellation at once. */
  readonly #mirror = new Map<string, Job>();
  readonly #listeners = new Set<(job: Job) => void>();
  #stop: (() => void) | undefined;

  private constructor(bus: Bus, kv: KV) {
    this.#bus = bus;
    this.#kv = kv;
  }

  static async open(bus: Bus): Promise<JobStore> {
    const store = new JobStore(
      bus,
      await bus.bucket(BUCKET, { history: 1, ttl: KEEP_MS, max_bytes: MAX_BUCKET_BYTES, storage: 'file' }),
    );
    await store.#follow();
    return store;
  }

  /** Stores a new job. False when there is one of that id already. */
  async create(stored: StoredJob): Promise<boolean> {
    try {
      await this.#kv.create(key(stored.job.id), JSON.stringify(stored));
      return true;
    } catch (error) {
      if (isConflict(error)) return false;
      throw away(error);
    }
  }

  /** Which job an idempotency key stands for: the given one when the key is new. */
  async claimKey(hash: string, id: string): Promise<string> {
    try {
      await this.#kv.create(`idem.${hash}`, id);
      return id;
    } catch (error) {
      if (!isConflict(error)) throw away(error);
      return (await this.#read(`idem.${hash}`))?.string() ?? id;
    }
  }

  async get(id: string): Promise<StoredJob | undefined> {
    const entry = await this.#read(key(id));
    return entry === null || entry.operation !== 'PUT' ? undefined : StoredJob.parse(entry.json());
  }

  /** Some of all jobs, in the order of their last change, behind a place in it. */
  async page(after: number): Promise<{ readonly rows: readonly PlacedJob[]; readonly next: number | null }> {
    const rows: PlacedJob[] = [];
    let last = after;
    let count = 0;
    try {
      const messages = await this.#bus.manager.direct.getBatch(`KV_${BUCKET}`, {
        seq: after + 1,
        batch: PAGE,
        next_by_subj: `$KV.${BUCKET}.job.>`,
      });
      for await (const { seq, data, header } of messages) {
        last = seq;
        count++;
        // Of what was removed, a marker is left for a while.
        if (header?.has('KV-Operation')) continue;
        const parsed = StoredJob.safeParse(JSON.parse(Buffer.from(data).toString()));
        if (parsed.success) rows.push({ ...parsed.data, place: seq });
      }
    } catch (error) {
      if (!isNothingThere(error)) throw away(error);
    }
    return { rows, next: count < PAGE ? null : last };
  }

  /** When the event bus was given a job as it is; undefined where there is none. */
  async storedAt(id: string): Promise<Date | undefined> {
    const entry = await this.#read(key(id));
    return entry?.operation === 'PUT' ? entry.created : undefined;
  }

  /** Stores a job as it is once more, so that it is as new to the event bus. */
  async renew(id: string): Promise<void> {
    const entry = await this.#read(key(id));
    if (entry?.operation !== 'PUT') return;
    try {
      await this.#kv.update(key(id), entry.value, entry.revision);
    } catch (error) {
      // Whoever changed it meanwhile has stored it anew.
      if (!isConflict(error)) throw away(error);
    }
  }

  /** Removes a job; a marker without anything of it tells the other engines. */
  async remove(id: string): Promise<void> {
    try {
      await this.#kv.purge(key(id));
    } catch (error) {
      throw away(error);
    }
  }

  /** A job the principal may see. Throws `not_found` otherwise. */
  async require(id: string, principal: Principal): Promise<StoredJob> {
    const stored = await this.get(id);
    if (stored === undefined || !maySee(stored.job, principal))
      throw new PlatformError('not_found', `There is no job ${id} of yours. GET /v1/jobs lists them.`);
    return stored;
  }

  /** Changes a job unless its status is final; returns what is stored afterwards. */
  async update(id: string, change: (job: Job) => Job): Promise<Job | undefined> {
    for (let tries = 0; tries < MAX_CONFLICTS; tries++) {
      const entry = await this.#read(key(id));
      if (entry === null || entry.operation !== 'PUT') return undefined;
      const stored = StoredJob.parse(entry.json());
      if (isFinal(stored.job.status)) return stored.job;
      const job = { ...change(stored.job), updated_at: new Date().toISOString() };
      try {
        await this.#kv.update(key(id), JSON.stringify({ ...stored, job }), entry.revision);
        return job;
      } catch (error) {
        if (!isConflict(error)) throw away(error);
      }
    }
    throw new PlatformError('conflict', `The job ${id} changes too fast to be written. Try again.`);
  }

  /** Makes a dead job one that waits again. Throws `conflict` when it is not dead. */
  async revive(id: string): Promise<Job> {
    const entry = await this.#read(key(id));
    const stored = entry?.operation === 'PUT' ? StoredJob.parse(entry.json()) : undefined;
    if (entry === null || stored?.job.status !== 'dead')
      throw new PlatformError(
        'conflict',
        `The job ${id} is ${stored?.job.status ?? 'gone'}. Only a dead job can be sent again.`,
      );
    const { error: _mended, ...rest } = stored.job;
    const job: Job = { ...rest, status: 'queued', attempt: 0, updated_at: new Date().toISOString() };
    try {
      await this.#kv.update(key(id), JSON.stringify({ ...stored, job }), entry.revision);
      return job;
    } catch (error) {
      if (!isConflict(error)) throw away(error);
      throw new PlatformError('conflict', `The job ${id} is being sent again already.`);
    }
  }

  /** Jobs that are not over. */
  unfinished(): Job[] {
    return [...this.#mirror.values()].filter(({ status }) => !isFinal(status));
  }

  list(query: ListJobsQuery, principal: Principal): Job[] {
    return [...this.#mirror.values()]
      .filter((job) => maySee(job, principal) && (query.status === undefined || job.status === query.status))
      .sort((a, b) => b.created_at.localeCompare(a.created_at))
      .slice(0, query.limit);
  }

  /** Calls back with each change of any job, until the returned function is called. */
  onChange(listener: (job: Job) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#stop?.();
  }

  async #read(name: string): Promise<KvEntry | null> {
    try {
      return await this.#kv.get(name);
    } catch (error) {
      throw away(error);
    }
  }

  async #follow(): Promise<void> {
    const changes = await this.#kv.watch({ key: 'job.>' });
    this.#stop = () => changes.stop();
    void (async () => {
      for await (const entry of changes) {
        if (entry.operation !== 'PUT') {
          this.#mirror.delete(entry.key.slice('job.'.length));
          continue;
        }
        const parsed = StoredJob.safeParse(entry.json());
        if (parsed.success) this.#see(parsed.data.job);
      }
    })();
  }

  #see(job: Job): void {
    const { result: _large, ...rest } = job;
    this.#mirror.delete(job.id);
    this.#mirror.set(job.id, rest);
    const oldest = this.#mirror.keys().next().value;
    if (this.#mirror.size > MAX_LISTED && oldest !== undefined) this.#mirror.delete(oldest);
    for (const listener of this.#listeners) listener(job);
  }
}

/** The bus is away: the caller may try again. */
function away(cause: unknown): PlatformError {
  return new PlatformError(
    'unavailable',
    'The job store does not answer just now. Try again in a few seconds.',
    { retry_after_ms: 2000, cause },
  );
}

function key(id: string): string {
  return `job.${id}`;
}

function maySee(job: Job, principal: Principal): boolean {
  return job.owner === principal.id || principal.scopes.includes('admin');
}

/** How JetStream says that it has no message from there on. */
function isNothingThere(error: unknown): boolean {
  return error instanceof JetStreamError && 'code' in error && error.code === 404;
}

/** JetStream's "wrong last sequence" (10071): somebody else was first. */
function isConflict(error: unknown): boolean {
  return (
    error instanceof Error &&
    (('code' in error && error.code === 10071) || /wrong last sequence|key exists/i.test(error.message))
  );
}
