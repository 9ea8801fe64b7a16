import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { alone, EU, edgeOf, get, show, until } from './support.ts';

alone(EU);

const JOBS = 160;
const UP_S = 60;
const DOWN_S = 280;

async function replicas(name: string): Promise<number> {
  const { spec } = await get<{ spec: { replicas: number } }>([
    'deployment',
    name,
    '--namespace',
    EU.namespace,
  ]);
  return spec.replicas;
}

const rows: Record<string, unknown>[] = [];

it('load raises the replicas of the gateway, and its end lowers them', async () => {
  const { url, key } = await edgeOf(EU);
  const before = await replicas('gateway');
  let going = true;
  const worker = async () => {
    while (going)
      await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } })
        .then((response) => response.arrayBuffer())
        .catch(() => undefined);
  };
  const load = Array.from({ length: 16 }, worker);
  const up = await until('more gateways', UP_S, async () => (await replicas('gateway')) > before);
  const most = await replicas('gateway');
  going = false;
  await Promise.all(load);
  const down = await until(
    'as many gateways as before',
    DOWN_S,
    async () => (await replicas('gateway')) <= before,
  );
  rows.push({
    service: 'gateway',
    by: 'CPU (HPA)',
    before,
    after: most,
    up_s: up.toFixed(1),
    down_s: down.toFixed(1),
  });
  expect(most).toBeGreaterThan(before);
});

it('queued jobs raise the task-engine, and an empty queue lowers it', async () => {
  const { url, key } = await edgeOf(EU);
  const before = await replicas('task-engine');
  const spec = {
    kind: 'embed-batch',
    model: 'all-minilm-l6-v2',
    texts: Array.from({ length: 64 }, (_, i) => `text ${i} `.repeat(40)),
  };
  /** Asks, and again when it is told to: nodes that start a dozen pods at once have little time for anything else. */
  const ask = async (path: string, init: RequestInit = {}): Promise<unknown> => {
    const response = await fetch(`${url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    });
    const text = await response.text();
    if (response.status < 300) return JSON.parse(text);
    const wait_s = Number(response.headers.get('retry-after') ?? Number.NaN);
    expect(wait_s, `${path}: ${response.status} ${text}`).toBeGreaterThan(0);
    await sleep(wait_s * 1000);
    return ask(path, init);
  };
  const create = () => ask('/v1/jobs', { method: 'POST', body: JSON.stringify({ spec }) });
  for (let at = 0; at < JOBS; at += 10) await Promise.all(Array.from({ length: 10 }, create));
  const up = await until('more task-engines', UP_S, async () => (await replicas('task-engine')) > before);
  const most = await replicas('task-engine');
  const cancel = async () => {
    const list = (await ask('/v1/jobs?status=queued&limit=100')) as { jobs: { id: string }[] };
    await Promise.all(
      list.jobs.map(({ id }) =>
        // It may have begun, or ended, meanwhile.
        fetch(`${url}/v1/jobs/${id}/cancel`, { method: 'POST', headers: { authorization: `Bearer ${key}` } }),
      ),
    );
    return list.jobs.length;
  };
  for (let round = 0; round < 20 && (await cancel()) > 0; round++);
  const down = await until(
    'as many task-engines as before',
    DOWN_S,
    async () => (await replicas('task-engine')) <= before,
  );
  rows.push({
    service: 'task-engine',
    by: `${JOBS} queued jobs (KEDA)`,
    before,
    after: most,
    up_s: up.toFixed(1),
    down_s: down.toFixed(1),
  });
  show('Scaling', rows);
  expect(most).toBeGreaterThan(before);
});
