import { expect, it } from 'vitest';
import { EU, edgeOf, get, inPod, STACK, show } from './support.ts';

const REQUESTS = 1000;
const PARALLEL = 20;
/** A route that nothing else asks: not a probe, not Prometheus. */
const PATH = '/v1/models';

const COUNT = `
  const text = await (await fetch('http://127.0.0.1:8000/metrics')).text();
  const lines = text.split('\\n').filter((line) => line.startsWith('service_requests_total') && line.includes('endpoint="${PATH}"'));
  console.log(lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0));`;

/** Requests that the pods of a track have answered. */
async function answered(track: 'stable' | 'canary'): Promise<number> {
  const { items } = await get<{ items: { metadata: { name: string } }[] }>([
    'pods',
    '--namespace',
    EU.namespace,
    '--selector',
    `app.kubernetes.io/name=gateway,mcp.platform/track=${track}`,
  ]);
  const counts = await Promise.all(items.map(({ metadata }) => inPod(EU.namespace, metadata.name, COUNT)));
  return counts.reduce((sum, text) => sum + Number(text), 0);
}

async function send(
  headers: Record<string, string>,
): Promise<{ ok: number; stable: number; canary: number }> {
  const { url, key } = await edgeOf(EU);
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
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  const after = { stable: await answered('stable'), canary: await answered('canary') };
  return { ok, stable: after.stable - before.stable, canary: after.canary - before.canary };
}

it('the canary gets its share by weight, and all or nothing by header', async () => {
  const weight = STACK.kubernetes.canary.weight;
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
