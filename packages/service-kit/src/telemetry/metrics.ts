import type { Metric, MetricTable } from '@mcp/contracts';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { runLater } from './later.ts';

/** Names of a table's counters, gauges or histograms. */
type NamesOf<T extends MetricTable, K extends Metric['type']> = {
  [N in keyof T & string]: T[N]['type'] extends K ? N : never;
}[keyof T & string];
type LabelsOf<T extends MetricTable, N extends keyof T> = Readonly<Record<T[N]['labels'][number], string>>;

/** Values a label may take before further ones are counted as `other`: cardinality is bounded by construction. */
const MAX_LABEL_VALUES = 100;

/**
 * Records the metrics of a table; others do not compile. One instance per service, so that services in one process stay apart.
 * The series of a label set is looked up by one short key: recording is on the path of every request. The process
 * metrics are prom-client's, whose own counters build and check an object of labels each time.
 */
export class Metrics<T extends MetricTable> {
  readonly #process = new Registry();
  readonly #families = new Map<string, Family>();

  constructor(service: string, table: T) {
    collectDefaultMetrics({ register: this.#process, labels: { service } });
    const seen = new LabelValues();
    for (const [name, row] of Object.entries<Metric>(table))
      this.#families.set(name, new Family({ name, row, service, seen }));
  }

  /** Adds to a counter. */
  inc<N extends NamesOf<T, 'counter'>>(name: N, labels: LabelsOf<T, N>, value = 1): void {
    const series = this.#series(name, labels);
    series.value += value;
  }

  /** Sets a gauge. */
  set<N extends NamesOf<T, 'gauge'>>(name: N, labels: LabelsOf<T, N>, value: number): void {
    this.#series(name, labels).value = value;
  }

  /** Sets all series of a gauge; those that are not among them are gone. */
  replace<N extends NamesOf<T, 'gauge'>>(
    name: N,
    series: readonly [labels: LabelsOf<T, N>, value: number][],
  ): void {
    this.#family(name).clear();
    for (const [labels, value] of series) this.set(name, labels, value);
  }

  /** Adds one observation to a histogram, in the unit of its row. */
  observe<N extends NamesOf<T, 'histogram'>>(name: N, labels: LabelsOf<T, N>, value: number): void {
    const series = this.#series(name, labels);
    series.value += value;
    series.count++;
    const { bounds, buckets } = series;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] ?? 0)) at++;
    buckets[at] = (buckets[at] ?? 0) + 1;
  }

  /** Prometheus text exposition format 0.0.4. */
  async text(): Promise<string> {
    runLater();
    const families = [...this.#families.values()].map((family) => family.text());
    return `${await this.#process.metrics()}\n${families.join('\n')}`;
  }

  get contentType(): string {
    return this.#process.contentType;
  }

  #series(name: string, labels: Readonly<Record<string, string>>): Series {
    return this.#family(name).series(labels);
  }

  #family(name: string): Family {
    const family = this.#families.get(name);
    if (family === undefined) throw new Error(`${name} is not in the table of metrics`);
    return family;
  }
}

/** The first values that each label takes; the others are one. Shared by all metrics of a service. */
class LabelValues {
  readonly #seen = new Map<string, Set<string>>();

  bounded(label: string, value: string): string {
    let seen = this.#seen.get(label);
    if (seen === undefined) {
      seen = new Set();
      this.#seen.set(label, seen);
    }
    if (seen.has(value)) return value;
    if (seen.size >= MAX_LABEL_VALUES) return 'other';
    seen.add(value);
    return value;
  }
}

/** One metric with one set of labels. */
interface Series {
  /** `{service="core",…}` without the closing brace. */
  readonly labels: string;
  /** A counter's or gauge's value, a histogram's sum. */
  value: number;
  count: number;
  readonly bounds: readonly number[];
  /** Observations per bound, and those beyond the last. */
  readonly buckets: number[];
}

class Family {
  readonly #name: string;
  readonly #row: Metric;
  readonly #service: string;
  readonly #seen: LabelValues;
  readonly #series = new Map<string, Series>();

  constructor(parts: { name: string; row: Metric; service: string; seen: LabelValues }) {
    this.#name = parts.name;
    this.#row = parts.row;
    this.#service = parts.service;
    this.#seen = parts.seen;
  }

  series(labels: Readonly<Record<string, string>>): Series {
    const names = this.#row.labels;
    let key = '';
    for (const name of names) key += `${labels[name]}\0`;
    return this.#series.get(key) ?? this.#bounded(labels);
  }

  clear(): void {
    this.#series.clear();
  }

  #bounded(labels: Readonly<Record<string, string>>): Series {
    const values = this.#row.labels.map((name) => this.#seen.bounded(name, labels[name] ?? ''));
    const key = values.map((value) => `${value}\0`).join('');
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const pairs = this.#row.labels.map((name, at) => `${name}="${escaped(values[at] ?? '')}"`);
    const bounds = this.#row.buckets ?? [];
    const series: Series = {
      labels: `{${[`service="${escaped(this.#service)}"`, ...pairs].join(',')}`,
      value: 0,
      count: 0,
      bounds,
      buckets: Array<number>(bounds.length + 1).fill(0),
    };
    this.#series.set(key, series);
    return series;
  }

  text(): string {
    const { help, unit, type } = this.#row;
    const lines = [`# HELP ${this.#name} ${help} [${unit}]`, `# TYPE ${this.#name} ${type}`];
    for (const series of this.#series.values())
      if (type === 'histogram') this.#histogram(series, lines);
      else lines.push(`${this.#name}${series.labels}} ${series.value}`);
    return `${lines.join('\n')}\n`;
  }

  #histogram({ labels, bounds, buckets, value, count }: Series, lines: string[]): void {
    let below = 0;
    for (const [at, bound] of bounds.entries()) {
      below += buckets[at] ?? 0;
      lines.push(`${this.#name}_bucket${labels},le="${bound}"} ${below}`);
    }
    lines.push(
      `${this.#name}_bucket${labels},le="+Inf"} ${count}`,
      `${this.#name}_sum${labels}} ${value}`,
      `${this.#name}_count${labels}} ${count}`,
    );
  }
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}
