import type { MetricName, Metrics } from '@mcp/stacks';

type Row<N extends MetricName> = Metrics[N];
export type NameOf<T extends 'counter' | 'gauge' | 'histogram'> = {
  [N in MetricName]: Row<N>['type'] extends T ? N : never;
}[MetricName];

/** Series of others that rules look at, with the labels that we use of them. */
export const OTHERS = {
  /** Flagger's; `exported_namespace` where the scraper claims `namespace` for itself. 0: in analysis, 1: promoted, 2: failed. */
  flagger_canary_status: ['namespace', 'exported_namespace', 'name'],
  flagger_canary_total: ['namespace', 'exported_namespace'],
  /** Gatekeeper's audit: objects that break a constraint, of the whole cluster. */
  gatekeeper_violations: ['enforcement_action'],
  /** kube-state-metrics. */
  kube_pod_container_status_restarts_total: ['namespace', 'pod', 'container'],
  /** Every service has it from its first moment, for its metrics come with those of the process. */
  process_start_time_seconds: ['namespace', 'service'],
} as const satisfies Record<string, readonly string[]>;
type Other = keyof typeof OTHERS;

/** Labels that a series carries beside its own: the service, and where Prometheus found it. */
export const TARGET_LABELS = ['namespace', 'pod', 'service'] as const;
export type LabelOf<N extends MetricName | Other> =
  | (N extends MetricName ? Row<N>['labels'][number] | (typeof TARGET_LABELS)[number] : never)
  | (N extends Other ? (typeof OTHERS)[N][number] : never);
/** What a label must be; with an operator before it (`=~`, `!~`, `!=`) where it is not plain equality. */
export type Match<N extends MetricName | Other> = Readonly<Partial<Record<LabelOf<N>, string>>>;

/** A selector of series. Names and labels are those of the taxonomy, so that a renamed metric breaks the build. */
export function series<N extends MetricName | Other>(name: N, match: Match<N>): string {
  return selector(name, match);
}

/** Growth per second of a counter. */
export function rate<N extends NameOf<'counter'>>(name: N, match: Match<N>, window: string): string {
  return `rate(${selector(name, match)}[${window}])`;
}

/** Quantile of a histogram, in its unit, per combination of `by`. */
export function quantile<N extends NameOf<'histogram'>>(
  q: number,
  name: N,
  options: { match: Match<N>; by: readonly LabelOf<N>[]; window: string },
): string {
  const buckets = selector(`${name}_bucket`, options.match);
  return `histogram_quantile(${q}, sum by (${['le', ...options.by].join(', ')}) (rate(${buckets}[${options.window}])))`;
}

function selector(name: string, match: Readonly<Record<string, string | undefined>>): string {
  const matchers = Object.entries(match).flatMap(([label, value]) => {
    if (value === undefined) return [];
    const [, operator = '=', text = ''] = /^(=~|!~|!=)?(.*)$/s.exec(value) ?? [];
    return [`${label}${operator}${JSON.stringify(text)}`];
  });
  return matchers.length === 0 ? name : `${name}{${matchers.join(',')}}`;
}
