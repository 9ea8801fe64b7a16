import { readFileSync } from 'node:fs';
import type { Metric } from '@mcp/contracts';
import { type KubernetesSettings, METRICS, type Stack, services, stacks } from '@mcp/stacks';
import { parser } from '@prometheus-io/lezer-promql';
import { App, Chart } from 'cdk8s';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { dependencyChart } from '../charts/dependency/chart.ts';
import { collectorWarning } from '../charts/dependency/collector.ts';
import { portOf, runningOne } from '../charts/dependency/place.ts';
import { networkChart } from '../charts/namespace/network.ts';
import { alertRules } from '../charts/observability/alerts.ts';
import { dashboards } from '../charts/observability/dashboards.ts';
import { observabilityChart } from '../charts/observability/monitors.ts';
import { OTHERS, TARGET_LABELS } from '../charts/observability/promql.ts';
import { labelsOf, type RegionContext, selectorOf, workloads } from '../context.ts';
import { type KubernetesObject, objectsOf, podsOf, record, STACKS } from './stacks.ts';

/** What may be matched or grouped by, per series that exists. */
const KNOWN = new Map<string, readonly string[]>(Object.entries(OTHERS));
for (const [name, { type, labels }] of Object.entries<Metric>(METRICS)) {
  const own = [...labels, ...TARGET_LABELS];
  if (type !== 'histogram') KNOWN.set(name, own);
  else {
    KNOWN.set(`${name}_bucket`, [...own, 'le']);
    for (const part of ['sum', 'count']) KNOWN.set(`${name}_${part}`, own);
  }
}

type Tree = ReturnType<typeof parser.parse>;
type Node = Tree['topNode'];

/** What is wrong with an expression: its syntax, a series that nobody exports, or a label that the series lacks. */
function faultsOf(expr: string): string[] {
  const text = expr.replaceAll('$__rate_interval', '5m');
  const faults: string[] = [];
  const textOf = (node: Node) => text.slice(node.from, node.to);
  const namesIn = (node: Node, type: string) => nodesIn(node, type).map(textOf);
  const top = parser.parse(text).topNode;
  for (const node of nodesIn(top)) {
    if (node.type.isError) faults.push(`syntax at ${node.from} of ${text}`);
    if (node.name === 'VectorSelector') {
      const [name = ''] = namesIn(node, 'Identifier');
      const labels = KNOWN.get(name);
      if (labels === undefined) faults.push(`no series ${name}`);
      else
        for (const label of namesIn(node, 'LabelName'))
          if (!labels.includes(label)) faults.push(`${name} has no label ${label}`);
    }
    if (node.name === 'AggregateExpr') {
      const modifier = node.getChild('AggregateModifier');
      const grouped = modifier === null ? [] : namesIn(modifier, 'LabelName');
      for (const name of namesIn(node, 'Identifier'))
        for (const label of grouped.map((one) => one.replace(/^exported_/, '')))
          if (KNOWN.get(name)?.includes(label) === false) faults.push(`${name} has no label ${label}`);
    }
  }
  return faults;
}

function nodesIn(top: Node, type?: string): Node[] {
  const found = type === undefined || top.name === type ? [top] : [];
  for (let child = top.firstChild; child !== null; child = child.nextSibling)
    found.push(...nodesIn(child, type));
  return found;
}

function contextOf(name: string, change: Partial<KubernetesSettings> = {}): RegionContext {
  const stack = stacks[name] as Stack;
  const settings = { ...stack.kubernetes, ...change };
  const [region] = stack.regions;
  if (region === undefined) throw new Error(`the stack ${name} has no region`);
  return {
    stack: { ...stack, kubernetes: settings },
    region,
    settings,
    images: { service: (service) => service, other: (image) => image },
    secrets: new Set(),
  };
}

function chartOf(
  build: (chart: Chart, context: RegionContext) => void,
  context: RegionContext,
): KubernetesObject[] {
  const chart = new Chart(new App(), 'test', { disableResourceNameHashes: true });
  build(chart, context);
  return chart.toJson() as KubernetesObject[];
}

const dataOf = (object: KubernetesObject | undefined) => (object?.data ?? {}) as Record<string, string>;
const rulesOf = (context: RegionContext) => alertRules(context).groups.flatMap(({ rules }) => rules);

describe('the check of expressions', () => {
  it.each([
    ['sum(rate(jobs_total[5m])', 'syntax'],
    ['sum(rate(jobs_totals[5m]))', 'no series jobs_totals'],
    ['sum(rate(jobs_total{model="x"}[5m]))', 'jobs_total has no label model'],
    ['sum by (model) (rate(jobs_total[5m]))', 'jobs_total has no label model'],
    ['rate(job_duration_seconds[5m])', 'no series job_duration_seconds'],
  ])('finds what is wrong with %s', (expr, fault) => {
    expect(faultsOf(expr).join()).toContain(fault);
  });
});

describe.each(STACKS)('alert rules of the stack %s', (name) => {
  const context = contextOf(name);
  const rules = rulesOf(context);

  it('look only at series and labels that exist', () => {
    expect(rules.flatMap(({ expr }) => faultsOf(expr))).toEqual([]);
  });

  it('hold every service to the objectives of its manifest', () => {
    for (const { name: service, slo } of workloads(context.stack).map(({ manifest }) => manifest)) {
      const of = (alert: string) =>
        rules.find((one) => one.alert === alert && one.labels.service === service);
      expect(of('McpLatencyHigh')?.expr).toContain(`> ${slo.p95_ms / 1000})`);
      expect(of('McpErrorRateHigh')?.expr).toContain(`> ${slo.error_ratio})`);
    }
  });

  it('are told apart by name and service, and say what to do', () => {
    const names = rules.map(({ alert, labels }) => `${alert} ${labels.service}`);
    expect(new Set(names).size).toBe(names.length);
    for (const { alert, annotations, labels } of rules) {
      expect(labels, alert).toMatchObject({ region: context.region.name, stack: name });
      expect(annotations.summary.length * annotations.description.length, alert).toBeGreaterThan(0);
    }
  });

  it('tell regions in one cluster apart', () => {
    for (const { alert, expr } of rules)
      if (!expr.includes('gatekeeper_violations'))
        expect(expr, alert).toContain(`namespace="${context.region.namespace}"`);
  });
});

it('every alert that the platform promises is there', () => {
  const names = new Set(rulesOf(contextOf('prod')).map(({ alert }) => alert));
  const declared = Object.values<Metric>(METRICS).flatMap(({ alerts = [] }) => alerts.map((one) => one.name));
  const promised = [
    'McpBusFiguresMissing',
    'McpBusStorageHigh',
    'McpBusStreamFull',
    'McpChainVerificationFailed',
    'McpCostUnknown',
    'McpErrorRateHigh',
    'McpGovernanceRunMissing',
    'McpJobQueueLag',
    'McpLatencyHigh',
    'McpPodRestarts',
    'McpPolicyViolated',
    'McpPromotionFailed',
    'McpPromotionHangs',
    'McpPromotionSlow',
    'McpTokenBudgetOverflow',
  ];
  expect([...names].sort()).toEqual([...new Set([...promised, ...declared])].sort());
});

it('an alert that names a runbook has its part there', () => {
  for (const { alert, annotations } of rulesOf(contextOf('prod'))) {
    const [, path] = /\b(docs\/runbooks\/[\w-]+\.md)/.exec(annotations.description) ?? [];
    if (path === undefined) continue;
    const text = readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
    expect(text, alert).toContain(`\n## ${alert}\n`);
  }
});

describe('dashboards', () => {
  const all = Object.values(dashboards(contextOf('prod')));

  it('have a name of their own in every region, and panels that do not overlap', () => {
    const regions = stacks.prod?.regions ?? [];
    const uids = regions.flatMap((region) =>
      Object.values(dashboards({ ...contextOf('prod'), region })).map(({ uid }) => uid),
    );
    expect(new Set(uids).size).toBe(4 * regions.length);
    for (const { panels } of all) {
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
      expect(new Set(panels.map(({ gridPos: { x, y } }) => `${x} ${y}`)).size).toBe(panels.length);
      for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    }
  });

  it('ask only for series and labels that exist', () => {
    const targets = all.flatMap(({ panels }) => panels.flatMap((panel) => panel.targets));
    expect(targets.flatMap(({ expr }) => faultsOf(expr))).toEqual([]);
    for (const { expr, legendFormat } of targets)
      for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
        expect(expr).toMatch(new RegExp(`by \\([^)]*\\b${label}\\b`));
  });

  it('show every metric of the taxonomy', () => {
    const shown = all.flatMap(({ panels }) =>
      panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    );
    const missing = Object.keys(METRICS).filter(
      (name) => !shown.some((expr) => new RegExp(`\\b${name}(_bucket)?\\{`).test(expr)),
    );
    expect(missing).toEqual([]);
  });
});

describe('the observability chart', () => {
  const dashboardsOf = (objects: readonly KubernetesObject[]) =>
    objects.filter(({ metadata }) => metadata.labels?.grafana_dashboard === '1');

  it('gives the rules as a file where there is no Prometheus Operator', () => {
    const context = contextOf('local');
    const objects = chartOf(observabilityChart, context);
    const rules = objects.find(({ metadata }) => metadata.name === 'mcp-alert-rules');
    expect(rules?.kind).toBe('ConfigMap');
    expect(parse(dataOf(rules)['rules.yaml'] ?? '')).toEqual(alertRules(context));
    expect(objects.map(({ kind }) => kind)).not.toContain('ServiceMonitor');
    expect(dashboardsOf(objects)).toHaveLength(4);
  });

  it('gives them to the operator where there is one', () => {
    const context = contextOf('prod');
    const objects = chartOf(observabilityChart, context);
    const rules = objects.find(({ kind }) => kind === 'PrometheusRule');
    expect(rules?.spec).toEqual(JSON.parse(JSON.stringify(alertRules(context))));
    for (const object of dashboardsOf(objects))
      for (const text of Object.values(dataOf(object)))
        expect(JSON.parse(text)).toMatchObject({ schemaVersion: 41 });
  });

  it('scrapes every service and what is beside it, on ports that they have', async () => {
    const objects = objectsOf((await record('prod')).resources);
    const { namespace } = contextOf('prod').region;
    const here = objects.filter(({ metadata }) => metadata.namespace === namespace);
    const containers = podsOf(here).flatMap(({ labels, spec }) =>
      spec.containers.map((container) => ({
        labels,
        ports: container.ports as unknown as { name?: string }[] | undefined,
      })),
    );
    const scraped = new Set<string>();
    for (const { metadata, spec } of here.filter(({ kind }) => kind === 'ServiceMonitor')) {
      const { selector, endpoints } = spec as unknown as MonitorSpec;
      const names = selector.matchExpressions.flatMap(({ values }) => values);
      for (const name of names) scraped.add(name);
      const targets = containers.filter(({ labels }) =>
        names.includes(labels['app.kubernetes.io/name'] ?? ''),
      );
      for (const { port, targetPort } of endpoints)
        expect(
          targets.flatMap(({ ports }) => (ports ?? []).map((one) => one.name)),
          metadata.name,
        ).toContain(targetPort ?? port);
    }
    const wanted = Object.keys(services).concat('core-canary', 'collector');
    expect([...scraped].sort()).toEqual(wanted.sort());
  }, 60_000);
});

interface MonitorSpec {
  readonly selector: { readonly matchExpressions: readonly { readonly values: readonly string[] }[] };
  readonly endpoints: readonly { readonly port?: string; readonly targetPort?: string }[];
}

interface CollectorConfig {
  readonly receivers: {
    readonly otlp: { readonly protocols: { readonly http: { readonly endpoint: string } } };
  };
  readonly processors: {
    readonly tail_sampling: {
      readonly policies: readonly { readonly name: string; readonly ottl_condition?: { span: string[] } }[];
    };
  };
  readonly exporters: Readonly<Record<string, object>>;
  readonly service: {
    readonly pipelines: {
      readonly traces: Readonly<Record<'receivers' | 'processors' | 'exporters', readonly string[]>>;
    };
  };
}

const COLLECTOR_PORT = portOf('collector', 'otlp-http');

function collectorChart(chart: Chart, context: RegionContext): void {
  const one = runningOne(context.stack, 'collector');
  if (one === undefined) throw new Error(`${context.stack.name} runs no collector`);
  dependencyChart(chart, context, one);
}

describe('the collector', () => {
  const host = { cidr: '203.0.113.0/24', except: [], port: 443 };
  const given = contextOf('prod');
  const exporting = contextOf('prod', { egress: { ...given.settings.egress, otlp: [host] } });
  const configOf = (context: RegionContext): CollectorConfig => {
    const [pod] = podsOf(chartOf(collectorChart, context));
    return parse(pod?.annotations['config.mcp.platform/config.yaml'] ?? '');
  };

  it.each([
    ['without a host to export to', given],
    ['with one', exporting],
  ])('has a pipeline of parts that are configured, %s', (_, context) => {
    const config = configOf(context);
    const { traces } = config.service.pipelines;
    for (const part of ['receivers', 'processors', 'exporters'] as const)
      expect(Object.keys(config[part]).sort()).toEqual([...traces[part]].sort());
    expect(traces.processors[0]).toBe('memory_limiter');
    expect(traces.processors.at(-1)).toBe('batch');
    expect(config.receivers.otlp.protocols.http.endpoint).toBe(`0.0.0.0:${COLLECTOR_PORT}`);
  });

  it.each(STACKS)('of %s says so where it exports nothing, and is silent elsewhere', (name) => {
    const { stack } = contextOf(name);
    const collector = runningOne(stack, 'collector') !== undefined;
    expect(collectorWarning(stack) !== undefined).toBe(collector);
    if (collector)
      expect(collectorWarning(stack)).toContain(`collectors of ${name} export no traces: egress.otlp`);
    expect(collectorWarning(contextOf(name, exporting.settings).stack)).toBeUndefined();
  });

  it('keeps what is slower than the objective of its service', () => {
    const { policies } = configOf(given).processors.tail_sampling;
    expect(policies.map(({ name }) => name)).toEqual(['errors', 'slow', 'some']);
    const conditions = policies.flatMap(({ ottl_condition }) => ottl_condition?.span ?? []);
    for (const { name, slo } of Object.values(services))
      expect(conditions).toContainEqual(
        expect.stringMatching(new RegExp(`"${name}".*> ${slo.p95_ms * 1_000_000}$`)),
      );
  });

  it('is where the services send their spans', async () => {
    const objects = objectsOf((await record('prod')).resources);
    const endpoints = podsOf(objects)
      .flatMap(({ spec }) => spec.containers.flatMap(({ env = [] }) => env))
      .flatMap(({ name, value }) => (name === 'OTEL_EXPORTER_OTLP_ENDPOINT' ? [value] : []));
    expect(new Set(endpoints)).toEqual(new Set([`http://collector:${COLLECTOR_PORT}`]));
  });

  it('reaches nothing but the declared hosts', () => {
    const egressOf = (context: RegionContext) => {
      const policy = chartOf(networkChart, context).find(({ metadata }) => metadata.name === 'collector');
      return (
        (policy?.spec as { egress: { to: { ipBlock?: { cidr: string } }[] }[] } | undefined)?.egress ?? []
      );
    };
    expect(egressOf(given)).toHaveLength(0);
    const blocks = egressOf(exporting).flatMap(({ to }) => to.flatMap(({ ipBlock }) => ipBlock?.cidr ?? []));
    expect(blocks).toEqual([host.cidr]);
  });

  it('takes where and as whom it exports from a Secret alone', () => {
    const [pod] = podsOf(chartOf(collectorChart, exporting));
    const env = pod?.spec.containers[0]?.env as object[];
    expect(env).toHaveLength(2);
    for (const one of env) expect(one).toHaveProperty('valueFrom.secretKeyRef.name', 'mcp-otlp-export');
    expect(pod?.labels).toMatchObject({ ...labelsOf(exporting, 'collector'), ...selectorOf('collector') });
  });
});
