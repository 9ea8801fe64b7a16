import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { later, runLater } from './later.ts';
import { METRICS, type MetricName, type MetricRow } from './taxonomy.ts';

type NamesOf<T extends MetricRow['type']> = {
  [N in MetricName]: (typeof METRICS)[N]['type'] extends T ? N : never;
}[MetricName];
type LabelsOf<N extends MetricName> = Readonly<Record<(typeof METRICS)[N]['labels'][number], string>>;

/** Values a label may take before further ones are counted as `other`: cardinality is bounded by construction. */
const MAX_LABEL_VALUES = 100;

/** Records the metrics of {@link METRICS}. One instance per service, so that co-located services stay apart. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #counters = new Map<string, Counter>();
  readonly #gauges = new Map<string, Gauge>();
  readonly #histograms = new Map<string, Histogram>();
  readonly #seen = new Map<string, Set<string>>();
  readonly #service: string;

  constructor(service: string) {
    this.#service = service;
    collectDefaultMetrics({ register: this.#registry, labels: { service } });
    for (const [name, row] of Object.entries<MetricRow>(METRICS)) this.#create(name, row);
  }

  /** Adds to a counter. */
  inc<N extends NamesOf<'counter'>>(name: N, labels: LabelsOf<N>, value = 1): void {
    later(() => this.#counters.get(name)?.inc(this.#bounded(labels), value));
  }

  /** Sets a gauge. */
  set<N extends NamesOf<'gauge'>>(name: N, labels: LabelsOf<N>, value: number): void {
    later(() => this.#gauges.get(name)?.set(this.#bounded(labels), value));
  }

  /** Adds one observation to a histogram, in the unit of its row. */
  observe<N extends NamesOf<'histogram'>>(name: N, labels: LabelsOf<N>, value: number): void {
    later(() => this.#histograms.get(name)?.observe(this.#bounded(labels), value));
  }

  /** Prometheus text exposition format 0.0.4. */
  text(): Promise<string> {
    runLater();
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  #create(name: string, row: MetricRow): void {
    const common = {
      name,
      help: `${row.help} [${row.unit}]`,
      labelNames: ['service', ...row.labels],
      registers: [this.#registry],
    };
    switch (row.type) {
      case 'counter':
        this.#counters.set(name, new Counter(common));
        break;
      case 'gauge':
        this.#gauges.set(name, new Gauge(common));
        break;
      case 'histogram':
        this.#histograms.set(name, new Histogram({ ...common, buckets: [...(row.buckets ?? [])] }));
        break;
      default:
        row.type satisfies never;
    }
  }

  #bounded(labels: Readonly<Record<string, string>>): Record<string, string> {
    const out: Record<string, string> = { service: this.#service };
    for (const key in labels) {
      const value = labels[key] ?? '';
      let seen = this.#seen.get(key);
      if (seen === undefined) {
        seen = new Set();
        this.#seen.set(key, seen);
      }
      if (!seen.has(value)) {
        if (seen.size >= MAX_LABEL_VALUES) {
          out[key] = 'other';
          continue;
        }
        seen.add(value);
      }
      out[key] = value;
    }
    return out;
  }
}
