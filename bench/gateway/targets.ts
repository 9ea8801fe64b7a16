import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNats, testIdentities } from '@mcp/testkit';

const HERE = import.meta.dirname;
const ROOT = join(HERE, '../..');
/** The gateway under test on one core; upstream and load generator on the other. */
const SYSTEM_CORE = '0';
const LOAD_CORE = '1';

/** Something that answers `POST <url>/v1/chat/completions`. */
export interface Target {
  readonly name: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly pids: readonly number[];
}

export interface Targets {
  readonly all: readonly Target[];
  stop(): Promise<void>;
}

interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
}

function pinned(core: string, command: readonly string[], env: NodeJS.ProcessEnv = {}): Started {
  const child = spawn('taskset', ['-c', core, ...command], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (child.pid === undefined) throw new Error(`could not start ${command.join(' ')}`);
  return { child, pid: child.pid };
}

async function answers(url: string, headers: Readonly<Record<string, string>> = {}): Promise<void> {
  for (const until_ms = Date.now() + 30_000; Date.now() < until_ms; ) {
    const ok = await fetch(url, { headers }).then(
      (response) => response.status < 500,
      () => false,
    );
    if (ok) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`${url} did not come up within 30 s`);
}

interface OursOptions {
  readonly name: string;
  readonly base_port: number;
  readonly colocated: boolean;
  readonly upstream_port: number;
  readonly nats_url: string;
  readonly dir: string;
}

/** Our gateway in front of the mock: gateway and model-gateway in one process, or in two. */
async function ours(options: OursOptions): Promise<{ target: Target; started: Started[] }> {
  const key = `mcp_${randomBytes(32).toString('base64url')}`;
  const port = (offset: number) => String(options.base_port + offset);
  const env = {
    MCP_DATA: join(options.dir, options.name),
    MCP_LOG_LEVEL: 'warn',
    ...testIdentities(),
    MCP_NATS_URL: options.nats_url,
    MCP_TRACE_STORE: 'true',
    MCP_ADMIN_KEY_HASH: createHash('sha256').update(key).digest('hex'),
    MCP_RATE_REQUESTS_PER_MINUTE: '10000000',
    MODEL_BACKENDS: 'openai',
    OPENAI_BASE_URL: `http://127.0.0.1:${options.upstream_port}/v1`,
    OPENAI_API_KEY: 'bench',
    PROV_SECRET: randomBytes(32).toString('base64url'),
    MCP_GATEWAY_PORT: port(0),
    MCP_CORE_PORT: port(1),
    MCP_MODEL_GATEWAY_PORT: port(2),
    MCP_CORE_URL: `http://127.0.0.1:${port(1)}`,
    MCP_MODEL_GATEWAY_URL: `http://127.0.0.1:${port(2)}`,
    MCP_TASK_ENGINE_URL: `http://127.0.0.1:${port(3)}`,
    MCP_GOVERNANCE_URL: `http://127.0.0.1:${port(4)}`,
  };
  const started: Started[] = [];
  if (!options.colocated)
    started.push(pinned(SYSTEM_CORE, [process.execPath, join(ROOT, 'apps/model-gateway/src/main.ts')], env));
  const colocate = options.colocated ? { MCP_COLOCATE: 'model-gateway' } : {};
  started.push(
    pinned(SYSTEM_CORE, [process.execPath, join(ROOT, 'apps/gateway/src/main.ts')], { ...env, ...colocate }),
  );
  const url = `http://127.0.0.1:${port(0)}`;
  const headers = { authorization: `Bearer ${key}` };
  await answers(`${url}/v1/models`, headers);
  return { target: { name: options.name, url, headers, pids: started.map(({ pid }) => pid) }, started };
}

/** Starts the mock, the floor, ours twice co-located and once apart, and Portkey when it is installed in `bench/`. */
export async function startTargets(pace_ms: number): Promise<Targets> {
  const dir = mkdtempSync(join(tmpdir(), 'mcp-bench-'));
  const nats = await startNats();
  const running: Started[] = [];
  const upstream_port = 19_999;
  running.push(
    pinned(LOAD_CORE, [
      process.execPath,
      join(HERE, 'mock-upstream.ts'),
      String(upstream_port),
      String(pace_ms),
    ]),
  );
  const upstream = `http://127.0.0.1:${upstream_port}`;
  await answers(`${upstream}/v1/models`);
  const floor = pinned(SYSTEM_CORE, [
    process.execPath,
    join(HERE, 'floor.ts'),
    '19998',
    String(upstream_port),
  ]);
  running.push(floor);
  const all: Target[] = [
    { name: 'direct', url: upstream, headers: {}, pids: [] },
    { name: 'floor', url: 'http://127.0.0.1:19998', headers: {}, pids: [floor.pid] },
  ];
  const common = { upstream_port, nats_url: nats.url, dir };
  for (const options of [
    { name: 'ours-colocated', base_port: 19_000, colocated: true },
    { name: 'ours-colocated-again', base_port: 19_010, colocated: true },
    { name: 'ours-apart', base_port: 19_020, colocated: false },
  ]) {
    const { target, started } = await ours({ ...common, ...options });
    all.push(target);
    running.push(...started);
  }
  const portkey = join(ROOT, 'bench/node_modules/@portkey-ai/gateway/build/start-server.js');
  if (existsSync(portkey)) {
    const peer = pinned(SYSTEM_CORE, [process.execPath, portkey, '--port=18787', '--headless']);
    running.push(peer);
    const url = 'http://127.0.0.1:18787';
    await answers(url);
    all.push({
      name: 'portkey',
      url,
      headers: {
        'x-portkey-provider': 'openai',
        'x-portkey-custom-host': `${upstream}/v1`,
        authorization: 'Bearer bench',
      },
      pids: [peer.pid],
    });
  }
  return {
    all,
    async stop() {
      for (const { child } of running) child.kill('SIGKILL');
      await nats.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** CPU seconds and resident bytes of processes, from /proc. */
export function usage(pids: readonly number[]): { cpu_s: number; rss_bytes: number } {
  let ticks = 0;
  let pages = 0;
  for (const pid of pids) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    ticks += Number(stat[11]) + Number(stat[12]);
    pages += Number(stat[21]);
  }
  return { cpu_s: ticks / 100, rss_bytes: pages * 4096 };
}
