import { ROLLOUT_SETS } from '@mcp/stacks';
import type { Chart } from 'cdk8s';
import { type RegionContext, type Workload, workloads } from '../../context.ts';
import { add } from '../../kit/objects.ts';
import { listensOutside, type Running, running } from '../dependency/place.ts';
import { resourcesOf, type Size } from '../workload/pod.ts';
import { mostReplicas } from '../workload/workload.ts';

/** Pods of one shape: how large, how many at most. */
interface Pods {
  readonly sizes: readonly Size[];
  readonly most: number;
  /** Claims of all of them, in GiB. */
  readonly claims_gib: readonly number[];
}

/**
 * What the namespace may use at most, made of the sizes and the most replicas of everything in it: nothing that is
 * deployed beside the platform takes what it needs. Containers say their own sizes (policy `resources-set`): no defaults.
 */
export function boundsChart(chart: Chart, context: RegionContext): void {
  const all = podsOf(context);
  const sum = (of: (size: Size) => number) =>
    ROLLOUT_SETS * total(all.map(({ sizes, most }) => most * total(sizes.map(of))));
  const requested = (size: Size) => resourcesOf(context, size).requests;
  const claims = all.flatMap(({ claims_gib }) => claims_gib);
  add(chart, 'quota', {
    kind: 'ResourceQuota',
    metadata: { name: 'mcp' },
    spec: {
      hard: {
        'requests.cpu': cpu(sum((size) => milli(requested(size).cpu))),
        'requests.memory': memory(sum((size) => mebi(requested(size).memory))),
        'limits.cpu': cpu(sum(({ cpu_limit }) => milli(cpu_limit))),
        'limits.memory': memory(sum(({ memory_limit }) => mebi(memory_limit))),
        pods: String(ROLLOUT_SETS * total(all.map(({ most }) => most))),
        persistentvolumeclaims: String(ROLLOUT_SETS * claims.length),
        'requests.storage': memory(ROLLOUT_SETS * total(claims) * 1024),
        'services.loadbalancers': String(
          running(context.stack).filter(({ name }) => listensOutside(context, name)).length,
        ),
        'services.nodeports': '0',
      },
    },
  });
  const largest = (of: (size: Size) => number) => Math.max(...all.map(({ sizes }) => total(sizes.map(of))));
  add(chart, 'limits', {
    kind: 'LimitRange',
    metadata: { name: 'mcp' },
    spec: {
      limits: [
        {
          type: 'Pod',
          max: {
            cpu: cpu(largest(({ cpu_limit }) => milli(cpu_limit))),
            memory: memory(largest(({ memory_limit }) => mebi(memory_limit))),
          },
        },
        ...(claims.length === 0
          ? []
          : [{ type: 'PersistentVolumeClaim', max: { storage: memory(1024 * Math.max(...claims)) } }]),
      ],
    },
  });
}

function podsOf(context: RegionContext): Pods[] {
  const { stack } = context;
  return [
    ...workloads(stack).map((workload) => servicePods(context, workload)),
    ...running(stack).map(dependencyPods),
  ];
}

function dependencyPods({ runs, here }: Running): Pods {
  const { replicas, storage_gib } = here;
  return {
    sizes: [runs.size],
    most: replicas,
    claims_gib: storage_gib === undefined ? [] : Array.from({ length: replicas }, () => storage_gib),
  };
}

function servicePods(context: RegionContext, workload: Workload): Pods {
  const { manifest } = workload;
  const tried = manifest.public && context.settings.canary.enabled ? 1 : 0;
  const volume = workload.inside.find((one) => one.volume !== undefined)?.volume;
  return {
    sizes: [manifest.size],
    most: mostReplicas(context, workload) + tried,
    // One replica alone keeps data on a volume. Also where the database is external: a preview that embeds it again is
    // refused by the bounds that are there.
    claims_gib: volume === undefined ? [] : [volume.size_gib],
  };
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** `250m` and `2` in thousandths of a core. */
function milli(quantity: string): number {
  return quantity.endsWith('m') ? Number.parseInt(quantity, 10) : Number.parseInt(quantity, 10) * 1000;
}

/** `512Mi` and `2Gi` in MiB. */
function mebi(quantity: string): number {
  return quantity.endsWith('Gi') ? Number.parseInt(quantity, 10) * 1024 : Number.parseInt(quantity, 10);
}

/** As the API server writes it: what it spells otherwise would be a difference for ever. */
function cpu(thousandths: number): string {
  return thousandths % 1000 === 0 ? String(thousandths / 1000) : `${thousandths}m`;
}

function memory(mib: number): string {
  const units = ['Mi', 'Gi', 'Ti'];
  let at = 0;
  let amount = mib;
  for (; amount > 0 && amount % 1024 === 0 && at < units.length - 1; at++) amount /= 1024;
  return `${amount}${units[at]}`;
}
