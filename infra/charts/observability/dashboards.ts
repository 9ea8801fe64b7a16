import { DASHBOARDS, type Metric, type Panel as PanelRow } from '@mcp/contracts';
import { METRICS, type MetricName } from '@mcp/stacks';
import type { RegionContext } from '../../context.ts';
import { type LabelOf, type NameOf, quantile, rate, series } from './promql.ts';

interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat: string;
}

interface Panel {
  readonly id: number;
  readonly type: 'timeseries';
  readonly title: string;
  readonly description: string;
  readonly datasource: { readonly type: 'prometheus'; readonly uid: '$datasource' };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig: {
    readonly defaults: { readonly unit: string };
    readonly overrides: readonly never[];
  };
  readonly targets: readonly Target[];
}

/** A dashboard of Grafana (schema 41) with what of it we use. */
export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly tags: readonly string[];
  readonly schemaVersion: 41;
  readonly editable: false;
  readonly refresh: string;
  readonly time: { readonly from: string; readonly to: string };
  readonly templating: { readonly list: readonly object[] };
  readonly panels: readonly Panel[];
}

const WINDOW = '$__rate_interval';
const COLUMNS = 24;
const SIZE = { w: 8, h: 8 };
/** Grafana has units of their own for these, where they are counted per second. */
const PER_SECOND: Readonly<Partial<Record<Metric['unit'], string>>> = { 1: 'reqps', J: 'watt' };
const UNITS: Readonly<Record<Metric['unit'], string>> = {
  1: 'short',
  s: 's',
  bytes: 'bytes',
  tokens: 'short',
  USD: 'currencyUSD',
  J: 'joule',
  ratio: 'percentunit',
};

/** A panel that a manifest asks for, with its metric. */
interface View extends PanelRow {
  readonly metric: MetricName;
  readonly row: Metric;
}

/** The dashboards of one region by name; every metric is on one of them. */
export function dashboards(context: RegionContext): Readonly<Record<keyof typeof DASHBOARDS, Dashboard>> {
  const all = Object.entries<Metric>(METRICS).flatMap(([metric, row]) =>
    row.panels.map((one): View => ({ ...one, metric: metric as MetricName, row })),
  );
  const made = Object.entries(DASHBOARDS).map(([name, title]) => [
    name,
    dashboard(context, { name, title, views: all.filter((view) => view.dashboard === name) }),
  ]);
  return Object.fromEntries(made) as Record<keyof typeof DASHBOARDS, Dashboard>;
}

function dashboard(
  { stack, region }: RegionContext,
  { name, title, views }: { name: string; title: string; views: readonly View[] },
): Dashboard {
  return {
    // Regions may share one Grafana.
    uid: `mcp-${name}-${stack.name}-${region.name}`.slice(0, 40),
    title: `MCP ${title} (${stack.name}, ${region.name})`,
    tags: ['mcp', stack.name, region.name],
    schemaVersion: 41,
    editable: false,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    templating: { list: [{ name: 'datasource', type: 'datasource', query: 'prometheus' }] },
    panels: views.map((one, at) => panel(one, { at, namespace: region.namespace })),
  };
}

function panel(
  { title, metric, row, by, match }: View,
  { at, namespace }: { at: number; namespace: string },
): Panel {
  const perRow = COLUMNS / SIZE.w;
  return {
    id: at + 1,
    type: 'timeseries',
    title,
    description: row.help,
    datasource: { type: 'prometheus', uid: '$datasource' },
    gridPos: { x: (at % perRow) * SIZE.w, y: Math.floor(at / perRow) * SIZE.h, ...SIZE },
    fieldConfig: { defaults: { unit: unitOf(metric, row) }, overrides: [] },
    targets: [
      {
        refId: 'A',
        expr: exprOf(metric, row, { by, match: { namespace, ...match } }),
        legendFormat: by.length === 0 ? title : by.map((label) => `{{${label}}}`).join(' '),
      },
    ],
  };
}

function unitOf(metric: MetricName, row: Metric): string {
  if (metric.endsWith('_timestamp_seconds')) return 'dateTimeFromNow';
  if (row.type === 'counter') return PER_SECOND[row.unit] ?? UNITS[row.unit];
  return UNITS[row.unit];
}

function exprOf(
  metric: MetricName,
  row: Metric,
  { by, match }: { by: readonly string[]; match: Readonly<Record<string, string>> },
): string {
  switch (row.type) {
    case 'counter': {
      const growth = aggregate('sum', by, rate(metric as NameOf<'counter'>, match, WINDOW));
      return row.unit === 'USD' ? `3600 * ${growth}` : growth;
    }
    case 'gauge':
      return aggregate(row.per_pod ? 'sum' : 'max', by, series(metric, match));
    case 'histogram':
      return quantile(0.95, metric as NameOf<'histogram'>, {
        match,
        by: by as readonly LabelOf<NameOf<'histogram'>>[],
        window: WINDOW,
      });
    default:
      return row.type satisfies never;
  }
}

function aggregate(how: 'sum' | 'max', by: readonly string[], of: string): string {
  return by.length === 0 ? `${how}(${of})` : `${how} by (${by.join(', ')}) (${of})`;
}
