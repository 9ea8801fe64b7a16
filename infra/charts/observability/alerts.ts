import type { ServiceManifest } from '@mcp/contracts';
import { type RegionContext, workloads } from '../../context.ts';
import { isPromoted } from '../workload/workload.ts';
import { gained, NOT_PROBES, quantile, rate, series } from './promql.ts';

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

type Severity = 'critical' | 'warning';
interface Rule {
  readonly severity: Severity;
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
/** Share of conversation turns whose context may lose its beginning before the budget is too small. */
const TRUNCATED_RATIO = 0.05;
/** Daily jobs, and two hours for a late start and a long run. */
const GOVERNANCE_AGE_H = 26;
const RESTARTS_PER_HOUR = 3;
const BUS_STORAGE_RATIO = 0.8;
const BUS_STREAM_RATIO = 0.9;
/** What to do, by alert. */
const BUS_RUNBOOK = 'docs/runbooks/event-bus.md';

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
      { name: 'mcp-conversations', rules: conversationRules(context) },
      { name: 'mcp-governance', rules: governanceRules(context) },
      { name: 'mcp-event-bus', rules: busRules(context) },
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

function conversationRules(context: RegionContext): AlertRule[] {
  const { namespace, name } = context.region;
  const actions = (phase?: string) =>
    `sum by (model) (${rate('token_budget_actions_total', phase === undefined ? { namespace } : { namespace, phase }, '30m')})`;
  return [
    rule(context, 'McpTokenBudgetOverflow', {
      severity: 'warning',
      expr: `${actions('truncated')} / ${actions()} > ${TRUNCATED_RATIO}`,
      for: '30m',
      summary: `Conversations with {{ $labels.model }} outgrow their token budget in ${name}.`,
      description: `{{ $value | humanizePercentage }} of the turns lose the beginning of their context; raise limits.max_tokens or switch TOKEN_BUDGET_SUMMARY_ENABLED on.`,
    }),
    rule(context, 'McpCostUnknown', {
      severity: 'warning',
      expr: `${gained('model_cost_unknown_total', { match: { namespace }, by: ['model'], window: '1h' })} > 0`,
      for: '5m',
      summary: `{{ $labels.model }} is used in ${name}, but its price is unknown.`,
      description: '{{ $value | humanize }} inferences within an hour are missing from the costs.',
    }),
  ];
}

function governanceRules(context: RegionContext): AlertRule[] {
  const { namespace, name } = context.region;
  const broken = gained('provenance_verifications_total', {
    match: { namespace, status: 'broken' },
    by: ['service'],
    window: '1h',
  });
  return [
    rule(context, 'McpChainVerificationFailed', {
      severity: 'critical',
      expr: `${broken} > 0`,
      for: '0m',
      summary: `A conversation log does not verify in ${name}.`,
      description:
        '{{ $labels.service }} found {{ $value | humanize }} hash chains broken within an hour. Its log names the conversations and the first broken entry.',
    }),
    rule(context, 'McpGovernanceRunMissing', {
      severity: 'critical',
      expr: governanceMissing(namespace),
      for: '15m',
      summary: `A governance job has not succeeded for ${GOVERNANCE_AGE_H} hours in ${name}.`,
      description:
        'GET /admin/governance shows the last run of each job and its findings; the log of governance says more.',
    }),
  ];
}

/**
 * Either the last success is old, or there is none although governance was there. A new pod knows of no run before
 * it, so the window looks back past restarts. `exported_job`: where the scraper claims `job` for itself.
 */
function governanceMissing(namespace: string): string {
  const age_s = GOVERNANCE_AGE_H * 3600;
  const runs = `max_over_time(${series('governance_last_success_timestamp_seconds', { namespace })}[${GOVERNANCE_AGE_H}h])`;
  const there = series('process_start_time_seconds', { namespace, service: 'governance' });
  return `(time() - max by (job, exported_job) (${runs}) > ${age_s}) or (count(${there} offset ${GOVERNANCE_AGE_H}h) unless on () count(${runs}))`;
}

/** Replicas that export the figures of the bus say the same: the largest counts. */
function busRules(context: RegionContext): AlertRule[] {
  const { namespace, name } = context.region;
  const used = `max by (server) (${series('bus_storage_used_bytes', { namespace })})`;
  const limit = `max by (server) (${series('bus_storage_limit_bytes', { namespace })})`;
  const bytes = `max by (stream) (${series('bus_stream_bytes', { namespace })})`;
  // The others make room by themselves, and are full most of the time.
  const size = `max by (stream) (${series('bus_stream_limit_bytes', { namespace, discard: 'new' })})`;
  const up = series('bus_up', { namespace });
  return [
    rule(context, 'McpBusStorageHigh', {
      severity: 'critical',
      expr: `${used} / ${limit} > ${BUS_STORAGE_RATIO}`,
      for: '5m',
      summary: `The event bus of ${name} runs out of storage.`,
      description: `{{ $labels.server }} has used {{ $value | humanizePercentage }} of what it may store. See ${BUS_RUNBOOK}.`,
    }),
    rule(context, 'McpBusStreamFull', {
      severity: 'critical',
      expr: `${bytes} / ${size} > ${BUS_STREAM_RATIO}`,
      for: '5m',
      summary: `{{ $labels.stream }} on the event bus of ${name} is nearly full.`,
      description: `It has {{ $value | humanizePercentage }} of its size; when full, it refuses writes. See ${BUS_RUNBOOK}.`,
    }),
    rule(context, 'McpBusFiguresMissing', {
      severity: 'warning',
      expr: `max(${up}) < 1 or absent(${up})`,
      for: '10m',
      summary: `There are no figures of the event bus of ${name}.`,
      description: `Either the bus does not answer governance, or nobody has the metrics of governance: whether the bus is full is not known. See ${BUS_RUNBOOK}.`,
    }),
  ];
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
