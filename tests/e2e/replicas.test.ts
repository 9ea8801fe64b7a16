import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ChainVerdict, type ChatEvent, Conversation, type ServiceName } from '@mcp/contracts';
import { serviceEnvironment, services, stacks } from '@mcp/stacks';
import { freePort, type NatsServer, type PostgresServer, startNats, startPostgres } from '@mcp/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newSecrets, type Secrets } from './secrets.ts';
import { SCRIPT, streamOf } from './support.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const KEY = `mcp_${'k'.repeat(43)}`;
const { prod } = stacks;
if (prod === undefined) throw new Error('there is no stack prod');

/** A service as a pod of the prod stack runs it: a process with the stack's own environment. */
interface Pod {
  readonly url: string;
  readonly process: ChildProcess;
}

let nats: NatsServer;
let postgres: PostgresServer;
let database: string;
const dirs: string[] = [];
/** Of all replicas of a service, as they are of a stack. */
const shared = newSecrets(KEY);
const pods: Pod[] = [];

async function startPod(service: ServiceName, endpoints: Partial<Record<ServiceName, string>>): Promise<Pod> {
  if (prod === undefined) throw new Error('unreachable');
  const dir = mkdtempSync(join(tmpdir(), 'mcp-pod-'));
  dirs.push(dir);
  const port = await freePort();
  const secrets: Secrets = { ...shared, database_url: database };
  const nowhere = Object.fromEntries(Object.keys(services).map((name) => [name, 'http://127.0.0.1:9']));
  const env = serviceEnvironment(
    prod,
    { service, in_process: [] },
    {
      region: prod.regions[0]?.name ?? '',
      host: '127.0.0.1',
      endpoints: { ...nowhere, ...endpoints },
      ports: { [service]: port },
      data_dir: dir,
      nats_address: `127.0.0.1:${nats.port}`,
      secret: (name) => secrets[name],
      asset: (id) => join(dir, id),
      operator: {
        MODEL_BACKENDS: 'scripted',
        MCP_SCRIPTED_MODELS: JSON.stringify(SCRIPT),
        MCP_LOG_LEVEL: 'error',
      },
    },
  );
  const child = spawn(process.execPath, [join(ROOT, services[service].entry)], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, NODE_OPTIONS: '--disable-warning=ExperimentalWarning', ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const pod = { url: `http://127.0.0.1:${port}`, process: child };
  pods.push(pod);
  return pod;
}

async function up({ url, process: child }: Pod): Promise<void> {
  for (const until_ms = Date.now() + 90_000; Date.now() < until_ms; await sleep(50)) {
    if (child.exitCode !== null) throw new Error(`the process at ${url} ended with ${child.exitCode}`);
    const answer = await fetch(`${url}/healthz`).catch(() => undefined);
    if (answer?.ok === true) return;
  }
  throw new Error(`nothing answers at ${url}`);
}

/** Stops a process so that it can do nothing more, as the kernel or a node that is lost does. */
async function kill({ process: child }: Pod): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((done) => child.once('exit', () => done()));
  child.kill('SIGKILL');
  await gone;
}

const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' };

function chat(gateway: Pod, body: object): Promise<Response> {
  return fetch(`${gateway.url}/chat`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ ...body, stream: true }),
  });
}

async function whole(answer: Response): Promise<ChatEvent[]> {
  const events: ChatEvent[] = [];
  for await (const event of streamOf(answer)) events.push(event);
  return events;
}

async function read(gateway: Pod, id: string): Promise<Conversation> {
  return Conversation.parse(await (await fetch(`${gateway.url}/v1/conversations/${id}`, { headers })).json());
}

async function verify(gateway: Pod, id: string): Promise<ChainVerdict> {
  const answer = await fetch(`${gateway.url}/v1/conversations/${id}/verify`, { method: 'POST', headers });
  return ChainVerdict.parse(await answer.json());
}

describe('replicas of core over one PostgreSQL', () => {
  let cores: Pod[];
  let gateways: Pod[];
  beforeAll(async () => {
    [nats, postgres] = await Promise.all([startNats(), startPostgres()]);
    database = await postgres.database();
    const models = await startPod('model-gateway', {});
    const log = await startPod('transparency-log', {});
    // All at once, on an empty database: one of them makes its tables.
    const asked = { 'model-gateway': models.url, 'transparency-log': log.url };
    cores = await Promise.all([1, 2, 3].map(() => startPod('core', asked)));
    gateways = await Promise.all(cores.map(({ url }) => startPod('gateway', { ...asked, core: url })));
    await Promise.all(pods.map(up));
  }, 120_000);
  afterAll(async () => {
    await Promise.all(pods.map(kill));
    await nats?.close();
    await postgres?.close();
    for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
  });

  it('read, verify and go on with what another has written', async () => {
    const question = { modelA: 'scripted/alpha', modelB: 'scripted/beta', message: 'Whose is it?' };
    const ids = await Promise.all(
      gateways.flatMap((gateway) =>
        Array.from({ length: 3 }, async () => {
          const [start] = await whole(await chat(gateway, question));
          return start?.type === 'start' ? start.conversation_id : '';
        }),
      ),
    );
    for (const id of ids)
      for (const gateway of gateways)
        await expect.poll(() => verify(gateway, id)).toMatchObject({ status: 'ok' });
    for (const [i, id] of ids.entries()) {
      const gateway = gateways[(i + 1) % gateways.length] as Pod;
      const events = await whole(await chat(gateway, { conversation_id: id, message: 'And now?' }));
      expect(events.at(-1)).toMatchObject({ type: 'done', response: { status: 'completed' } });
    }
    for (const id of ids)
      for (const gateway of gateways) {
        await expect.poll(() => verify(gateway, id)).toMatchObject({ status: 'ok' });
        expect(await read(gateway, id)).toMatchObject({ status: 'completed' });
      }
  });

  it('take over from one that was killed once its lease has ended, with every finished turn', async () => {
    const [first, second] = gateways as [Pod, Pod];
    const asked = await chat(first, {
      modelA: 'scripted/alpha',
      modelB: 'scripted/endless',
      message: 'Who goes on?',
    });
    let id = '';
    let said = '';
    try {
      for await (const event of streamOf(asked)) {
        if (event.type === 'start') id = event.conversation_id;
        if (event.type !== 'message.end') continue;
        said = event.content;
        break;
      }
    } finally {
      await kill(cores[0] as Pod);
    }
    const killed_ms = Date.now();
    const busy = await chat(second, { conversation_id: id, message: 'Is it free?' });
    expect(busy.status).toBe(409);
    expect(Number(busy.headers.get('retry-after'))).toBeGreaterThan(0);
    await busy.text();
    let events: ChatEvent[] = [];
    while (events.length === 0 && Date.now() - killed_ms < 60_000) {
      const answer = await chat(second, { conversation_id: id, exchanges: 1 });
      if (answer.ok) events = await whole(answer);
      else await answer.text();
      if (events.length === 0) await sleep(250);
    }
    expect(events.at(-1)).toMatchObject({ type: 'done', response: { status: 'completed', answer: said } });
    await expect.poll(() => verify(second, id)).toMatchObject({ status: 'ok', records: 5 });
  }, 120_000);
});
