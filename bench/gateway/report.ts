import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Cell, type Interval, Result, Streams } from './figures.ts';

const PAGE = join(import.meta.dirname, '../../docs/performance.md');
const FIGURES = /(<!-- figures: .*? -->\n)[\s\S]*?(<!-- \/figures -->)/;

/** Writes the figures of `result.json` into docs/performance.md, and returns them. */
export function writePage(): string {
  const result = read('result.json');
  const streams = read('streams.json');
  const figures = [
    ...(result === undefined ? [] : [figuresOf(Result.parse(result))]),
    ...(streams === undefined ? [] : [streamsOf(Streams.parse(streams))]),
  ].join('\n\n');
  const page = readFileSync(PAGE, 'utf8');
  writeFileSync(
    PAGE,
    page.replace(FIGURES, (_, begin: string, end: string) => `${begin}${figures}\n${end}`),
  );
  return figures;
}

function read(name: string): unknown {
  const path = join(import.meta.dirname, name);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

function streamsOf({ streams, rows }: Streams): string {
  const head = [
    'target',
    'frames lost',
    'longest silence, ms',
    'took, s',
    'short calls',
    'their p50, ms',
    'their p99, ms',
    'MiB',
  ];
  return [
    `**${streams} streams of 64 frames at 100 ms at once, and short calls beside them**`,
    '',
    line(head),
    line(head.map(() => '---')),
    ...rows.map((row) =>
      line([
        row.target,
        String(row.lost_frames),
        row.longest_stall_ms.toFixed(0),
        row.elapsed_s.toFixed(1),
        String(row.short_calls),
        row.short_p50_ms.toFixed(1),
        row.short_p99_ms.toFixed(1),
        row.rss_mib.toFixed(0),
      ]),
    ),
  ].join('\n');
}

function figuresOf({ commit, date, node, machine, cells }: Result): string {
  return [
    `Measured on ${date} at commit ${commit} with node ${node} on ${machine}.`,
    ...cells.map((cell) => tableOf(cell)),
  ].join('\n\n');
}

function tableOf(cell: Cell): string {
  const streams = cell.mode === 'stream';
  const what = streams
    ? 'Streams of 64 frames at 20 ms: time to the first frame with content'
    : 'JSON: time to the whole answer';
  const fault = cell.void.length === 0 ? '' : ` **Void**: ${cell.void.join('; ')}.`;
  const head = [
    'target',
    'added p50, ms',
    'added p99, ms',
    '× Portkey',
    '× floor',
    'CPU ms each',
    'each second',
    'MiB',
  ];
  const rows = cell.rows.map((row) => [
    row.target,
    show(row.added_p50_ms),
    show(row.added_p99_ms),
    row.vs_portkey === null ? '–' : show(row.vs_portkey),
    show(row.vs_floor),
    row.cpu_ms_per_request.toFixed(2),
    row.requests_per_s.toFixed(0),
    row.rss_mib.toFixed(0),
    ...(streams ? [String(row.lost_frames), row.longest_stall_ms.toFixed(0)] : []),
  ]);
  return [
    `**${what}, ${cell.concurrency} at once** (${cell.rounds} rounds of ${cell.requests_per_round}; direct ${cell.direct_p50_ms.toFixed(2)} ms).${fault}`,
    '',
    line(streams ? [...head, 'frames lost', 'longest silence, ms'] : head),
    line([...head, ...(streams ? ['', ''] : [])].map(() => '---')),
    ...rows.map(line),
  ].join('\n');
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** `0.45 (0.43–0.47)`: the median and its 95 % interval. */
function show({ median, low, high }: Interval): string {
  return `${median.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
}
