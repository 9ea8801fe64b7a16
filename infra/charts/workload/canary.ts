import { NOT_PROBES } from '@mcp/service-kit/manifest';
import type { Chart } from 'cdk8s';
import { ServiceAccount } from 'cdk8s-plus-28';
import { labelsOf, type RegionContext, selectorOf, type Workload, workloads } from '../../context.ts';
import { addCustom } from '../../kit/objects.ts';
import { type Match, quantile, rate, series } from '../observability/promql.ts';
import { environmentOf } from './environment.ts';
import { addDeployment, addService, httpService, isPromoted, isScaled } from './workload.ts';

/**
 * The gateway's canary: a Deployment and Service of its own, to which the edge sends a share of the requests.
 * Image, flags and limits are the stable one's but where the stack says otherwise. It asks whatever pods of core there
 * are, so that a core under analysis has requests of users, too.
 */
export function gatewayCanaryChart(chart: Chart, context: RegionContext, workload: Workload): void {
  const { name } = workload.manifest;
  const tried = triedIn(context);
  const promoted = workloads(context.stack).filter((one) => isPromoted(context, one));
  const environment = environmentOf(
    tried,
    workload,
    Object.fromEntries(promoted.map(({ manifest }) => [manifest.name, anyOf(manifest.name)])),
  );
  addDeployment(chart, tried, {
    workload,
    account: ServiceAccount.fromServiceAccountName(chart, 'account', name),
    environment,
    track: 'canary',
  });
  addService(chart, context, { workload, track: 'canary' });
}

/** The region with what the stack says of its canary. */
function triedIn(context: RegionContext): RegionContext {
  const { stack, settings, images } = context;
  const { image, features, limits } = settings.canary;
  return {
    ...context,
    stack: {
      ...stack,
      features: { ...stack.features, ...features },
      limits: Object.assign({ ...stack.limits }, limits),
    },
    images: {
      service: (name) =>
        image === undefined
          ? images.service(name)
          : `${settings.images.repository}/${name}${image.startsWith('sha256:') ? '@' : ':'}${image}`,
      other: (name) => images.other(name),
    },
  };
}

/** Service in front of the promoted pods and those under analysis. */
const anyOf = (name: string) => `${name}-any`;
/** Prometheus must have scraped a pod a few times in it. */
const WINDOW = '1m';
/** A new version slower than the objective is kept back only if it is by so much slower than what runs now. */
const SLOWER = 1.5;

/**
 * What the pods under analysis are judged by: requests of users, probes left out. Without any they are fine as long as
 * they are scraped (their probes are counted); not scraped, there is no value, and Flagger counts that as a failure.
 */
function metricsOf(namespace: string, name: string): Readonly<Record<'success-rate' | 'p95-ms', string>> {
  const generated = '[0-9a-z]+-[0-9a-z]+';
  const all = { namespace, service: name, pod: `=~${name}-${generated}` };
  const users = { ...all, endpoint: NOT_PROBES };
  const sum = (match: Match<'service_requests_total'>) =>
    `sum(${rate('service_requests_total', match, WINDOW)})`;
  const p95 = (pod: string) =>
    quantile(0.95, 'service_request_duration_seconds', {
      match: { ...users, pod },
      by: [],
      window: WINDOW,
    });
  const scraped = `and on () count(${series('service_requests_total', all)})`;
  const running = `${SLOWER} * ${p95(`=~${name}-primary-${generated}`)}`;
  const own = p95(users.pod);
  return {
    'success-rate': `(100 * (1 - (${sum({ ...users, status: '=~5..' })} or vector(0)) / (${sum(users)} > 0)) or vector(100)) ${scraped}`,
    'p95-ms': `(1000 * (${own} unless on () (${own} <= ${running})) >= 0 or vector(0)) ${scraped}`,
  };
}

function addMetrics(chart: Chart, { region, settings }: RegionContext, name: string): void {
  for (const [metric, query] of Object.entries(metricsOf(region.namespace, name)))
    addCustom(chart, `metric-${metric}`, {
      apiVersion: 'flagger.app/v1beta1',
      kind: 'MetricTemplate',
      metadata: { name: `${name}-${metric}` },
      spec: {
        provider: {
          type: 'prometheus',
          // The Prometheus Operator names the Service of every Prometheus that it runs.
          address: `http://${settings.features.service_monitor ? 'prometheus-operated' : 'prometheus'}.${settings.monitoring_namespace}:9090`,
        },
        query,
      },
    });
}

/** A new version of core is promoted by Flagger once it has held its objectives: blue/green, for its callers are pods. */
export function promotionChart(chart: Chart, context: RegionContext, workload: Workload): void {
  const { manifest } = workload;
  const { name, slo } = manifest;
  const { settings } = context;
  addMetrics(chart, context, name);
  httpService(chart, 'service-any', {
    metadata: {
      name: anyOf(name),
      labels: { ...labelsOf(context, name), 'app.kubernetes.io/name': anyOf(name) },
    },
    selector: selectorOf(name),
    ports: [{ name: 'http', port: manifest.port }],
  });
  addCustom(chart, 'promotion', {
    apiVersion: 'flagger.app/v1beta1',
    kind: 'Canary',
    metadata: { name },
    spec: {
      provider: 'kubernetes',
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      ...(isScaled(context, workload)
        ? { autoscalerRef: { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', name } }
        : {}),
      progressDeadlineSeconds: 600,
      // Without Flagger the Deployment has its replicas again, and the Service its pods.
      revertOnDeletion: true,
      service: {
        name,
        port: manifest.port,
        targetPort: manifest.port,
        portName: 'http',
        appProtocol: 'http',
      },
      analysis: {
        interval: `${settings.promotion.interval_s}s`,
        threshold: settings.promotion.threshold,
        iterations: settings.promotion.iterations,
        metrics: [
          {
            name: 'success-rate',
            templateRef: { name: `${name}-success-rate` },
            thresholdRange: { min: 100 * (1 - slo.error_ratio) },
            interval: WINDOW,
          },
          {
            name: 'p95-ms',
            templateRef: { name: `${name}-p95-ms` },
            thresholdRange: { max: slo.p95_ms },
            interval: WINDOW,
          },
        ],
      },
    },
  });
}
