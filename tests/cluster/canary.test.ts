import { setTimeout as sleep } from 'node:timers/promises';
import { services } from '@mcp/stacks';
import { expect, it } from 'vitest';
import { alone, edgeOf, get, inPod, STACK, show, US, until } from './support.ts';

alone(US);

const REQUESTS = 1000;
const PARALLEL = 20;
const SETTLED_S = 180;
/** Half of what the edge lets through. */
const PAUSE_MS = (PARALLEL * 1000) / (STACK.kubernetes.edge.requests_per_second / 2);
/** A route that nothing else asks: not a probe, not Prometheus. */
const PATH = '/v1/models';

const COUNT = `
  const text = await (await fetch('http://127.0.0.1:${services.gateway.port}/metrics')).text();
  const lines = text.split('\\n').filter((line) => line.startsWith('service_requests_total') && line.includes('endpoint="${PATH}"'));
  console.log(lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0));`;

interface Pod {
  readonly metadata: { readonly name: string };
  readonly status: { readonly conditions?: readonly { type: string; status: string }[] };
}

async function podsOf(track: 'stable' | 'canary'): Promise<Pod[]> {
  const selector = `app.kubernetes.io/name=gateway,mcp.platform/track=${track}`;
  return (await get<{ items: Pod[] }>(['pods', '--namespace', US.namespace, '--selector', selector])).items;
}

const isReady = ({ status }: Pod) =>
  status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;

/** Requests that the pods of a track have answered; one that is not ready yet has answered none. */
async function answered(track: 'stable' | 'canary'): Promise<number> {
  const pods = (await podsOf(track)).filter(isReady);
  const counts = await Promise.all(pods.map(({ metadata }) => inPod(US.namespace, metadata.name, COUNT)));
  return counts.reduce((sum, text) => sum + Number(text), 0);
}

/** The counts are in the pods: none may be taken away in between, as those that the start's load added will be. */
async function settled(): Promise<void> {
  const { scaling } = services.gateway;
  const fewest = scaling.on === 'cpu' ? scaling.min : 1;
  await until(`${fewest} gateways are ready and no more`, SETTLED_S, async () => {
    const pods = await podsOf('stable');
    return pods.length === fewest && pods.every(isReady);
  });
}

async function send(
  headers: Record<string, string>,
): Promise<{ ok: number; stable: number; canary: number }> {
  const { url, key } = await edgeOf(US);
  const before = { stable: await answered('stable'), canary: await answered('canary') };
  let ok = 0;
  let sent = 0;
  const worker = async () => {
    while (sent++ < REQUESTS) {
      const response = await fetch(`${url}${PATH}`, {
        headers: { authorization: `Bearer ${key}`, ...headers },
      });
      await response.arrayBuffer();
      if (response.status === 200) ok++;
      await sleep(PAUSE_MS);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  const after = { stable: await answered('stable'), canary: await answered('canary') };
  return { ok, stable: after.stable - before.stable, canary: after.canary - before.canary };
}

it('the canary gets its share by weight, and all or nothing by header', async () => {
  const weight = STACK.kubernetes.canary.weight;
  await settled();
  const byWeight = await send({});
  const always = await send({ 'x-mcp-canary': 'always' });
  const never = await send({ 'x-mcp-canary': 'never' });
  show(`Canary, ${REQUESTS} requests each, weight ${weight} %`, [
    { rule: 'weight', ...byWeight },
    { rule: 'always', ...always },
    { rule: 'never', ...never },
  ]);
  for (const { ok, stable, canary } of [byWeight, always, never]) {
    expect(ok).toBe(REQUESTS);
    expect(stable + canary).toBe(REQUESTS);
  }
  // Four standard deviations of a binomial distribution.
  const sigma = Math.sqrt((REQUESTS * weight * (100 - weight)) / 10_000);
  expect(Math.abs(byWeight.canary - (REQUESTS * weight) / 100)).toBeLessThan(4 * sigma);
  expect(always.canary).toBe(REQUESTS);
  expect(never.stable).toBe(REQUESTS);
});

it('what is tried runs with limits of its own', async () => {
  const { url, key } = await edgeOf(US);
  const { max_body_bytes } = STACK.kubernetes.canary.limits;
  const body = 'x'.repeat((max_body_bytes ?? 0) + 1);
  const statusOf = async (track: string) => {
    const headers = {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      'x-mcp-canary': track,
    };
    const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body });
    await response.arrayBuffer();
    return response.status;
  };
  const answers = { canary: await statusOf('always'), stable: await statusOf('never') };
  show(`A body of ${body.length} bytes`, [answers]);
  expect(answers).toEqual({ canary: 413, stable: 400 });
});
