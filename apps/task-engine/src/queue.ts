import { type Job, PlatformError } from '@mcp/contracts';
import type { Bus } from '@mcp/service-kit';
import type { Consumer, JsMsg } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';

const STREAM = 'MCP_JOBS';
const DEAD_STREAM = 'MCP_JOBS_DEAD';
const CONSUMER = 'workers';
const KEEP_NS = 7 * 24 * 3600 * 1e9;
const MAX_JOBS = 100_000;
const MAX_BYTES = 256 * 1024 * 1024;
const MAX_DEAD_BYTES = 256 * 1024 * 1024;
const DEDUPE_NS = 2 * 3600 * 1e9;

/** The work queue: JetStream delivers each job to one engine at a time, until it is acknowledged. */
export class JobQueue {
  readonly #bus: Bus;
  readonly #consumer: Consumer;

  private constructor(bus: Bus, consumer: Consumer) {
    this.#bus = bus;
    this.#consumer = consumer;
  }

  static async open(bus: Bus, ack_wait_ms: number): Promise<JobQueue> {
    await ensureStream(bus, {
      name: STREAM,
      subjects: ['mcp.jobs.*'],
      retention: 'workqueue',
      discard: 'new',
      storage: 'file',
      max_msgs: MAX_JOBS,
      max_bytes: MAX_BYTES,
      max_age: KEEP_NS,
      duplicate_window: DEDUPE_NS,
    });
    await ensureStream(bus, {
      name: DEAD_STREAM,
      subjects: ['mcp.dead-jobs.*'],
      retention: 'limits',
      discard: 'old',
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

  /** Durable when it returns. The same job twice is kept once. Throws `overloaded` when the queue is full. */
  async add(job: Job, traceparent: string): Promise<void> {
    const head = headers();
    head.set('traceparent', traceparent);
    try {
      await this.#bus.jetstream.publish(`mcp.jobs.${job.kind}`, JSON.stringify({ id: job.id }), {
        msgID: job.id,
        headers: head,
      });
    } catch (cause) {
      if (cause instanceof Error && /maximum (messages|bytes)/i.test(cause.message))
        throw new PlatformError('overloaded', `The job queue is full (${MAX_JOBS} jobs). Try again later.`, {
          retry_after_ms: 10_000,
          cause,
        });
      throw new PlatformError(
        'unavailable',
        'The job queue does not answer. Nothing was queued; try again in a few seconds.',
        { retry_after_ms: 2000, cause },
      );
    }
  }

  /** The next job, or undefined when none came within the time. */
  async next(expires_ms: number): Promise<JsMsg | undefined> {
    return (await this.#consumer.next({ expires: expires_ms })) ?? undefined;
  }

  /** Keeps a job that will not be tried again where operators look for it. */
  async bury(job: Job): Promise<void> {
    const { result: _none, ...rest } = job;
    await this.#bus.jetstream.publish(`mcp.dead-jobs.${job.kind}`, JSON.stringify(rest), { msgID: job.id });
  }

  async depth(): Promise<{ pending: number; in_flight: number; dead: number }> {
    const info = await this.#consumer.info();
    const dead = await this.#bus.manager.streams.info(DEAD_STREAM);
    return { pending: info.num_pending, in_flight: info.num_ack_pending, dead: dead.state.messages };
  }
}

async function ensureStream(
  bus: Bus,
  config: Parameters<Bus['manager']['streams']['add']>[0],
): Promise<void> {
  const exists = await bus.manager.streams.info(config.name).then(
    () => true,
    () => false,
  );
  const placed = { ...config, num_replicas: bus.replicas };
  if (exists) await bus.manager.streams.update(config.name, placed);
  else await bus.manager.streams.add(placed);
}
