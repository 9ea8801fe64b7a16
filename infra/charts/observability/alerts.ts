import type { Alert, Metric, ServiceManifest } from '@mcp/contracts';
import { NOT_PROBES } from '@mcp/service-kit/manifest';
import { METRICS } from '@mcp/stacks';
import { type RegionContext, workloads } from '../../context.ts';
import { isPromoted } from '../workload/workload.ts';
import { quantile, rate, series } from './promql.ts';

interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: { readonly summary: string; readonly description: string };
}

/** Prometheus' rule file format, which is also the spec of a PrometheusRule. */
export interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly AlertRule[] }[];
}

interface Rule {
  readonly severity: Alert['severity'];
  readonly expr: string;
  /** How long it must hold. */
  readonly for: string;
  readonly summary: string;
  readonly description: string;
  readonly labels?: Record<string, string>;
}

const WINDOW = '10m';
/** Fewer requests in the window say nothing about a percentile or a share. */
const FEWEST_REQUESTS = 20;
const RESTARTS_PER_HOUR = 3;

/** What wakes someone up: objectives of the manifests, the queue, budgets, integrity and policies of one region. */
export function alertRules(context: RegionContext): RuleFile {
  const manifests = workloads(context.stack).flatMap(({ inside }) => inside);
  return {
    groups: [
      {
        name: 'mcp-objectives',
        rules: manifests.flatMap((manifest) => objectivesOf(context, manifest)),
      },
      { name: 'mcp-jobs', rules: manifests.flatMap((manifest) => queueOf(context, manifest)) },
      ...declaredRules(context),
      {
        name: 'mcp-promotion',
        rules: workloads(context.stack)
          .filter((workload) => isPromoted(context, workload))
          .flatMap(({ manifest }) => promotionRules(context, manifest)),
      },
      { name: 'mcp-cluster', rules: clusterRules(context) },
    ],
  };
}

function rule({ stack, region }: RegionContext, alert: string, of: Rule): AlertRule {
  return {
    alert,
    expr: of.expr,
    for: of.for,
    labels: { severity: of.severity, stack: stack.name, region: region.name, ...of.labels },
    annotations: { summary: of.summary, description: of.description },
  };
}

function objectivesOf(context: RegionContext, { name, slo }: ServiceManifest): AlertRule[] {
  const at = { namespace: context.region.namespace, service: name, endpoint: NOT_PROBES };
  const requests = `sum by (service) (${rate('service_requests_total', at, WINDOW)})`;
  const failed = `sum by (service) (${rate('service_requests_total', { ...at, status: '=~5..' }, WINDOW)})`;
  const p95 = quantile(0.95, 'service_request_duration_seconds', {
    match: at,
    by: ['service'],
    window: WINDOW,
  });
  const enough = `sum by (service) (increase(${series('service_requests_total', at)}[${WINDOW}])) >= ${FEWEST_REQUESTS}`;
  const labels = { service: name };
  return [
    rule(context, 'McpLatencyHigh', {
      severity: 'warning',
      expr: `(${p95} > ${slo.p95_ms / 1000}) and (${enough})`,
      for: '10m',
      summary: `${name} answers slowly in ${context.region.name}.`,
      description: `95 % of its requests take up to {{ $value | humanizeDuration }}; the objective is ${slo.p95_ms} ms.`,
      labels,
    }),
    rule(context, 'McpErrorRateHigh', {
      severity: 'critical',
      expr: `(${failed} / ${requests} > ${slo.error_ratio}) and (${enough})`,
      for: '5m',
      summary: `${name} fails too often in ${context.region.name}.`,
      description: `{{ $value | humanizePercentage }} of its requests end with a 5xx; the objective is ${slo.error_ratio * 100} %.`,
      labels,
    }),
  ];
}

/** More waits than the largest number of replicas is meant to have: scaling does not help any more. */
function queueOf(context: RegionContext, { name, scaling }: ServiceManifest): AlertRule[] {
  if (scaling.on !== 'queue') return [];
  const most = scaling.target_messages * scaling.max;
  const pending = series('job_queue_depth', {
    namespace: context.region.namespace,
    service: name,
    phase: 'pending',
  });
  return [
    rule(context, 'McpJobQueueLag', {
      severity: 'warning',
      expr: `max by (service) (${pending}) > ${most}`,
      for: '10m',
      summary: `Jobs wait for ${name} in ${context.region.name}.`,
      description: `{{ $value }} jobs are pending; ${scaling.max} replicas are meant for ${most} (${scaling.target_messages} each).`,
    }),
  ];
}

/** What manifests say of their metrics, with the names of a region. */
function declaredRules(context: RegionContext): RuleFile['groups'] {
  const { namespace, name } = context.region;
  const said = (text: string) => text.replaceAll('$namespace', namespace).replaceAll('$region', name);
  const alerts = Object.values<Metric>(METRICS).flatMap((metric) => metric.alerts ?? []);
  return [...Map.groupBy(alerts, ({ group }) => group)].map(([group, rules]) => ({
    name: `mcp-${group}`,
    rules: rules.map((one) =>
      rule(context, one.name, {
        severity: one.severity,
        expr: said(one.expr),
        for: one.for,
        summary: said(one.summary),
        description: said(one.description),
      }),
    ),
  }));
}

/** A Canary that never came out of Initializing has no status at all: Flagger counts it, and that is all it says. */
function promotionRules(context: RegionContext, { name }: ServiceManifest): AlertRule[] {
  const { namespace } = context.region;
  const either = (metric: 'flagger_canary_status' | 'flagger_canary_total', match: { name?: string }) =>
    `(${series(metric, { ...match, namespace })} or ${series(metric, { ...match, exported_namespace: namespace })})`;
  const status = either('flagger_canary_status', { name });
  const labels = { service: name };
  const how = `kubectl --namespace ${namespace} describe canary ${name}`;
  return [
    rule(context, 'McpPromotionHangs', {
      severity: 'critical',
      expr: `max(${either('flagger_canary_total', {})}) > 0 unless on () ${status}`,
      for: '15m',
      summary: `Flagger does not get ${name} out of Initializing in ${context.region.name}.`,
      description: `No version of ${name} is promoted, and none will be. ${how} says what it waits for.`,
      labels,
    }),
    rule(context, 'McpPromotionSlow', {
      severity: 'warning',
      expr: `max(${status}) == 0`,
      for: '1h',
      summary: `A new version of ${name} has been under analysis for an hour in ${context.region.name}.`,
      description: `It is neither promoted nor rolled back. ${how} says what it waits for.`,
      labels,
    }),
    rule(context, 'McpPromotionFailed', {
      severity: 'warning',
      expr: `max(${status}) == 2`,
      for: '0m',
      summary: `A new version of ${name} was rolled back in ${context.region.name}.`,
      description: `It did not hold its objectives; the version before it serves on. ${how} says which failed.`,
      labels,
    }),
  ];
}

function clusterRules(context: RegionContext): AlertRule[] {
  const { region, settings } = context;
  const restarts = series('kube_pod_container_status_restarts_total', { namespace: region.namespace });
  return [
    rule(context, 'McpPodRestarts', {
      severity: 'warning',
      expr: `sum by (pod, container) (increase(${restarts}[1h])) > ${RESTARTS_PER_HOUR}`,
      for: '5m',
      summary: `{{ $labels.pod }} starts again and again in ${region.name}.`,
      description:
        'Its container {{ $labels.container }} restarted {{ $value | humanize }} times in an hour.',
    }),
    ...(settings.features.gatekeeper
      ? [
          rule(context, 'McpPolicyViolated', {
            severity: 'critical',
            expr: `max by (enforcement_action) (${series('gatekeeper_violations', {})}) > 0`,
            for: '5m',
            summary: `Objects in the cluster of ${region.name} break an admission policy.`,
            description:
              "Gatekeeper's audit counts {{ $value }} ({{ $labels.enforcement_action }}). kubectl get constraints shows which.",
          }),
        ]
      : []),
  ];
}
