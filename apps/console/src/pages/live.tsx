import type { ModelInfo, QueueStatus } from '@mcp/contracts';
import type { LiveStats } from '../api/platform.ts';
import { formatCount } from '../format.ts';
import { useLater, useLoaded } from '../hooks.ts';
import { addStats, EMPTY_SERIES, type LiveSeries } from '../live/series.ts';
import { Empty, Fault, Loading, NeedsAdmin, PageHead, StatusBadge } from '../ui/basics.tsx';

const POLL_MS = 2000;

/** Figures of the last minutes; they stay while other pages are looked at. */
let kept: LiveSeries = EMPTY_SERIES;

/** What the platform does right now. */
export function Live() {
  const stats = useLoaded(
    'stats',
    (platform, signal) => platform.stats(signal),
    () => POLL_MS,
  );
  if (stats.data !== null) kept = addStats(kept, stats.data);
  const forbidden = stats.error?.status === 403;
  return (
    <>
      <PageHead title="Live" lead="Latency, tokens, requests and queues, asked for every two seconds." />
      {forbidden ? <NeedsAdmin what="Live figures" /> : null}
      {stats.error === null || forbidden ? null : (
        <Fault error={stats.error} doing="Reading the figures" onRetry={stats.reload} />
      )}
      {stats.data === null ? (
        stats.loading ? (
          <Loading what="figures" />
        ) : null
      ) : (
        <>
          <Charts series={kept} />
          <Queues stats={stats.data} />
        </>
      )}
    </>
  );
}

type Line = readonly [label: string, colour: string, field: keyof LiveSeries['points'][number]];

interface ChartOf {
  readonly title: string;
  readonly unit: string;
  readonly lines: readonly Line[];
}

function chart(title: string, unit: string, ...lines: Line[]): ChartOf {
  return { title, unit, lines };
}

const CHARTS = [
  chart('Latency', 'ms', ['p95', 'b', 'p95_ms'], ['p50', 'a', 'p50_ms']),
  chart('Tokens per second', '', ['written', 'b', 'tokens_out_per_s'], ['read', 'a', 'tokens_in_per_s']),
  chart('Requests per second', '', ['requests', 'a', 'requests_per_s'], ['errors %', 'bad', 'error_percent']),
  chart('Inference queues', '', ['waiting', 'b', 'waiting'], ['running', 'a', 'running']),
];

function Charts({ series }: { readonly series: LiveSeries }) {
  // The chart library comes only to those who open this page.
  const Chart = useLater(() => import('../live/chart.tsx'));
  if (Chart === null) return <Loading what="charts" />;
  const { points } = series;
  const at_s = points.map((point) => point.at_s);
  return (
    <div class="charts">
      {CHARTS.map(({ title, unit, lines }) => (
        <Chart
          key={title}
          title={title}
          unit={unit}
          at_s={at_s}
          lines={lines.map(([label, colour, field]) => ({
            label,
            colour,
            values: points.map((point) => point[field]),
          }))}
        />
      ))}
    </div>
  );
}

function Queues({ stats }: { readonly stats: LiveStats }) {
  const names = [
    ...new Set([...stats.models.map((model) => model.id), ...stats.queues.map((queue) => queue.model)]),
  ];
  return (
    <section class="panel table-panel" aria-label="Models and queues">
      <div class="table-head">
        <h2>Models and queues</h2>
        <p class="meta">
          <span>{formatCount(stats.tokens_in_total)} tokens read</span>
          <span>{formatCount(stats.tokens_out_total)} written in all</span>
        </p>
      </div>
      {names.length === 0 ? (
        <Empty>No model is known yet.</Empty>
      ) : (
        <QueueTable names={names} stats={stats} />
      )}
    </section>
  );
}

function QueueTable({ names, stats }: { readonly names: readonly string[]; readonly stats: LiveStats }) {
  return (
    <table class="table">
      <thead>
        <tr>
          <th scope="col">Model</th>
          <th scope="col">Status</th>
          <th scope="col" class="number">
            Running
          </th>
          <th scope="col" class="number">
            Interactive waiting
          </th>
          <th scope="col" class="number">
            Batch waiting
          </th>
        </tr>
      </thead>
      <tbody>
        {names.map((name) => (
          <QueueRow
            key={name}
            name={name}
            model={stats.models.find((candidate) => candidate.id === name)}
            queue={stats.queues.find((candidate) => candidate.model === name)}
          />
        ))}
      </tbody>
    </table>
  );
}

interface QueueRowProps {
  readonly name: string;
  readonly model: ModelInfo | undefined;
  readonly queue: QueueStatus | undefined;
}

function QueueRow({ name, model, queue }: QueueRowProps) {
  return (
    <tr>
      <th scope="row" data-label="Model">
        {name} {model === undefined ? null : <small>{`${model.backend}, ${model.kind}`}</small>}
      </th>
      <td data-label="Status">
        {model === undefined ? '–' : <StatusBadge status={model.status} />}
        {model?.detail === undefined ? null : <small> {model.detail}</small>}
      </td>
      <td data-label="Running" class="number">
        {queue === undefined ? '–' : `${queue.running} of ${queue.capacity}`}
      </td>
      <td data-label="Interactive waiting" class="number">
        {queue?.waiting_interactive ?? '–'}
      </td>
      <td data-label="Batch waiting" class="number">
        {queue?.waiting_batch ?? '–'}
      </td>
    </tr>
  );
}
