import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { formatDuration } from '../format.ts';
import { onThemeChange } from '../theme.ts';

/** One line of a chart. `colour` names a custom property of the style sheet. */
interface Line {
  readonly label: string;
  readonly colour: string;
  readonly values: readonly (number | null)[];
}

export interface ChartProps {
  readonly title: string;
  readonly unit: string;
  readonly at_s: readonly number[];
  readonly lines: readonly Line[];
}

const HEIGHT_PX = 150;

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hour12: false });

/** A small line chart. The figures stand above it as text, so the picture itself is decoration for a screen reader. */
export default function Chart({ title, unit, at_s, lines }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const data = toData(at_s, lines);
  const latest = useRef({ data, lines });
  latest.current = { data, lines };
  useEffect(() => {
    const holder = box.current;
    if (holder === null) return;
    const build = () => {
      plot.current?.destroy();
      plot.current = new uPlot(options(holder, latest.current.lines), latest.current.data, holder);
    };
    build();
    const observer = new ResizeObserver(() =>
      plot.current?.setSize({ width: holder.clientWidth, height: HEIGHT_PX }),
    );
    observer.observe(holder);
    const stop = onThemeChange(build);
    return () => {
      stop();
      observer.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, []);
  useEffect(() => plot.current?.setData(data), [data]);
  return (
    <figure class="chart panel">
      <figcaption>
        <span class="chart-title">{title}</span>
        {lines.map((line) => (
          <span key={line.label} class="chart-value">
            <span class={`swatch swatch-${line.colour}`} aria-hidden="true" />
            {line.label} <strong>{reading(line.values, unit)}</strong>
          </span>
        ))}
      </figcaption>
      <div ref={box} class="chart-box" aria-hidden="true" />
    </figure>
  );
}

function toData(at_s: readonly number[], lines: readonly Line[]): uPlot.AlignedData {
  return [[...at_s], ...lines.map((line) => [...line.values])];
}

function reading(values: readonly (number | null)[], unit: string): string {
  const last = values[values.length - 1];
  if (last === null || last === undefined) return '–';
  if (unit === 'ms') return formatDuration(last);
  return `${last >= 100 ? Math.round(last) : Number(last.toFixed(1))}${unit === '' ? '' : ` ${unit}`}`;
}

function options(holder: HTMLElement, lines: readonly Line[]): uPlot.Options {
  const colour = (name: string) => {
    holder.style.color = `var(--${name})`;
    return getComputedStyle(holder).color;
  };
  const axis = {
    stroke: colour('muted'),
    grid: { stroke: colour('line'), width: 1 },
    ticks: { stroke: colour('line'), width: 1, size: 4 },
    font: '11px system-ui, sans-serif',
  };
  return {
    width: holder.clientWidth,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      // A minute at least, so that the first points do not fill the whole width.
      x: { time: true, range: (_plot, min, max) => [Math.min(min, max - 60), max] },
      y: { range: (_plot, _min, max) => [0, Math.max(1, (Number.isFinite(max) ? max : 0) * 1.15)] },
    },
    axes: [
      {
        ...axis,
        space: 80,
        size: 28,
        values: (_plot, ticks) => ticks.map((at_s) => clock.format(at_s * 1000)),
      },
      { ...axis, size: 44 },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        label: line.label,
        stroke: colour(line.colour),
        width: 2,
        points: { show: false },
        spanGaps: false,
      })),
    ],
  };
}
