import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServiceName } from '@mcp/contracts';
import {
  type DeploymentContext,
  type Placed,
  type Stack,
  serviceEnvironment,
  services,
  stacks,
} from '@mcp/stacks';
import { startNats } from '@mcp/testkit';
import { fetch } from 'undici';
import { z } from 'zod';
import { newSecrets, type Secrets } from '../../tests/e2e/secrets.ts';

const HERE = import.meta.dirname;
const ROOT = join(HERE, '../..');
/** The gateway under test on one core; upstream and load generator on the other. */
const SYSTEM_CORE = '0';
const LOAD_CORE = '1';
/** Callers of ours: the limits of a key are those that are shipped, so one of them is not enough. */
const KEYS = 64;

/** Something that answers `POST <url>/v1/chat/completions`. */
export interface Target {
  readonly name: string;
  readonly url: string;
  /** Headers of the callers, who take turns. */
  readonly callers: readonly Readonly<Record<string, string>>[];
  readonly pids: readonly number[];
}

export interface Targets {
  readonly all: readonly Target[];
  stop(): Promise<void>;
}

/** Shapes of ours, each with services on ports of its own. */
const SHAPES = [
  /** As every stack ships it: the gateway asks servers elsewhere itself. */
  { name: 'ours', base_port: 19_000, apart: false },
  { name: 'ours again', base_port: 19_010, apart: false },
  /** The way of a model that runs in the model-gateway. */
  { name: 'ours, over the model-gateway', base_port: 19_020, apart: true },
] as const;

/** Starts the mock, the floor, the shapes of ours that are wanted, and of all also Portkey when it is installed in `bench/`. */
export async function startTargets(pace_ms: number, wanted?: readonly string[]): Promise<Targets> {
  const dir = mkdtempSync(join(tmpdir(), 'mcp-bench-'));
  const running: ChildProcess[] = [];
  const nats = await startNats();
  const stop = async () => {
    for (const child of running) child.kill('SIGKILL');
    await nats.close();
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  };
  const run = (core: string, command: readonly string[], env: NodeJS.ProcessEnv = {}): number => {
    const child = spawn('taskset', ['-c', core, ...command], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, NODE_ENV: 'production', ...env },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (child.pid === undefined) throw new Error(`could not start ${command.join(' ')}`);
    running.push(child);
    return child.pid;
  };
  try {
    const upstream = 'http://127.0.0.1:19999';
    run(LOAD_CORE, [process.execPath, join(HERE, 'mock-upstream.ts'), '19999', String(pace_ms)]);
    const floor = run(SYSTEM_CORE, [process.execPath, join(HERE, 'floor.ts'), '19998', '19999']);
    await Promise.all([answers(`${upstream}/v1/models`), answers('http://127.0.0.1:19998/')]);
    const all: Target[] = [
      { name: 'direct', url: upstream, callers: [{}], pids: [] },
      { name: 'floor', url: 'http://127.0.0.1:19998', callers: [{}], pids: [floor] },
    ];
    for (const shape of SHAPES.filter(({ name }) => wanted?.includes(name) ?? true))
      all.push(await ours({ ...shape, upstream, nats_address: `127.0.0.1:${nats.port}`, dir, run }));
    if (wanted === undefined) all.push(...(await portkey(upstream, run)));
    return { all, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Run = (core: string, command: readonly string[], env?: NodeJS.ProcessEnv) => number;

interface OursOptions {
  readonly name: string;
  readonly base_port: number;
  readonly apart: boolean;
  readonly upstream: string;
  readonly nats_address: string;
  readonly dir: string;
  readonly run: Run;
}

/** Gateway and model-gateway in front of the mock, with the environment that the stack `local` gives them. */
async function ours(options: OursOptions): Promise<Target> {
  const { base_port, run, name } = options;
  const stack = stacks.local as Stack;
  const admin = `mcp_${randomBytes(32).toString('base64url')}`;
  const at = deploymentContext(options, stack, admin);
  const pids = (['model-gateway', 'gateway'] as const).map((service) => {
    const placement: Placed = { service, in_process: [] };
    const env = serviceEnvironment(stack, placement, at);
    if (options.apart) delete env.MCP_REMOTE_BACKENDS;
    const entry = join(ROOT, services[service].entry);
    return run(SYSTEM_CORE, [process.execPath, '--disable-warning=ExperimentalWarning', entry], env);
  });
  const url = `http://127.0.0.1:${base_port}`;
  await answers(`${url}/readyz`);
  const callers = await Promise.all(Array.from({ length: KEYS }, () => newKey(url, admin)));
  const target = { name, url, callers: callers.map((key) => ({ authorization: `Bearer ${key}` })), pids };
  await answers(`${url}/v1/models/mock`, target.callers[0]);
  return target;
}

function deploymentContext(options: OursOptions, stack: Stack, admin: string): DeploymentContext {
  const names = Object.keys(services) as ServiceName[];
  const ports = Object.fromEntries(names.map((name, offset) => [name, options.base_port + offset]));
  const secrets: Secrets = { ...newSecrets(admin), openai_api_key: 'bench' };
  return {
    region: stack.regions[0]?.name ?? '',
    host: '127.0.0.1',
    endpoints: Object.fromEntries(names.map((name) => [name, `http://127.0.0.1:${ports[name]}`])),
    ports,
    data_dir: join(options.dir, String(options.base_port)),
    nats_address: options.nats_address,
    secret: (name) => secrets[name],
    asset: (id) => join(options.dir, id),
    operator: { MODEL_BACKENDS: 'openai', OPENAI_BASE_URL: `${options.upstream}/v1` },
  };
}

async function newKey(url: string, admin: string): Promise<string> {
  const response = await fetch(`${url}/admin/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'bench', scopes: ['chat'] }),
  });
  return z.object({ key: z.string() }).parse(await response.json()).key;
}

async function portkey(upstream: string, run: Run): Promise<Target[]> {
  const entry = join(ROOT, 'bench/node_modules/@portkey-ai/gateway/build/start-server.js');
  if (!existsSync(entry)) return [];
  const pid = run(SYSTEM_CORE, [process.execPath, entry, '--port=18787', '--headless']);
  const url = 'http://127.0.0.1:18787';
  await answers(url);
  const headers = {
    'x-portkey-provider': 'openai',
    'x-portkey-custom-host': `${upstream}/v1`,
    authorization: 'Bearer bench',
  };
  return [{ name: 'Portkey', url, callers: [headers], pids: [pid] }];
}

async function answers(url: string, headers: Readonly<Record<string, string>> = {}): Promise<void> {
  for (const until_ms = Date.now() + 60_000; Date.now() < until_ms; ) {
    const ok = await fetch(url, { headers }).then(
      async (response) => {
        await response.arrayBuffer();
        return response.status < 400 || (response.status < 500 && headers.authorization === undefined);
      },
      () => false,
    );
    if (ok) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`${url} did not come up within 60 s`);
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
