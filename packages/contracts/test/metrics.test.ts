/** What a manifest may say of a metric and a flag: a fault names its place, and what would do. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DASHBOARDS, defineMetrics, FlagList, FlagTable, Metric, MetricTable } from '../src/index.ts';
import { expectAccepted, expectRefused, withAt } from './support.ts';

const BUCKETS = [0.1, 0.5, 1, 5];
const panel = { dashboard: 'overview', title: 'Requests', by: ['service', 'status'] };
const alert = {
  name: 'McpQueueFull',
  group: 'queues',
  severity: 'warning',
  expr: 'sum(rate(requests_total{namespace="$namespace"}[5m])) > 1',
  for: '5m',
  summary: 'A queue is full.',
  description: 'Requests are refused in $region.',
};
const counter = {
  type: 'counter',
  category: 'service_request',
  unit: '1',
  labels: ['endpoint', 'status'],
  help: 'Requests.',
  panels: [panel],
  alerts: [alert],
};
const histogram = { ...counter, type: 'histogram', unit: 's', buckets: BUCKETS };
const path = (text: string) => text.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part));

describe('a metric', () => {
  it.each<[string, object]>([
    ['a counter', counter],
    ['a gauge of which each pod has a part', { ...counter, type: 'gauge', per_pod: true }],
    ['a histogram', histogram],
    ['without labels', { ...counter, labels: [], panels: [{ ...panel, by: ['service'] }] }],
    ['without alerts', { ...counter, alerts: undefined }],
    [
      'on several dashboards',
      { ...counter, panels: Object.keys(DASHBOARDS).map((dashboard) => ({ ...panel, dashboard })) },
    ],
    [
      'of which a panel shows some',
      { ...counter, panels: [{ ...panel, match: { status: '=~5..', service: 'core' } }] },
    ],
  ])('is %s', (_, row) => expectAccepted(Metric, row));

  it.each<[string, readonly unknown[]]>([
    ['type', ['summary', 'Counter', undefined]],
    ['category', ['requests', '', undefined]],
    ['unit', ['ms', 'seconds', undefined]],
    ['labels.0', ['Endpoint', 'end-point', 'a1', '']],
    ['help', ['', undefined]],
    ['per_pod', [false, 1]],
    ['panels', [[], undefined]],
    ['panels.0.dashboard', ['home', 'constructor', undefined]],
    ['panels.0.title', ['', undefined]],
    ['alerts.0.name', ['QueueFull', 'mcpQueueFull', 'Mcp', 'Mcp queue']],
    ['alerts.0.group', ['Queues', 'a b', '']],
    ['alerts.0.severity', ['page', 'info']],
    ['alerts.0.for', ['5', 'm', '5 m', '1d', '']],
    ['alerts.0.summary', ['', undefined]],
    ['extra', [1]],
  ])('has a %s that is one', (at, wrong) => {
    for (const value of wrong)
      expectRefused(Metric, withAt(counter, path(at), value), at === 'extra' ? 'extra' : at);
  });

  it('is shown, for nobody looks at what is not', () => {
    expectRefused(Metric, { ...counter, panels: [] }, 'panels: must be on a dashboard');
  });

  it('is told apart by labels that it has: a panel names no other', () => {
    expectRefused(
      Metric,
      { ...counter, panels: [{ ...panel, by: ['model'] }] },
      "panels: 'Requests' names the label model; there are service, endpoint, status",
    );
    expectRefused(Metric, { ...counter, panels: [{ ...panel, match: { pod: 'x' } }] }, 'names the label pod');
  });

  it.each([
    [['service'], 'service is taken'],
    [['le'], 'le is taken'],
    [['model', 'status', 'model'], 'model is taken'],
  ])('has each label once, and none that every series has: %j', (labels, fault) => {
    expectRefused(Metric, { ...counter, labels, panels: [{ ...panel, by: [] }] }, `labels: ${fault}`);
  });

  it('watches the series of its own namespace alone, for regions may share a Prometheus', () => {
    for (const expr of ['up == 0', 'up{namespace="mcp"} == 0', ''])
      expectRefused(Metric, { ...counter, alerts: [{ ...alert, expr }] }, 'alerts.0.expr');
  });

  it.each([
    ['counter', BUCKETS],
    ['gauge', []],
    ['histogram', undefined],
  ])('has buckets where it is a histogram alone: %s', (type, buckets) => {
    expectRefused(
      Metric,
      { ...counter, type, buckets },
      'buckets: a histogram has buckets, and nothing else does',
    );
  });

  it('has buckets that ascend', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom(1, 2, 5), fc.double({ min: 0, max: 1e6, noNaN: true })), {
          maxLength: 4,
        }),
        (buckets) => {
          const ascends = buckets.every((bound, at) => at === 0 || bound > (buckets[at - 1] ?? 0));
          expect(Metric.safeParse({ ...histogram, buckets }).success).toBe(ascends);
          expectAccepted(Metric, { ...histogram, buckets: [...new Set(buckets)].sort((a, b) => a - b) });
        },
      ),
    );
    expectAccepted(Metric, { ...histogram, buckets: BUCKETS });
    expectRefused(Metric, { ...histogram, buckets: [1, 2, 2] }, 'buckets: must ascend');
  });

  it.each(['requests', 'http_requests_total', '_x'])('is called %s', (name) => {
    expectAccepted(MetricTable, { [name]: counter });
  });

  it.each(['Requests', 'requests.total', 'requests-total', '1st', ''])('is not called %j', (name) => {
    expect(MetricTable.safeParse({ [name]: counter }).success).toBe(false);
  });

  it('shared by several manifests is as it was written', () => {
    const table = { a: histogram } as unknown as MetricTable;
    expect(defineMetrics(table)).toBe(table);
  });
});

describe('a flag', () => {
  const flag = { default: true, description: 'Whether it is done.' };
  it.each(['A_ENABLED', 'ARBITRATION_V2_ENABLED'])('is called %s', (name) =>
    expectAccepted(FlagTable, { [name]: flag }),
  );

  it.each(['A', 'a_ENABLED', '_ENABLED', 'A_ENABLED_', 'A-ENABLED', ''])('is not called %j', (name) => {
    expect(FlagTable.safeParse({ [name]: flag }).success).toBe(false);
  });

  it.each<[string, object, string]>([
    ['a default', { description: 'x' }, 'default'],
    ['a default that is true or false', { ...flag, default: 'true' }, 'default'],
    ['words on it', { default: true, description: '' }, 'description'],
    ['no other field', { ...flag, on: true }, 'on'],
  ])('has %s', (_, row, fault) => expectRefused(FlagTable, { A_ENABLED: row }, fault));

  it('is listed for administrators as JSON', () => {
    const list = [{ name: 'A_ENABLED', ...flag }];
    expect(FlagList.parse(JSON.stringify(list))).toEqual(list);
    expectRefused(FlagList, '[{"name": "A_ENABLED"}]', '0.default');
    expectRefused(FlagList, '{', 'must be JSON');
  });
});
