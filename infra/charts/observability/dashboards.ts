import { METRICS, type MetricName, type MetricRow } from '@mcp/service-kit';
import type { RegionContext } from '../../context.ts';
import { type LabelOf, type Match, type NameOf, NOT_PROBES, quantile, rate, series } from './promql.ts';

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

/** One panel: a metric of the taxonomy, split by some of its labels. */
interface View {
  readonly title: string;
  readonly metric: MetricName;
  readonly by: readonly string[];
  readonly match: Readonly<Record<string, string>>;
}

const DASHBOARDS = {
  overview: {
    title: 'Overview',
    views: [
      view('Requests', 'service_requests_total', ['service'], { endpoint: NOT_PROBES }),
      view('Time to answer, p95', 'service_request_duration_seconds', ['service'], { endpoint: NOT_PROBES }),
      view('Errors', 'service_errors_total', ['service', 'code']),
      view('Requests in flight', 'service_requests_in_flight', ['service']),
      view('Refused before any model', 'gateway_admission_rejected_total', ['code']),
      view('Clients that left a stream', 'gateway_stream_disconnects_total', ['endpoint']),
      view('Spans that were not kept', 'trace_spans_dropped_total', ['service']),
      view('Inference queue', 'queue_depth', ['model', 'class']),
      view('Tokens per second', 'model_tokens_total', ['service', 'direction']),
      view('Cost per hour', 'model_cost_usd_total', ['service']),
      view('Inferences of unknown cost', 'model_cost_unknown_total', ['service']),
      view('Cache hits', 'cache_hit_ratio', ['service', 'cache']),
    ],
  },
  models: {
    title: 'Models and arbitration',
    views: [
      view('Inferences', 'model_inferences_total', ['model', 'status']),
      view('Inference time, p95', 'model_inference_duration_seconds', ['model', 'phase']),
      view('Time per output token, p95', 'model_time_per_output_token_seconds', ['model']),
      view('Tokens per second by model', 'model_tokens_total', ['model', 'direction']),
      view('Cost per hour by model', 'model_cost_usd_total', ['model']),
      view('Unknown cost by model', 'model_cost_unknown_total', ['model']),
      view('Turns', 'conversation_turns_total', ['model', 'status']),
      view('Token budget', 'token_budget_actions_total', ['model', 'phase']),
      view('Arbitrations by method', 'model_arbitration_total', ['status']),
      view('Divergence of candidates, p95', 'model_arbitration_divergence', []),
      view('Time of arbitration, p95', 'model_arbitration_duration_seconds', []),
    ],
  },
  operations: {
    title: 'Jobs and governance',
    views: [
      view('Jobs waiting, in flight, dead', 'job_queue_depth', ['phase']),
      view('Jobs ended', 'jobs_total', ['kind', 'status']),
      view('Time of a job, p95', 'job_duration_seconds', ['kind']),
      view('Conversation logs written', 'conversation_log_writes_total', ['status']),
      view('Hash chains checked', 'provenance_verifications_total', ['service', 'status']),
      view('Governance runs', 'governance_runs_total', ['job', 'status']),
      view('Last success of governance', 'governance_last_success_timestamp_seconds', ['job']),
    ],
  },
  bus: {
    title: 'Event bus',
    views: [
      view('Figures are there', 'bus_up', []),
      view('Storage used', 'bus_storage_used_bytes', ['server']),
      view('Storage reserved', 'bus_storage_reserved_bytes', ['server']),
      view('Storage there is', 'bus_storage_limit_bytes', ['server']),
      view('Bytes of streams', 'bus_stream_bytes', ['stream']),
      view('Sizes of streams', 'bus_stream_limit_bytes', ['stream', 'discard']),
      view('Messages in streams', 'bus_stream_messages', ['stream']),
      view('Not yet delivered', 'bus_consumer_pending', ['stream', 'consumer']),
      view('Delivered, not acknowledged', 'bus_consumer_ack_pending', ['stream', 'consumer']),
    ],
  },
} as const satisfies Record<string, { title: string; views: readonly View[] }>;

const WINDOW = '$__rate_interval';
const COLUMNS = 24;
const SIZE = { w: 8, h: 8 };
const UNITS: Readonly<Record<MetricRow['unit'], string>> = {
  1: 'short',
  s: 's',
  bytes: 'bytes',
  tokens: 'short',
  USD: 'currencyUSD',
  ratio: 'percentunit',
};

/** The dashboards of one region by name; every metric of the taxonomy is on one of them. */
export function dashboards(context: RegionContext): Readonly<Record<keyof typeof DASHBOARDS, Dashboard>> {
  const made = Object.entries(DASHBOARDS).map(([name, { title, views }]) => [
    name,
    dashboard(context, { name, title, views }),
  ]);
  return Object.fromEntries(made) as Record<keyof typeof DASHBOARDS, Dashboard>;
}

function view<N extends MetricName>(
  title: string,
  metric: N,
  ...[by, match]: [by: readonly LabelOf<N>[], match?: Match<N>]
): View {
  return { title, metric, by, match: { ...match } as Record<string, string> };
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
  { title, metric, by, match }: View,
  { at, namespace }: { at: number; namespace: string },
): Panel {
  const row: MetricRow = METRICS[metric];
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

function unitOf(metric: MetricName, row: MetricRow): string {
  if (metric.endsWith('_timestamp_seconds')) return 'dateTimeFromNow';
  // Grafana has units for what happens per second.
  if (row.type === 'counter') return row.unit === '1' ? 'reqps' : UNITS[row.unit];
  return UNITS[row.unit];
}

function exprOf(
  metric: MetricName,
  row: MetricRow,
  { by, match }: { by: readonly string[]; match: Readonly<Record<string, string>> },
): string {
  switch (row.type) {
    case 'counter': {
      const growth = aggregate('sum', by, rate(metric as NameOf<'counter'>, match, WINDOW));
      return row.unit === 'USD' ? `3600 * ${growth}` : growth;
    }
    case 'gauge':
      return aggregate(isPerPod(metric) ? 'sum' : 'max', by, series(metric, match));
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

/** Whether each pod has a part of the whole, instead of its own view of the same thing. */
function isPerPod(metric: MetricName): boolean {
  return metric === 'service_requests_in_flight' || metric === 'queue_depth';
}

function aggregate(how: 'sum' | 'max', by: readonly string[], of: string): string {
  return by.length === 0 ? `${how}(${of})` : `${how} by (${by.join(', ')}) (${of})`;
}
