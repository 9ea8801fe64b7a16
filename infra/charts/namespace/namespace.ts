import type { Chart } from 'cdk8s';
import { Namespace } from 'cdk8s-plus-28';
import { labelsOf, type RegionContext } from '../../context.ts';
import { add } from '../../kit/objects.ts';

/** Under pressure batch work goes first, what answers users last. Names are cluster-wide: each region has its own. */
const PRIORITIES = { serving: 100_000, infrastructure: 200_000, batch: 1000 } as const;
export type Priority = keyof typeof PRIORITIES;

export function priorityClassOf({ stack, region }: RegionContext, priority: Priority): string {
  return `mcp-${stack.name}-${region.name}-${priority}`;
}

/** The region's namespace, held to Pod Security `restricted`, and the priorities of what runs in it. */
export function namespaceChart(chart: Chart, context: RegionContext): void {
  const { region } = context;
  new Namespace(chart, 'namespace', {
    metadata: {
      name: region.namespace,
      labels: {
        ...labelsOf(context, 'namespace'),
        'pod-security.kubernetes.io/enforce': 'restricted',
        'pod-security.kubernetes.io/warn': 'restricted',
        'pod-security.kubernetes.io/audit': 'restricted',
        // The signature policy looks only at namespaces that say so.
        ...(context.settings.features.image_signatures ? { 'policy.sigstore.dev/include': 'true' } : {}),
      },
    },
  });
  for (const [name, value] of Object.entries(PRIORITIES))
    add(chart, `priority-${name}`, {
      kind: 'PriorityClass',
      metadata: { name: priorityClassOf(context, name as Priority) },
      value,
      preemptionPolicy: name === 'batch' ? 'Never' : 'PreemptLowerPriority',
      description: `Multi-Component Platform, ${region.name}: ${name}.`,
    });
}
