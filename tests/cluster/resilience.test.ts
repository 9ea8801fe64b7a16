import { setTimeout as sleep } from 'node:timers/promises';
import { services } from '@mcp/stacks';
import { expect, it } from 'vitest';
import { alone, EU, edgeOf, get, kubectl, show, until } from './support.ts';

alone(EU);

const WORKERS = 4;
const PAUSE_MS = 100;
/** A request that needs each service behind the gateway. */
const PATHS: Readonly<Record<string, string>> = {
  gateway: '/v1/models',
  core: '/v1/conversations',
  'model-gateway': '/v1/models',
  'task-engine': '/v1/jobs',
  governance: '/v1/models',
};

/** Asks without a pause until it is told to stop. */
async function load(
  paths: readonly string[],
): Promise<{ stop(): Promise<{ sent: number; failed: string[] }> }> {
  const { url, key } = await edgeOf(EU);
  let going = true;
  let sent = 0;
  const failed: string[] = [];
  const worker = async (at: number) => {
    for (let i = at; going; i++) {
      const path = paths[i % paths.length] ?? '/';
      sent++;
      const response = await fetch(`${url}${path}`, {
        headers: { authorization: `Bearer ${key}` },
        signal: AbortSignal.timeout(60_000),
      }).catch((error: unknown) => String(error));
      const text = typeof response === 'string' ? response : await response.text();
      if (typeof response === 'string' || response.status !== 200)
        failed.push(`${path}: ${typeof response === 'string' ? '' : response.status} ${text.slice(0, 120)}`);
      await sleep(PAUSE_MS);
    }
  };
  const work = Array.from({ length: WORKERS }, (_, at) => worker(at));
  return {
    async stop() {
      going = false;
      await Promise.all(work);
      return { sent, failed };
    },
  };
}

it('a pod of each service is killed under load: no request fails', async () => {
  const rows: Record<string, unknown>[] = [];
  const failures: string[] = [];
  for (const name of Object.keys(services)) {
    const selector = `app.kubernetes.io/name=${name},mcp.platform/track=stable`;
    const pods = async () =>
      (
        await get<{
          items: {
            metadata: { name: string };
            status: { conditions?: { type: string; status: string }[] };
          }[];
        }>(['pods', '--namespace', EU.namespace, '--selector', selector])
      ).items;
    const victim = (await pods())[0]?.metadata.name ?? '';
    const running = await load([PATHS[name] ?? '/v1/models']);
    await sleep(1000);
    await kubectl(['--namespace', EU.namespace, 'delete', 'pod', victim, '--wait=false']);
    const took = await until(`${name} is whole again`, 120, async () => {
      const now = await pods();
      return (
        now.every(({ metadata }) => metadata.name !== victim) &&
        now.every(({ status }) =>
          status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
        )
      );
    });
    await sleep(1000);
    const { sent, failed } = await running.stop();
    rows.push({ service: name, killed: victim, sent, failed: failed.length, whole_again_s: took.toFixed(1) });
    failures.push(...failed.map((reason) => `${name}: ${reason}`));
  }
  show('A pod of each service killed under load', rows);
  expect(failures).toEqual([]);
});
