import type { Stack } from '@mcp/stacks';
import type { types } from '@pulumi/kubernetes';
import type { Chart } from 'cdk8s';
import { stringify } from 'yaml';
import { COLLECTOR, type RegionContext, selectorOf, workloads } from '../../context.ts';
import { add } from '../../kit/objects.ts';
import { CONTAINER_SECURITY, type Container, podTemplate, resourcesOf, type Size } from '../workload/pod.ts';

/** OTLP over HTTP, as every service sends it. */
export const COLLECTOR_PORT = 4318;
const METRICS_PORT = 8888;
const HEALTH_PORT = 13_133;
const DNS_PORT = 53;

/** Made by the operator where the stack declares OTLP hosts: the key `endpoint`, and `authorization` where it is asked for. */
const EXPORT_SECRET = 'mcp-otlp-export';
const ENDPOINT_VARIABLE = 'OTLP_EXPORT_ENDPOINT';
const AUTHORIZATION_VARIABLE = 'OTLP_EXPORT_AUTHORIZATION';
/** The collector's own substitution, when it starts. */
const fromEnvironment = (name: string) => `\${env:${name}}`;
const CONFIG_DIR = '/etc/collector';
export const COLLECTOR_SIZE: Size = {
  cpu_request: '100m',
  cpu_limit: '1',
  memory_request: '256Mi',
  memory_limit: '512Mi',
};

/** Long enough for the spans of one answer that streams; later ones follow the decision that was kept. */
const DECISION_WAIT_S = 30;
const MOST_TRACES = 20_000;
const MOST_DECISIONS = 200_000;
const SAMPLED_PERCENT = 10;
const MOST_SPANS_PER_BATCH = 2048;

/**
 * The OpenTelemetry Collector: keeps every trace with an error or slower than a service's objective, and a tenth of
 * the others. One replica, for a decision needs all spans of a trace; the services go on when it is away.
 */
export function collectorChart(chart: Chart, context: RegionContext): void {
  const config = stringify(collectorConfig(context));
  add(chart, 'account', {
    kind: 'ServiceAccount',
    metadata: { name: COLLECTOR },
    automountServiceAccountToken: false,
  });
  add(chart, 'service', {
    kind: 'Service',
    metadata: { name: COLLECTOR },
    spec: {
      type: 'ClusterIP',
      selector: selectorOf(COLLECTOR),
      ports: [
        { name: 'otlp-http', port: COLLECTOR_PORT, targetPort: 'otlp-http', appProtocol: 'http' },
        { name: 'metrics', port: METRICS_PORT, targetPort: 'metrics' },
      ],
    },
  });
  add(chart, 'deployment', {
    kind: 'Deployment',
    metadata: { name: COLLECTOR },
    spec: {
      replicas: 1,
      revisionHistoryLimit: 5,
      selector: { matchLabels: selectorOf(COLLECTOR) },
      template: podTemplate(context, {
        name: COLLECTOR,
        service_account: COLLECTOR,
        grace_s: DECISION_WAIT_S + 15,
        priority: 'infrastructure',
        files: { 'config.yaml': config },
        metrics_port: METRICS_PORT,
        containers: [containerOf(context)],
      }),
    },
  });
  addPolicy(chart, context);
}

/** What an operator must know of the collectors of a stack: nothing where traces are exported, or there are none. */
export function collectorWarning({ name, kubernetes }: Stack): string | undefined {
  if (!kubernetes.features.collector || kubernetes.egress.otlp.length > 0) return undefined;
  return `The collectors of ${name} export no traces: egress.otlp of the stack is empty, so they sample them, count them and let them go (npx mcp trace shows each for a week). Name the addresses of your OTLP server in stacks/${name}.ts and make the Secret ${EXPORT_SECRET} (docs/telemetry.md), or turn features.collector off.`;
}

/** Whether traces have somewhere to go; if not, the collector counts them and lets them go. */
function exports({ settings }: RegionContext): boolean {
  return settings.egress.otlp.length > 0;
}

/** The collector's configuration, before it is written as YAML. */
function collectorConfig(context: RegionContext): object {
  const exporter = exports(context) ? 'otlphttp' : 'debug';
  return {
    receivers: { otlp: { protocols: { http: { endpoint: `0.0.0.0:${COLLECTOR_PORT}` } } } },
    processors: {
      memory_limiter: { check_interval: '1s', limit_percentage: 80, spike_limit_percentage: 25 },
      'filter/probes': {
        error_mode: 'ignore',
        traces: { span: [PROBES] },
      },
      tail_sampling: {
        decision_wait: `${DECISION_WAIT_S}s`,
        num_traces: MOST_TRACES,
        decision_cache: {
          sampled_cache_size: MOST_DECISIONS,
          non_sampled_cache_size: MOST_DECISIONS,
        },
        policies: [
          { name: 'errors', type: 'status_code', status_code: { status_codes: ['ERROR'] } },
          {
            name: 'slow',
            type: 'ottl_condition',
            ottl_condition: { error_mode: 'ignore', span: slowConditions(context) },
          },
          {
            name: 'some',
            type: 'probabilistic',
            probabilistic: { sampling_percentage: SAMPLED_PERCENT },
          },
        ],
      },
      batch: { send_batch_max_size: MOST_SPANS_PER_BATCH, send_batch_size: MOST_SPANS_PER_BATCH },
    },
    exporters: exports(context)
      ? {
          otlphttp: {
            endpoint: fromEnvironment(ENDPOINT_VARIABLE),
            headers: { authorization: fromEnvironment(AUTHORIZATION_VARIABLE) },
          },
        }
      : { debug: { verbosity: 'basic' } },
    extensions: { health_check: { endpoint: `0.0.0.0:${HEALTH_PORT}` } },
    service: {
      extensions: ['health_check'],
      telemetry: {
        metrics: {
          readers: [{ pull: { exporter: { prometheus: { host: '0.0.0.0', port: METRICS_PORT } } } }],
        },
      },
      pipelines: {
        traces: {
          receivers: ['otlp'],
          processors: ['memory_limiter', 'filter/probes', 'tail_sampling', 'batch'],
          exporters: [exporter],
        },
      },
    },
  };
}

/** Probes and scrapes are most of the requests of an idle platform, and of no interest while they succeed. */
const PROBES =
  'status.code != STATUS_CODE_ERROR and IsMatch(attributes["http.route"], "^/(healthz|readyz|metrics)$")';

/** A request that took its service longer than the objective of its manifest (OTTL). */
function slowConditions({ stack }: RegionContext): string[] {
  return workloads(stack)
    .flatMap(({ inside }) => inside)
    .map(
      ({ name, slo }) =>
        `kind == SPAN_KIND_SERVER and resource.attributes["service.name"] == "${name}" and end_time_unix_nano - start_time_unix_nano > ${slo.p95_ms * 1_000_000}`,
    );
}

function containerOf(context: RegionContext): Container {
  const health = { httpGet: { path: '/', port: 'health' }, timeoutSeconds: 3 };
  const fromSecret = (name: string, key: string, optional: boolean) => ({
    name,
    valueFrom: { secretKeyRef: { name: EXPORT_SECRET, key, optional } },
  });
  return {
    name: COLLECTOR,
    image: context.images.other(context.settings.collector_image),
    imagePullPolicy: 'IfNotPresent',
    args: [`--config=${CONFIG_DIR}/config.yaml`],
    ...(exports(context)
      ? {
          env: [
            fromSecret(ENDPOINT_VARIABLE, 'endpoint', false),
            fromSecret(AUTHORIZATION_VARIABLE, 'authorization', true),
          ],
        }
      : {}),
    ports: [
      { name: 'otlp-http', containerPort: COLLECTOR_PORT },
      { name: 'metrics', containerPort: METRICS_PORT },
      { name: 'health', containerPort: HEALTH_PORT },
    ],
    resources: resourcesOf(context, COLLECTOR_SIZE),
    securityContext: CONTAINER_SECURITY,
    startupProbe: { ...health, periodSeconds: 2, failureThreshold: 30 },
    readinessProbe: { ...health, periodSeconds: 5 },
    livenessProbe: { ...health, periodSeconds: 15 },
    volumeMounts: [{ name: 'config', mountPath: CONFIG_DIR, readOnly: true }],
  };
}

type Egress = types.input.networking.v1.NetworkPolicyEgressRule;

/** Spans from the services that send them, out to the declared hosts. */
function addPolicy(chart: Chart, context: RegionContext): void {
  const { settings, stack } = context;
  const senders = workloads(stack)
    .filter(({ inside }) => inside.some(({ egress }) => egress.includes('otlp')))
    .map(({ manifest }) => ({ podSelector: { matchLabels: selectorOf(manifest.name) } }));
  const namespace = (name: string) => ({
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } },
  });
  const dns: Egress = {
    to: [{ ...namespace('kube-system'), podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } } }],
    ports: ['UDP', 'TCP'].map((protocol) => ({ protocol, port: DNS_PORT })),
  };
  const outside = settings.egress.otlp.map(
    ({ cidr, except, port }): Egress => ({
      to: [{ ipBlock: { cidr, ...(except.length === 0 ? {} : { except }) } }],
      ports: [{ protocol: 'TCP', port }],
    }),
  );
  add(chart, 'network', {
    kind: 'NetworkPolicy',
    metadata: { name: COLLECTOR },
    spec: {
      podSelector: { matchLabels: selectorOf(COLLECTOR) },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        { from: senders, ports: [{ protocol: 'TCP', port: COLLECTOR_PORT }] },
        {
          from: [namespace(settings.monitoring_namespace)],
          ports: [{ protocol: 'TCP', port: METRICS_PORT }],
        },
      ],
      ...(outside.length === 0 ? {} : { egress: [dns, ...outside] }),
    },
  });
}
