import { setTimeout as sleep } from 'node:timers/promises';
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { Logger } from './log.ts';

export interface BusOptions {
  readonly service: string;
  readonly log: Logger;
  /** Gives up on a first connection. */
  readonly signal: AbortSignal;
}

/** The connection to the event bus (NATS with JetStream). It reconnects for ever and says so in the log. */
export interface Bus {
  readonly connection: NatsConnection;
  readonly jetstream: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly kv: Kvm;
  /** Throws with the reason when the bus does not answer. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** How long a first connection is tried for, and how long a goodbye may take. */
const FIRST_CONNECTION_MS = 10_000;
const GOODBYE_MS = 1000;
/** An operation of JetStream that takes longer has failed: its caller must not wait for a server that is away. */
const OPERATION_MS = 2000;
const RETRY_MS = 250;

/** Connects, waiting up to 10 s for a server that is still starting. Throws when it does not come, or on abort. */
export async function connectBus(url: string, options: BusOptions): Promise<Bus> {
  const { log, signal } = options;
  const connection = await firstConnection(url, options);
  if (signal.aborted) {
    await connection.close();
    throw new Error('the service is shutting down');
  }
  void watchStatus(connection, log);
  const manager = await jetstreamManager(connection, { timeout: OPERATION_MS });
  const streams = jetstream(connection, { timeout: OPERATION_MS });
  return {
    connection,
    jetstream: streams,
    manager,
    kv: new Kvm(streams),
    async check() {
      await connection.rtt();
    },
    close: () => sayGoodbye(connection),
  };
}

async function firstConnection(url: string, { service, signal }: BusOptions): Promise<NatsConnection> {
  const address = new URL(url);
  for (const until_ms = Date.now() + FIRST_CONNECTION_MS; ; ) {
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
        name: service,
        maxReconnectAttempts: -1,
        reconnectTimeWait: RETRY_MS,
        timeout: 2000,
      });
    } catch (error) {
      if (signal.aborted || Date.now() > until_ms) throw error;
      await sleep(RETRY_MS, undefined, { signal });
    }
  }
}

/** Drains; a server that is away cannot be drained to. */
async function sayGoodbye(connection: NatsConnection): Promise<void> {
  const drained = connection.drain().catch(() => undefined);
  const patience = new AbortController();
  await Promise.race([
    drained,
    sleep(GOODBYE_MS, undefined, { signal: patience.signal }).catch(() => undefined),
  ]);
  patience.abort();
  if (!connection.isClosed()) await connection.close();
}

async function watchStatus(connection: NatsConnection, log: Logger): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type === 'disconnect' || status.type === 'reconnect')
      log.warn({ event: status.type }, 'event bus connection changed');
  }
}
