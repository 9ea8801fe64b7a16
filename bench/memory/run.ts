import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AssetStore } from '@mcp/assets';
import { ModelInfo } from '@mcp/contracts';
import { serviceEnvironment, services, stacks } from '@mcp/stacks';
import { callerHeaders, freePort, startNats, testIdentities } from '@mcp/testkit';
import { z } from 'zod';

/**
 * What the model-gateway of the stack `local` has in memory: when its models are ready, and as they are used.
 * The weights must be there: `node packages/assets/src/cli.ts standard`. Then: `node bench/memory/run.ts`.
 */
const ROOT = join(import.meta.dirname, '../..');
const { local } = stacks;
if (local === undefined) throw new Error('the stack local is missing');
const MIB = 1024 * 1024;
const READY_MS = 10 * 60_000;

interface Row {
  readonly when: string;
  readonly resident_mib: number;
  /** Weights, contexts and heap: memory of this process alone. */
  readonly anonymous_mib: number;
  /** Programs and libraries, which the kernel may drop and other processes share. */
  readonly file_mib: number;
  readonly peak_mib: number;
}

function memoryOf(pid: number, when: string): Row {
  const kib = (file: string, field: string) => {
    const text = readFileSync(`/proc/${pid}/${file}`, 'utf8');
    return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN);
  };
  const mib = (value: number) => Math.round(value / 1024);
  const resident = kib('smaps_rollup', 'Rss');
  const anonymous = kib('smaps_rollup', 'Anonymous');
  return {
    when,
    resident_mib: mib(resident),
    anonymous_mib: mib(anonymous),
    file_mib: mib(resident - anonymous),
    peak_mib: mib(kib('status', 'VmHWM')),
  };
}

const port = await freePort();
const nats = await startNats();
const url = `http://127.0.0.1:${port}`;
const dir = mkdtempSync(join(tmpdir(), 'mcp-memory-'));
const store = new AssetStore();
const env = serviceEnvironment(
  local,
  { service: 'model-gateway', in_process: [] },
  {
    region: local.regions[0]?.name ?? '',
    host: '127.0.0.1',
    endpoints: {},
    ports: { 'model-gateway': port },
    data_dir: dir,
    nats_address: `127.0.0.1:${nats.port}`,
    secret: () => undefined,
    asset: (id) => store.expected(id),
    operator: { MCP_LOG_LEVEL: 'error' },
  },
);
const child = spawn(process.execPath, [join(ROOT, services['model-gateway'].entry)], {
  env: { PATH: process.env.PATH, ...env, ...testIdentities() },
  stdio: ['ignore', 'inherit', 'inherit'],
});
const pid = child.pid ?? 0;
const headers = async () => ({
  ...(await callerHeaders('gateway', 'model-gateway', {
    id: 'bench',
    kind: 'service',
    name: 'bench',
    scopes: ['chat'],
  })),
  'content-type': 'application/json',
});
const rows: Row[] = [];
const note = (when: string) => {
  rows.push(memoryOf(pid, when));
  process.stderr.write(`${JSON.stringify(rows.at(-1))}\n`);
};

async function models(): Promise<readonly ModelInfo[]> {
  const response = await fetch(`${url}/internal/models`, { headers: await headers() }).catch(() => undefined);
  return response?.ok === true ? z.array(ModelInfo).parse(await response.json()) : [];
}

async function ready(wanted: (list: readonly ModelInfo[]) => boolean): Promise<void> {
  for (const until_ms = Date.now() + READY_MS; Date.now() < until_ms; await sleep(500)) {
    const list = await models();
    if (list.length > 0 && wanted(list)) return;
  }
  throw new Error(`the models are not ready after ${READY_MS / 60_000} minutes`);
}

async function post(body: object, signal?: AbortSignal): Promise<Response> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: await headers(),
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
  if (!response.ok) throw new Error(`answered ${response.status}: ${(await response.text()).slice(0, 300)}`);
  return response;
}

async function chat(model: string, words: number): Promise<void> {
  const messages = [{ role: 'user', content: 'word '.repeat(words) }];
  await (await post({ model, max_tokens: 16, messages })).text();
}

/** Asks for as long an answer as the model can hold, and leaves with its first word: the context has been made then. */
async function hold(model: string, max_context: number): Promise<void> {
  const stop = new AbortController();
  const messages = [{ role: 'user', content: 'Tell a long story.' }];
  const body = { model, messages, stream: true, max_tokens: max_context - 200 };
  const reader = (await post(body, stop.signal)).body?.getReader();
  await reader?.read();
  stop.abort();
}

try {
  await ready(() => true);
  note('started, no model yet');
  await ready((list) => list.every(({ status }) => status === 'ready'));
  note('all models ready');
  const chats = (await models()).filter(({ kind }) => kind === 'chat');
  for (const { id } of chats) await chat(id, 20);
  note('each has answered a short question');
  for (const { id } of chats) await Promise.all([chat(id, 20), chat(id, 30)]);
  note('each has answered two at once');
  for (const { id, max_context } of chats) await hold(id, max_context);
  note('each holds its whole context once');
} finally {
  if (child.exitCode === null) {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
  await nats.close();
  rmSync(dir, { recursive: true, force: true });
}
const result = {
  commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT }).toString().trim(),
  node: process.version,
  machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / MIB / 1024)} GiB`,
  models: local.models.map(({ id }) => id).join(', '),
  rows,
};
writeFileSync(join(import.meta.dirname, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
console.table(rows);
