import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { copyOf } from '@mcp/contracts';
import {
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { type KV, Kvm, type KvOptions } from '@nats-io/kv';
import { type ObjectStore, type ObjectStoreOptions, Objm } from '@nats-io/obj';
import {
  AuthorizationError,
  connect,
  type NatsConnection,
  nanos,
  TimeoutError,
} from '@nats-io/transport-node';
import type { Logger } from '../telemetry/log.ts';

export interface BusOptions {
  readonly service: string;
  /** Servers that keep a copy of each stream and bucket. */
  readonly replicas: number;
  readonly log: Logger;
  /** Gives up on a first connection. */
  readonly signal: AbortSignal;
}

/** The connection to the event bus (NATS with JetStream). It reconnects for ever and says so in the log. */
export interface Bus {
  readonly connection: NatsConnection;
  readonly jetstream: JetStreamClient;
  readonly manager: JetStreamManager;
  /** Servers that keep a copy of each stream. */
  readonly replicas: number;
  /** False while it looks for the server. */
  readonly connected: boolean;
  /** Makes a stream where there is none, else brings it up to date; again after each reconnection. */
  stream(config: StreamSettings): Promise<void>;
  /** Opens a bucket, makes it where there is none, and keeps it as large, and on as many servers, as it is to be. */
  bucket(name: string, options: Partial<KvOptions>): Promise<KV>;
  /** Takes an entry out of a bucket, which another service may have made, and leaves no trace of it; a bucket that nobody has made has none. */
  remove(bucket: string, key: string): Promise<void>;
  /** Opens this region's copy of a bucket of another one, to be read only; makes it where there is none. */
  copy(name: string, region: string, max_bytes: number): Promise<KV>;
  /** What a stream is like; undefined: there is none. */
  find(stream: string): Promise<StreamInfo | undefined>;
  /** Makes this region's copy of a stream of another one where there is none; returns the name of the copy. */
  mirror(name: string, region: string, max_bytes: number): Promise<string>;
  /** Opens an object store, or makes it where there is none; keeps it as a bucket is kept. */
  objects(name: string, options: Partial<ObjectStoreOptions>): Promise<ObjectStore>;
  /** Throws with the reason when the bus does not answer. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** Of streams that may be lost with a server: one copy, written in the background; the oldest makes room for the new. */
export const LOSABLE = {
  storage: 'file',
  persist_mode: 'async',
  num_replicas: 1,
  discard: 'old',
  allow_direct: true,
} as const;

type StreamSettings = Parameters<JetStreamManager['streams']['add']>[0];

/**
 * How long a start waits for a server that is not there yet, or for what is to be on it. Beginning the process anew wins
 * nothing and is what costs most: many that start at once would keep each other from it.
 */
const FIRST_MS = 60_000;
/** How long closing may take. */
const CLOSE_TIMEOUT_MS = 1000;
/** An operation of JetStream that takes longer has failed: its caller must not wait for a server that is away. */
const OPERATION_MS = 2000;
/** How JetStream names the stream of a bucket (NATS ADR-8). */
const BUCKET_STREAM = 'KV_';
const RETRY_MS = 250;
/** JetStream's code where a stream of that name, made otherwise, came while one was to be made (NATS: JSStreamNameExistErr). */
const NAME_IN_USE = 10_058;

/** Connects, waiting up to a minute for a server that is still starting. Throws when it does not come, or on abort. */
export async function connectBus(url: string, options: BusOptions): Promise<Bus> {
  const { log, signal } = options;
  const connection = await firstConnection(url, options);
  if (signal.aborted) {
    await connection.close();
    throw new Error('the service is shutting down');
  }
  const manager = await jetstreamManager(connection, { timeout: OPERATION_MS });
  const state = { connected: true };
  const kept = new Map<string, StreamSettings>();
  void watchStatus(connection, log, (connected) => {
    state.connected = connected;
    // A server that came back may be another one, or have lost its disk.
    if (connected)
      for (const config of kept.values())
        ensureStream(manager, config).catch((err: unknown) =>
          log.warn({ err, stream: config.name }, 'a stream could not be brought up to date'),
        );
  });
  const streams = jetstream(connection, { timeout: OPERATION_MS });
  const buckets = new Kvm(streams);
  const stores = new Objm(streams);
  const { replicas } = options;
  const keptAs = <T extends KV | ObjectStore>(store: T, max_bytes?: number, max_age?: number) =>
    keepAs(manager, store, { replicas, max_bytes, max_age });
  return {
    connection,
    jetstream: streams,
    manager,
    replicas,
    get connected() {
      return state.connected;
    },
    async stream(config) {
      const placed = { num_replicas: replicas, ...config };
      kept.set(config.name, placed);
      await answered(() => ensureStream(manager, placed), signal);
    },
    async bucket(name, more) {
      // The library has milliseconds here, and nanoseconds for object stores.
      const age = more.ttl === undefined ? undefined : nanos(more.ttl);
      return keptAs(await made(() => buckets.create(name, { ...more, replicas })), more.max_bytes, age);
    },
    async remove(name, key) {
      const entry = { filter: `$KV.${name}.${key}` };
      await manager.streams.purge(`${BUCKET_STREAM}${name}`, entry).catch(unlessAbsent);
    },
    async copy(name, region, max_bytes) {
      const of = { name: `${BUCKET_STREAM}${name}`, region, replicas };
      await mirrored(manager, of, { max_msgs_per_subject: 1, max_bytes });
      // `open` would not look at whose keys it holds.
      return keptAs(await buckets.create(copyOf(name, region), { replicas }), max_bytes);
    },
    find: (stream) => findStream(manager, stream),
    async mirror(name, region, max_bytes) {
      const { config } = await mirrored(manager, { name, region, replicas }, { max_bytes });
      if (config.num_replicas !== replicas || config.max_bytes !== max_bytes)
        await manager.streams.update(config.name, { num_replicas: replicas, max_bytes });
      return config.name;
    },
    async objects(name, more) {
      return keptAs(await made(() => stores.create(name, { ...more, replicas })), more.max_bytes, more.ttl);
    },
    async check() {
      await connection.rtt();
    },
    close: () => sayGoodbye(connection),
  };
}

interface Kept {
  readonly replicas: number;
  readonly max_bytes: number | undefined;
  /** In nanoseconds; undefined: as it is. */
  readonly max_age: number | undefined;
}

/** Brings what existed before, and is opened as it is, to the size, age and number of copies it is to have. */
async function keepAs<T extends KV | ObjectStore>(
  manager: JetStreamManager,
  store: T,
  { replicas, max_bytes, max_age }: Kept,
): Promise<T> {
  const { config } = (await store.status()).streamInfo;
  const wanted = {
    num_replicas: replicas,
    max_bytes: max_bytes ?? config.max_bytes,
    max_age: max_age ?? config.max_age,
  };
  if (
    config.num_replicas !== wanted.num_replicas ||
    config.max_bytes !== wanted.max_bytes ||
    config.max_age !== wanted.max_age
  )
    await manager.streams.update(config.name, wanted);
  return store;
}

/** The copy of a stream of another region, made where there is none. */
function mirrored(
  manager: JetStreamManager,
  { name, region, replicas }: { readonly name: string; readonly region: string; readonly replicas: number },
  limits: Pick<StreamSettings, 'max_bytes' | 'max_msgs_per_subject'>,
): Promise<StreamInfo> {
  const config = {
    ...limits,
    name: copyOf(name, region),
    mirror: { name, domain: region },
    // It must not answer for this region's own stream of that name.
    mirror_direct: false,
    allow_direct: true,
    num_replicas: replicas,
  };
  return made(async () => (await findStream(manager, config.name)) ?? manager.streams.add(config));
}

async function firstConnection(url: string, { service, signal, log }: BusOptions): Promise<NatsConnection> {
  const address = new URL(url);
  let said = false;
  for (const until_ms = Date.now() + FIRST_MS; ; ) {
    try {
      return await connect({
        servers: `${address.hostname}:${address.port || '4222'}`,
        ...(address.username === ''
          ? {}
          : {
              user: decodeURIComponent(address.username),
              pass: decodeURIComponent(address.password),
              // A user may be allowed to hear answers to itself alone.
              inboxPrefix: `_INBOX.${decodeURIComponent(address.username)}`,
            }),
        ...(address.protocol === 'tls:' ? { tls: {} } : {}),
        name: service,
        maxReconnectAttempts: -1,
        reconnectTimeWait: RETRY_MS,
        timeout: 2000,
      });
    } catch (error) {
      // A wrong password stays one.
      if (error instanceof AuthorizationError || signal.aborted || Date.now() > until_ms) throw error;
      if (!said)
        log.warn({ err: error, address: address.host }, 'the event bus does not answer, it is waited for');
      said = true;
      await sleep(RETRY_MS, undefined, { signal });
    }
  }
}

/** Drains; a server that is away cannot be drained to. */
async function sayGoodbye(connection: NatsConnection): Promise<void> {
  const drained = connection.drain().catch(() => undefined);
  const timer = new AbortController();
  await Promise.race([
    drained,
    sleep(CLOSE_TIMEOUT_MS, undefined, { signal: timer.signal }).catch(() => undefined),
  ]);
  timer.abort();
  if (!connection.isClosed()) await connection.close();
}

/** Does it again, within the time of a start, while JetStream does not answer in time. */
async function answered<T>(does: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (const until_ms = Date.now() + FIRST_MS; ; ) {
    try {
      return await does();
    } catch (error) {
      if (!isAway(error) || signal.aborted || Date.now() > until_ms) throw error;
      await sleep(RETRY_MS, undefined, { signal });
    }
  }
}

function findStream(manager: JetStreamManager, name: string): Promise<StreamInfo | undefined> {
  return manager.streams.info(name).catch(unlessAbsent);
}

/** For what fails where there is no such stream. */
function unlessAbsent(error: unknown): undefined {
  if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return undefined;
  throw error;
}

/** Whether JetStream cannot say anything just now: it takes too long, has not started, or has no leader. */
function isAway(error: unknown): boolean {
  if (error instanceof JetStreamApiError) return error.status === 503;
  return error instanceof TimeoutError || (error instanceof Error && error.name === 'JetStreamNotEnabled');
}

function isAsWanted(there: StreamConfig, wanted: StreamSettings): boolean {
  const known = new Map<string, unknown>(Object.entries(there));
  return Object.entries(wanted).every(([name, value]) => isDeepStrictEqual(known.get(name), value));
}

/** What is made unless it is there: where another process makes it at the same moment, it is there at the second look. */
async function made<T>(make: () => Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === NAME_IN_USE) return make();
    throw error;
  }
}

function ensureStream(manager: JetStreamManager, config: StreamSettings): Promise<void> {
  return made(() => addOrUpdate(manager, config));
}

async function addOrUpdate(manager: JetStreamManager, config: StreamSettings): Promise<void> {
  const there = await findStream(manager, config.name);
  if (there === undefined) await manager.streams.add(config);
  // All servers have to agree on a change: what is as it should be stays.
  else if (!isAsWanted(there.config, config)) await manager.streams.update(config.name, config);
}

async function watchStatus(
  connection: NatsConnection,
  log: Logger,
  onChange: (connected: boolean) => void,
): Promise<void> {
  for await (const { type } of connection.status()) {
    if (type !== 'disconnect' && type !== 'reconnect') continue;
    onChange(type === 'reconnect');
    log.warn({ event: type }, 'event bus connection changed');
  }
}
