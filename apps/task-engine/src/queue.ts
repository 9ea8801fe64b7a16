import { JOB_QUEUE, type Job, PlatformError } from '@mcp/contracts';
import type { Bus } from '@mcp/service-kit';
import type { Consumer, JsMsg } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';

const { stream: STREAM, consumer: CONSUMER } = JOB_QUEUE;
const DEAD_STREAM = 'MCP_JOBS_DEAD';
const KEEP_NS = 7 * 24 * 3600 * 1e9;
const MAX_JOBS = 100_000;
const MAX_BYTES = 64 * 1024 * 1024;
const MAX_DEAD_BYTES = 64 * 1024 * 1024;

/** The work queue: JetStream delivers each job to one engine at a time, until it is acknowledged. */
export class JobQueue {
  readonly #bus: Bus;
  readonly #consumer: Consumer;

  private constructor(bus: Bus, consumer: Consumer) {
    this.#bus = bus;
    this.#consumer = consumer;
  }

  static async open(bus: Bus, ack_wait_ms: number): Promise<JobQueue> {
    await bus.stream({
      name: STREAM,
      subjects: ['mcp.jobs.*.*'],
      retention: 'workqueue',
      discard: 'new',
      // A subject per job: whoever queues it again, and when, it is in the queue once.
      max_msgs_per_subject: 1,
      discard_new_per_subject: true,
      storage: 'file',
      max_msgs: MAX_JOBS,
      max_bytes: MAX_BYTES,
      max_age: KEEP_NS,
    });
    await bus.stream({
      name: DEAD_STREAM,
      subjects: ['mcp.dead-jobs.*.*'],
      retention: 'limits',
      discard: 'old',
      max_msgs_per_subject: 1,
      storage: 'file',
      max_bytes: MAX_DEAD_BYTES,
      max_age: KEEP_NS,
    });
    await bus.manager.consumers.add(STREAM, {
      durable_name: CONSUMER,
      ack_policy: 'explicit',
      ack_wait: ack_wait_ms * 1e6,
      max_deliver: -1,
      max_ack_pending: 10_000,
    });
    return new JobQueue(bus, await bus.jetstream.consumers.get(STREAM, CONSUMER));
  }

  /** Durable when it returns; a job that is in the queue already stays there once. Throws `overloaded` when the queue is full. */
  async add(job: Pick<Job, 'id' | 'kind'>, traceparent: string | undefined): Promise<void> {
    const head = headers();
    if (traceparent !== undefined) head.set('traceparent', traceparent);
    try {
      await this.#bus.jetstream.publish(subjectOf(job), JSON.stringify({ id: job.id }), { headers: head });
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : '';
      if (/maximum messages per subject/i.test(message)) return;
      if (/maximum (messages|bytes)/i.test(message))
        throw new PlatformError('overloaded', `The job queue is full (${MAX_JOBS} jobs). Try again later.`, {
          retry_after_ms: 10_000,
          cause,
        });
      throw new PlatformError(
        'unavailable',
        'The job queue does not answer, so the job is not acknowledged. Try again in a few seconds, with an idempotency_key if it must not be done twice.',
        { retry_after_ms: 2000, cause },
      );
    }
  }

  /** Which jobs are in the queue, waiting or at work. */
  async queued(): Promise<ReadonlySet<string>> {
    const { state } = await this.#bus.manager.streams.info(STREAM, { subjects_filter: 'mcp.jobs.>' });
    return new Set(Object.keys(state.subjects ?? {}).map((subject) => subject.split('.')[3] ?? ''));
  }

  /** The next job, or undefined when none came within the time. */
  async next(expires_ms: number): Promise<JsMsg | undefined> {
    return (await this.#consumer.next({ expires: expires_ms })) ?? undefined;
  }

  /** Keeps a job that will not be tried again where operators look for it. */
  async bury(job: Job): Promise<void> {
    const { result: _none, ...rest } = job;
    await this.#bus.jetstream.publish(deadSubjectOf(job), JSON.stringify(rest));
  }

  /** Takes a job that is to be done after all from among the dead. */
  async exhume(job: Job): Promise<void> {
    await this.#bus.manager.streams.purge(DEAD_STREAM, { filter: deadSubjectOf(job) });
  }

  /** Takes a job from the queue, and from among the dead. */
  async remove(job: Pick<Job, 'id' | 'kind'>): Promise<void> {
    await this.#bus.manager.streams.purge(STREAM, { filter: subjectOf(job) });
    await this.#bus.manager.streams.purge(DEAD_STREAM, { filter: deadSubjectOf(job) });
  }

  async depth(): Promise<{ pending: number; in_flight: number; dead: number }> {
    const info = await this.#consumer.info();
    const dead = await this.#bus.manager.streams.info(DEAD_STREAM);
    return { pending: info.num_pending, in_flight: info.num_ack_pending, dead: dead.state.messages };
  }
}

function subjectOf({ kind, id }: Pick<Job, 'id' | 'kind'>): string {
  return `mcp.jobs.${kind}.${id}`;
}

function deadSubjectOf({ kind, id }: Pick<Job, 'id' | 'kind'>): string {
  return `mcp.dead-jobs.${kind}.${id}`;
}
