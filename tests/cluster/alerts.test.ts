import { expect, it } from 'vitest';
import { z } from 'zod';
import { EU, get, kubectl, STACK, show, until } from './support.ts';

const PROMETHEUS = `/api/v1/namespaces/${STACK.kubernetes.monitoring_namespace}/services/prometheus:9090/proxy/api/v1`;
/** Told by others than the platform, who need not be in every cluster. */
const FOREIGN = /^(flagger|kube)_/;
const Rules = z.object({
  groups: z.array(z.object({ rules: z.array(z.object({ alert: z.string(), expr: z.string() })) })),
});
const Answer = z.object({ status: z.literal('success'), data: z.unknown() });

async function ask(path: string): Promise<unknown> {
  return Answer.parse(JSON.parse(await kubectl(['get', '--raw', `${PROMETHEUS}/${path}`]))).data;
}

it('Prometheus evaluates every alert, and knows every metric that it is made of', async () => {
  const { data } = await get<{ data: Record<string, string> }>([
    'configmap',
    'mcp-alert-rules',
    '--namespace',
    EU.namespace,
  ]);
  const rules = Rules.parse(JSON.parse(data['rules.yaml'] ?? '')).groups.flatMap((group) => group.rules);
  expect(rules.length).toBeGreaterThan(10);
  const rows: Record<string, unknown>[] = [];
  for (const { alert, expr } of rules) {
    const { result } = z
      .object({ result: z.array(z.unknown()) })
      .parse(await ask(`query?query=${encodeURIComponent(expr)}`));
    rows.push({ alert, 'would fire for': result.length });
  }
  const metrics = rules.flatMap(({ expr }) =>
    [...expr.matchAll(/\b([a-z_]+)\{/g)].map(([, name]) => name ?? ''),
  );
  for (const metric of new Set(metrics.filter((name) => !FOREIGN.test(name))))
    await until(`Prometheus knows ${metric}`, 60, async () => {
      const family = metric.replace(/_bucket$/, '');
      return Object.keys((await ask(`metadata?metric=${family}`)) as object).length > 0;
    });
  show('Alerts', rows);
});
