import type { Chart } from 'cdk8s';
import { type RegionContext, selectorOf, type Workload } from '../context.ts';
import { add, addCustom } from '../kit/objects.ts';
import { environmentOf } from './environment.ts';
import { addService, templateOf } from './workload.ts';

/** The gateway's canary: a Deployment and Service of its own, to which the edge sends a share of the requests. */
export function gatewayCanaryChart(chart: Chart, context: RegionContext, workload: Workload): void {
  const { name } = workload.manifest;
  add(chart, 'deployment-canary', {
    kind: 'Deployment',
    metadata: { name: `${name}-canary` },
    spec: {
      replicas: 1,
      revisionHistoryLimit: 5,
      selector: {
        matchLabels: { 'app.kubernetes.io/name': name, ...selectorOf(name), 'mcp.platform/track': 'canary' },
      },
      template: templateOf(context, workload, {
        environment: environmentOf(context, workload),
        track: 'canary',
      }),
    },
  });
  addService(chart, context, { workload, track: 'canary' });
}

const METRICS = (namespace: string, name: string) => ({
  'success-rate': `100 * (1 - (sum(rate(service_requests_total{service="${name}",status=~"5..",namespace="${namespace}"}[{{ interval }}])) or vector(0)) / sum(rate(service_requests_total{service="${name}",namespace="${namespace}"}[{{ interval }}])))`,
  'p95-ms': `1000 * histogram_quantile(0.95, sum(rate(service_request_duration_seconds_bucket{service="${name}",namespace="${namespace}"}[{{ interval }}])) by (le))`,
});

/** A new version of core is promoted by Flagger once it has held its objectives: blue/green, for its callers are pods. */
export function promotionChart(chart: Chart, context: RegionContext, workload: Workload): void {
  const { manifest } = workload;
  const { name, slo } = manifest;
  const { namespace } = context.region;
  for (const [metric, query] of Object.entries(METRICS(namespace, name)))
    addCustom(chart, `metric-${metric}`, {
      apiVersion: 'flagger.app/v1beta1',
      kind: 'MetricTemplate',
      metadata: { name: `${name}-${metric}` },
      spec: {
        provider: {
          type: 'prometheus',
          address: `http://prometheus.${context.settings.monitoring_namespace}:9090`,
        },
        query,
      },
    });
  addCustom(chart, 'promotion', {
    apiVersion: 'flagger.app/v1beta1',
    kind: 'Canary',
    metadata: { name },
    spec: {
      provider: 'kubernetes',
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      autoscalerRef: { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', name },
      progressDeadlineSeconds: 600,
      service: {
        name,
        port: manifest.port,
        targetPort: manifest.port,
        portName: 'http',
        appProtocol: 'http',
      },
      analysis: {
        interval: '30s',
        threshold: 3,
        iterations: 10,
        metrics: [
          {
            name: 'success-rate',
            templateRef: { name: `${name}-success-rate` },
            thresholdRange: { min: 100 * (1 - slo.error_ratio) },
            interval: '1m',
          },
          {
            name: 'p95-ms',
            templateRef: { name: `${name}-p95-ms` },
            thresholdRange: { max: slo.p95_ms },
            interval: '1m',
          },
        ],
      },
    },
  });
}
