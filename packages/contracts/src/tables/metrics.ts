/** What a manifest says about a metric: how it is recorded, the panels that show it, the alerts that watch it. */
import { z } from 'zod';

/** Grafana dashboards of each region: a metric's panels name theirs. */
export const DASHBOARDS = {
  overview: 'Overview',
  models: 'Models and arbitration',
  operations: 'Jobs and governance',
  bus: 'Event bus',
} as const;
type DashboardName = keyof typeof DASHBOARDS;

/** Bounds of histograms of how long something takes, in seconds. */
const DURATION_BUCKETS_S = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.8, 1.2, 2.5, 5, 10, 30, 60, 120,
] as const;

const Panel = z.strictObject({
  dashboard: z.enum(Object.keys(DASHBOARDS) as [DashboardName, ...DashboardName[]]),
  title: z.string().min(1),
  /** One line for each of their values; `service` or labels of the metric. */
  by: z.array(z.string()).readonly(),
  /** What labels must be; with an operator before it (`=~`, `!~`, `!=`) where it is not plain equality. */
  match: z.record(z.string(), z.string()).readonly().optional(),
});
export type Panel = z.infer<typeof Panel>;

/** A Prometheus rule. Its texts may say `$namespace` and `$region`, which stand for those of each region. */
const Alert = z.strictObject({
  name: z.string().regex(/^Mcp[A-Z]\w+$/, 'must be a name such as McpQueueFull'),
  /** Rules of one group are evaluated together. */
  group: z.string().regex(/^[a-z-]+$/),
  severity: z.enum(['critical', 'warning']),
  /** PromQL; every series in it is matched by `namespace="$namespace"`, for regions may share a Prometheus. */
  expr: z.string().includes('namespace="$namespace"'),
  /** How long it must hold. */
  for: z.string().regex(/^\d+[smh]$/),
  summary: z.string().min(1),
  description: z.string().min(1),
});
export type Alert = z.infer<typeof Alert>;

/** Labels that every series or every bucket has by itself. */
const RESERVED_LABELS: ReadonlySet<string> = new Set(['service', 'le']);

export const Metric = z
  .strictObject({
    type: z.enum(['counter', 'gauge', 'histogram']),
    /** Blueprint category. */
    category: z.enum([
      'service_request',
      'model_inference',
      'queue_depth',
      'token_io',
      'latency_histogram',
      'error_count',
      'cache_hit_ratio',
      'conversation',
      'governance',
      'event_bus',
    ]),
    unit: z.enum(['1', 's', 'bytes', 'tokens', 'USD', 'J', 'ratio']),
    /** Beside `service`, which every metric has. */
    labels: z.array(z.string().regex(/^[a-z_]+$/)).readonly(),
    help: z.string().min(1),
    /** Bounds of a histogram, ascending. */
    buckets: z.array(z.number()).readonly().optional(),
    /** True for a gauge of which each pod has a part: parts are added up. Otherwise pods have their view of one thing. */
    per_pod: z.literal(true).optional(),
    panels: z.array(Panel).min(1, 'must be on a dashboard: nobody looks at what is not shown').readonly(),
    alerts: z.array(Alert).readonly().optional(),
  })
  .superRefine(({ type, buckets, labels, panels }, context) => {
    const fault = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    if ((type === 'histogram') !== (buckets !== undefined))
      fault('buckets', 'a histogram has buckets, and nothing else does');
    if (buckets?.some((bound, at) => at > 0 && bound <= (buckets[at - 1] ?? 0)) === true)
      fault('buckets', 'must ascend: an observation is counted at the first bound that holds it');
    const taken = labels.find((label, at) => RESERVED_LABELS.has(label) || labels.indexOf(label) !== at);
    if (taken !== undefined)
      fault(
        'labels',
        `${taken} is taken: each label once, and ${[...RESERVED_LABELS].join(' and ')} are ours`,
      );
    const known = new Set(['service', ...labels]);
    for (const { title, by, match } of panels)
      for (const label of [...by, ...Object.keys(match ?? {})])
        if (!known.has(label))
          fault('panels', `'${title}' names the label ${label}; there are ${[...known].join(', ')}`);
  });
export type Metric = z.infer<typeof Metric>;

/** Metrics by name. */
export const MetricTable = z.record(z.string().regex(/^[a-z_]+$/), Metric).readonly();
export type MetricTable = z.infer<typeof MetricTable>;

/** Keeps the exact types of metrics that several manifests share; each manifest that names them checks them. */
export function defineMetrics<const M extends MetricTable>(metrics: M): M {
  return metrics;
}

/** What a row says beside its type, category and labels; its unit where it is not the usual one. */
type Row = Omit<z.input<typeof Metric>, 'type' | 'category' | 'labels' | 'unit' | 'buckets'> & {
  readonly unit?: Metric['unit'];
};
type Labels = readonly string[];
type Typed<T extends Metric['type'], L extends Labels> = Metric & { readonly type: T; readonly labels: L };

/** A metric that only grows. */
export function counter<const L extends Labels>(
  category: Metric['category'],
  labels: L,
  row: Row,
): Typed<'counter', L> {
  return { type: 'counter', category, unit: '1', labels, ...row };
}

/** A metric that says how much there is now. */
export function gauge<const L extends Labels>(
  category: Metric['category'],
  labels: L,
  row: Row,
): Typed<'gauge', L> {
  return { type: 'gauge', category, unit: '1', labels, ...row };
}

/** A metric of how often values were how large: of how long something took, unless it has a unit and buckets of its own. */
export function histogram<const L extends Labels>(
  category: Metric['category'],
  labels: L,
  row: Row & { readonly buckets?: readonly number[] },
): Typed<'histogram', L> & { readonly buckets: readonly number[] } {
  return { type: 'histogram', category, unit: 's', labels, buckets: DURATION_BUCKETS_S, ...row };
}
