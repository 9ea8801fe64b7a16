import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AssetStore } from '@mcp/assets';
import { dependencies } from '@mcp/dependencies';
import { untilReady } from './ready.ts';

const { nats } = dependencies;
const PROGRAM = nats.manifest.local?.program ?? '';
const SERVER = { name: PROGRAM, says: 'Server is ready', timeout_ms: 15_000 };

export interface NatsOptions {
  /** Port to listen on; a free one when left out. */
  readonly port?: number;
  /** Directory of JetStream's store; a fresh one, removed at the end, when left out. */
  readonly store_dir?: string;
  /** Another configuration (nats.conf) than that of a server for one machine, and the variables it names. */
  readonly config?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface NatsServer {
  readonly url: string;
  readonly port: number;
  readonly store_dir: string;
  /** Kills the server; what it has stored stays. */
  stop(): Promise<void>;
  /** Kills the server; a store directory of its own goes with it. */
  close(): Promise<void>;
}

/** Starts a real nats-server with JetStream: from the asset cache, MCP_NATS_SERVER or PATH. */
export async function startNats(options: NatsOptions = {}): Promise<NatsServer> {
  const port = options.port ?? (await freePort());
  const store_dir = options.store_dir ?? mkdtempSync(join(tmpdir(), 'mcp-nats-'));
  const alone = nats.start({
    host: '127.0.0.1',
    ports: { client: port },
    config_dir: store_dir,
    data_dir: store_dir,
    durable: false,
  });
  const files = options.config === undefined ? alone.files : { 'nats.conf': options.config };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(store_dir, name), text);
  // Where a given configuration would listen and store does not hold here; it must name no store.
  const here = ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', store_dir];
  const args = options.config === undefined ? alone.args : [...here, ...alone.args];
  const child = spawn(program(), args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...options.env },
  });
  await untilReady(child, SERVER);
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((done) => child.once('exit', () => done()));
    child.kill('SIGKILL');
    await gone;
  };
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    store_dir,
    stop,
    async close() {
      await stop();
      if (options.store_dir === undefined) rmSync(store_dir, { recursive: true, force: true });
    },
  };
}

/** Ports below those that the system gives out by itself, so that nobody else is given one between its choice and its use. */
const FIRST_PORT = 20_000;
/** Each worker of the tests has its own. */
const PORTS_PER_WORKER = 1500;
const WORKERS = 8;
let nth_port = process.pid;

/** A port of this machine that nobody listens on, another each time. */
export async function freePort(): Promise<number> {
  const worker = Number(process.env.VITEST_POOL_ID ?? 0) % WORKERS;
  for (let tries = 0; tries < PORTS_PER_WORKER; tries++) {
    const port = FIRST_PORT + worker * PORTS_PER_WORKER + (nth_port++ % PORTS_PER_WORKER);
    if (await isFree(port)) return port;
  }
  throw new Error(`None of ${PORTS_PER_WORKER} ports is free: end what listens on them.`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(false));
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
  });
}

function program(): string {
  const found = new AssetStore({ offline: true }).locate(PROGRAM);
  if (found === undefined) throw new Error(`${PROGRAM} is not here. npm test fetches it; or put it on PATH.`);
  return found;
}
