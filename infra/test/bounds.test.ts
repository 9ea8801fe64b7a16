import { expect, it } from 'vitest';
import { type KubernetesObject, objectsOf, podsOf, record, STACKS } from './stacks.ts';

const FACTORS: Readonly<Record<string, number>> = { '': 1, m: 0.001, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 };

/** A quantity in cores or bytes. */
function amountOf(quantity: string): number {
  const [, digits, unit = ''] = /^(\d+)(m|Mi|Gi|Ti)?$/.exec(quantity) ?? [];
  const factor = FACTORS[unit];
  if (digits === undefined || factor === undefined) throw new Error(`not a quantity: ${quantity}`);
  return Number(digits) * factor;
}

interface Resources {
  readonly requests: Readonly<Record<string, string>>;
  readonly limits: Readonly<Record<string, string>>;
}

function onlyOf(objects: readonly KubernetesObject[], kind: string): Record<string, unknown> {
  const [one] = objects.filter((object) => object.kind === kind);
  if (one?.spec === undefined) throw new Error(`there is no ${kind}`);
  return one.spec;
}

it.each(STACKS)(
  'the namespaces of %s have room for everything at its largest, twice, and for nothing larger',
  async (stack) => {
    const all = objectsOf((await record(stack)).resources);
    const regionOf = ({ metadata }: KubernetesObject) => metadata.labels?.['mcp.platform/region'];
    for (const region of new Set(all.flatMap((one) => regionOf(one) ?? []))) {
      const here = all.filter((one) => one.metadata.namespace !== undefined && regionOf(one) === region);
      const { hard } = onlyOf(here, 'ResourceQuota') as { hard: Record<string, string> };
      const { limits } = onlyOf(here, 'LimitRange') as {
        limits: { type: string; max: Record<string, string> }[];
      };
      const max = limits.find(({ type }) => type === 'Pod')?.max ?? {};
      const scaled = here.filter(({ kind }) => kind === 'HorizontalPodAutoscaler' || kind === 'ScaledObject');
      const used: Record<string, number> = { pods: 0 };
      for (const { owner, spec } of podsOf(here)) {
        const scaler = scaled.find(
          (one) => (one.spec?.scaleTargetRef as { name: string } | undefined)?.name === owner.metadata.name,
        )?.spec as { maxReplicas?: number; maxReplicaCount?: number } | undefined;
        const most = scaler?.maxReplicas ?? scaler?.maxReplicaCount ?? Number(owner.spec?.replicas ?? 1);
        used.pods = (used.pods ?? 0) + most;
        for (const resource of ['cpu', 'memory']) {
          const of = (which: keyof Resources) =>
            spec.containers.reduce(
              (sum, container) => sum + amountOf((container.resources as Resources)[which][resource] ?? ''),
              0,
            );
          for (const which of ['requests', 'limits'] as const)
            used[`${which}.${resource}`] = (used[`${which}.${resource}`] ?? 0) + most * of(which);
          expect(of('limits'), `${owner.metadata.name} ${resource}`).toBeLessThanOrEqual(
            amountOf(max[resource] ?? ''),
          );
        }
      }
      for (const [name, amount] of Object.entries(used))
        expect(amountOf(hard[name] ?? ''), `${region} ${name}`).toBeCloseTo(2 * amount, 6);
      const balancers = here.filter(({ kind, spec }) => kind === 'Service' && spec?.type === 'LoadBalancer');
      expect(hard).toMatchObject({
        'services.loadbalancers': String(balancers.length),
        'services.nodeports': '0',
      });
    }
  },
  120_000,
);
