import { JOB_QUEUE } from '@mcp/contracts';
import type { Bus } from '@mcp/service-kit';
import { z } from 'zod';
import type { GovernanceKit } from './kit.ts';

const EVERY_MS = 15_000;
/** A cluster that has lost a server waits 4 s for what was on it, then lists the others. */
const ANSWER_MS = 5000;
/** More streams than this are somebody else's: they are not looked at. */
const MAX_STREAMS = 1024;
/** How streams of the platform, and those behind its buckets and object stores, begin. */
const OURS = /^(MCP_|KV_mcp_|OBJ_mcp_)/;
const OTHERS = 'other';

/** Of JetStream's answers, what is made into figures (NATS ADR-1 and its JetStream API). */
const Stream = z.object({
  config: z.object({
    name: z.string(),
    max_bytes: z.number(),
    storage: z.string(),
    discard: z.string(),
  }),
  state: z.object({ messages: z.number(), bytes: z.number() }),
  /** Where it is; absent where there is one server. */
  cluster: z
    .object({
      leader: z.string().optional(),
      replicas: z.array(z.object({ name: z.string() })).default([]),
    })
    .optional(),
});
type Stream = z.infer<typeof Stream>;
const StreamPage = z.object({
  total: z.number(),
  limit: z.number().positive(),
  streams: z.array(Stream).nullish(),
});
const Refusal = z.object({ error: z.object({ code: z.number(), description: z.string().optional() }) });
const Consumer = z.object({ num_pending: z.number(), num_ack_pending: z.number() });
type Consumer = z.infer<typeof Consumer>;

interface Figures {
  readonly streams: readonly Stream[];
  readonly jobs: Consumer | undefined;
}

interface BusFiguresOptions {
  readonly kit: Pick<GovernanceKit, 'bus' | 'metrics' | 'log'>;
  /** What one server may store, where it is known. */
  readonly limit_bytes: number | undefined;
}

/**
 * Asks the event bus for its figures every 15 seconds, and makes metrics of them. When it does not answer, `bus_up` is
 * 0 and the others are left out: an old figure looks like a good one.
 */
export class BusFigures {
  readonly #options: BusFiguresOptions;
  readonly #timer: NodeJS.Timeout;
  #asking = false;
  #closed = false;

  constructor(options: BusFiguresOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.refresh(), EVERY_MS);
    this.#timer.unref();
    void this.refresh();
  }

  /** Asks once; nothing when it is being asked already. Does not throw. */
  async refresh(): Promise<void> {
    if (this.#asking || this.#closed) return;
    this.#asking = true;
    const { kit } = this.#options;
    try {
      const bus = await kit.bus();
      if (!bus.connected) throw new Error('the event bus is away');
      const server = bus.connection.info?.server_name ?? 'nats';
      const figures = await readFigures(bus);
      this.#show(figures, server);
      kit.metrics.set('bus_up', {}, 1);
    } catch (err) {
      if (this.#closed) return;
      kit.log.debug({ err }, 'the event bus does not give its figures');
      this.#show(undefined, '');
      kit.metrics.set('bus_up', {}, 0);
    } finally {
      this.#asking = false;
    }
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
  }

  #show(figures: Figures | undefined, server: string): void {
    const { metrics } = this.#options.kit;
    const streams = figures?.streams ?? [];
    showStreams(metrics, streams);
    showConsumer(metrics, figures?.jobs);
    this.#showStorage(streams, figures === undefined ? [] : [server]);
  }

  /** Per server, for what it may store is its own; a stream counts on each that keeps a copy. */
  #showStorage(streams: readonly Stream[], known: readonly string[]): void {
    const { kit, limit_bytes } = this.#options;
    const used = new Map<string, number>(known.map((server) => [server, 0]));
    const reserved = new Map(used);
    for (const { config, state, cluster } of streams) {
      if (config.storage !== 'file') continue;
      for (const server of cluster === undefined ? known : serversOf(cluster)) {
        used.set(server, (used.get(server) ?? 0) + state.bytes);
        reserved.set(server, (reserved.get(server) ?? 0) + Math.max(0, config.max_bytes));
      }
    }
    kit.metrics.replace('bus_storage_used_bytes', rowsOf(used));
    kit.metrics.replace('bus_storage_reserved_bytes', rowsOf(reserved));
    kit.metrics.replace(
      'bus_storage_limit_bytes',
      limit_bytes === undefined ? [] : [...used.keys()].map((server) => [{ server }, limit_bytes]),
    );
  }
}

function showStreams(metrics: GovernanceKit['metrics'], streams: readonly Stream[]): void {
  const messages = new Map<string, number>();
  const bytes = new Map<string, number>();
  for (const { config, state } of streams) {
    const name = OURS.test(config.name) ? config.name : OTHERS;
    messages.set(name, (messages.get(name) ?? 0) + state.messages);
    bytes.set(name, (bytes.get(name) ?? 0) + state.bytes);
  }
  metrics.replace(
    'bus_stream_messages',
    [...messages].map(([stream, value]) => [{ stream }, value]),
  );
  metrics.replace(
    'bus_stream_bytes',
    [...bytes].map(([stream, value]) => [{ stream }, value]),
  );
  metrics.replace(
    'bus_stream_limit_bytes',
    streams
      .filter(({ config }) => OURS.test(config.name) && config.max_bytes > 0)
      .map(({ config: { name, discard, max_bytes } }) => [{ stream: name, discard }, max_bytes]),
  );
}

function showConsumer(metrics: GovernanceKit['metrics'], jobs: Consumer | undefined): void {
  const rows = (value: number | undefined): [typeof JOB_QUEUE, number][] =>
    value === undefined ? [] : [[JOB_QUEUE, value]];
  metrics.replace('bus_consumer_pending', rows(jobs?.num_pending));
  metrics.replace('bus_consumer_ack_pending', rows(jobs?.num_ack_pending));
}

function rowsOf(values: ReadonlyMap<string, number>): [{ server: string }, number][] {
  return [...values].map(([server, value]) => [{ server }, value]);
}

function serversOf({ leader, replicas }: NonNullable<Stream['cluster']>): string[] {
  return [...(leader === undefined ? [] : [leader]), ...replicas.map(({ name }) => name)];
}

async function readFigures(bus: Bus): Promise<Figures> {
  const streams: Stream[] = [];
  for (let offset = 0, total = 1; offset < Math.min(total, MAX_STREAMS); ) {
    const page = StreamPage.parse(await ask(bus, 'STREAM.LIST', { offset }));
    streams.push(...(page.streams ?? []));
    total = page.total;
    // A stream that does not answer is missing from its page.
    offset += page.limit;
  }
  const { stream, consumer } = JOB_QUEUE;
  // The task-engine makes its queue when it first starts.
  const jobs = streams.some(({ config }) => config.name === stream)
    ? Consumer.safeParse(await ask(bus, `CONSUMER.INFO.${stream}.${consumer}`, {})).data
    : undefined;
  return { streams, jobs };
}

/** What JetStream answers; undefined where it has none of that. Throws when it refuses or takes too long. */
async function ask(bus: Bus, what: string, body: object): Promise<unknown> {
  const message = await bus.connection.request(`$JS.API.${what}`, JSON.stringify(body), {
    timeout: ANSWER_MS,
  });
  const answer: unknown = message.json();
  const { data: refusal } = Refusal.safeParse(answer);
  if (refusal === undefined) return answer;
  if (refusal.error.code === 404) return undefined;
  throw new Error(`${what}: ${refusal.error.description ?? refusal.error.code}`);
}
