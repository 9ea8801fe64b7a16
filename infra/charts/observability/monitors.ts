import type { Chart } from 'cdk8s';
import { ConfigMap } from 'cdk8s-plus-28';
import { type RegionContext, workloads } from '../../context.ts';
import { addCustom } from '../../kit/objects.ts';
import { running } from '../dependency/place.ts';
import { METRICS_PORT_NAME } from '../workload/pod.ts';
import { isPromoted } from '../workload/workload.ts';
import { alertRules } from './alerts.ts';
import { dashboards } from './dashboards.ts';

const API = 'monitoring.coreos.com/v1';
const RULES = 'mcp-alert-rules';
/** The chart kube-prometheus-stack, installed as `prometheus`, takes up what carries this label. */
const RELEASE = { release: 'prometheus' };
/** What Grafana's sidecar looks for. */
const DASHBOARD = { grafana_dashboard: '1' };

/** Alert rules, dashboards and what the Prometheus Operator scrapes; without the operator, the rules as a file. */
export function observabilityChart(chart: Chart, context: RegionContext): void {
  const { settings } = context;
  const rules = alertRules(context);
  if (settings.features.service_monitor) {
    addCustom(chart, 'rules', {
      apiVersion: API,
      kind: 'PrometheusRule',
      metadata: { name: RULES, labels: RELEASE },
      spec: rules,
    });
    addMonitors(chart, context);
  } else
    new ConfigMap(chart, 'rules', {
      metadata: { name: RULES },
      // JSON is YAML, and nothing in it has to be escaped twice.
      data: { 'rules.yaml': json(rules) },
    });
  for (const [name, dashboard] of Object.entries(dashboards(context)))
    new ConfigMap(chart, `dashboard-${name}`, {
      metadata: { name: `mcp-dashboard-${name}`, labels: DASHBOARD },
      data: { [`mcp-${name}.json`]: json(dashboard) },
    });
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

interface Endpoint {
  /** Port of the Service, or by `targetPort` of the container, which the Service need not name. */
  readonly port?: string;
  readonly targetPort?: string;
}

interface Monitor {
  /** `app.kubernetes.io/name` of the Services. */
  readonly services: readonly string[];
  readonly endpoints: readonly Endpoint[];
}

function addMonitors(chart: Chart, context: RegionContext): void {
  addMonitor(chart, 'mcp-services', servicesMonitor(context));
  for (const { name, runs } of running(context.stack))
    if (runs.metrics !== undefined)
      addMonitor(chart, `mcp-${name}`, { services: [name], endpoints: [{ port: runs.metrics.port }] });
}

/** Flagger's Services are named and labelled `core` (the promoted pods), `core-primary` (the same) and `core-canary`. */
function servicesMonitor(context: RegionContext): Monitor {
  const all = workloads(context.stack);
  const names = all.flatMap((workload) => {
    const { name } = workload.manifest;
    return isPromoted(context, workload) ? [name, `${name}-canary`] : [name];
  });
  return { services: names, endpoints: [{ targetPort: METRICS_PORT_NAME }] };
}

function addMonitor(chart: Chart, name: string, monitor: Monitor): void {
  addCustom(chart, `monitor-${name}`, {
    apiVersion: API,
    kind: 'ServiceMonitor',
    metadata: { name, labels: RELEASE },
    spec: {
      selector: {
        matchExpressions: [
          { key: 'app.kubernetes.io/name', operator: 'In', values: [...monitor.services].sort() },
        ],
      },
      endpoints: monitor.endpoints.map((endpoint) => ({
        ...endpoint,
        path: '/metrics',
        interval: '15s',
        // Our metrics name their service and job themselves.
        honorLabels: true,
      })),
    },
  });
}
