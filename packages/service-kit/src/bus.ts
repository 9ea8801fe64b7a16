import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { Logger } from './log.ts';

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

/** Connects, waiting up to 10 s for a server that is still starting. */
export async function connectBus(url: string, service: string, log: Logger): Promise<Bus> {
  const address = new URL(url);
  const connection = await connect({
    servers: `${address.hostname}:${address.port || '4222'}`,
    ...(address.username === ''
      ? {}
      : { user: decodeURIComponent(address.username), pass: decodeURIComponent(address.password) }),
    name: service,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    waitOnFirstConnect: true,
    timeout: 10_000,
  });
  void watchStatus(connection, log);
  const manager = await jetstreamManager(connection);
  return {
    connection,
    jetstream: jetstream(connection),
    manager,
    kv: new Kvm(connection),
    async check() {
      await connection.rtt();
    },
    close: () => connection.drain(),
  };
}

async function watchStatus(connection: NatsConnection, log: Logger): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type === 'disconnect' || status.type === 'reconnect')
      log.warn({ event: status.type }, 'event bus connection changed');
  }
}
