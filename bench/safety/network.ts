/** A network of one hidden layer over embeddings, by Adam (Kingma and Ba 2015); deterministic by its seed. */
import type { HeadCard } from '../../packages/safety/src/embeddings/head.ts';
import { mulberry32 } from '../stats.ts';

type Layers = Pick<HeadCard, 'dimensions' | 'scale' | 'hidden' | 'bias'>;

export interface Example {
  readonly vector: Float32Array;
  readonly target: 0 | 1;
  readonly weight: number;
}

const RATE = 0.003;
const BATCH = 32;
const DROPOUT = 0.1;
const L2 = 1e-5;

/** Parameters with their gradient and the moments that Adam keeps of it. */
class Parameters {
  readonly values: Float64Array;
  readonly gradient: Float64Array;
  readonly #first: Float64Array;
  readonly #second: Float64Array;

  constructor(size: number, initial: () => number) {
    this.values = new Float64Array(size).map(initial);
    this.gradient = new Float64Array(size);
    this.#first = new Float64Array(size);
    this.#second = new Float64Array(size);
  }

  step(rate: number, steps: number): void {
    for (const [at, value] of this.values.entries()) {
      const gradient = (this.gradient[at] ?? 0) + L2 * value;
      const first = 0.9 * (this.#first[at] ?? 0) + 0.1 * gradient;
      const second = 0.999 * (this.#second[at] ?? 0) + 0.001 * gradient * gradient;
      this.#first[at] = first;
      this.#second[at] = second;
      const corrected = Math.sqrt(second / (1 - 0.999 ** steps)) + 1e-8;
      this.values[at] = value - (rate * first) / (1 - 0.9 ** steps) / corrected;
    }
    this.gradient.fill(0);
  }
}

export class Network {
  readonly #dimensions: number;
  readonly #hidden: number;
  readonly #random: () => number;
  readonly weights: Parameters;
  readonly biases: Parameters;
  readonly outs: Parameters;
  readonly bias: Parameters;
  readonly #units: Float64Array;

  constructor({
    dimensions,
    hidden,
    seed,
  }: {
    readonly dimensions: number;
    readonly hidden: number;
    readonly seed: number;
  }) {
    this.#dimensions = dimensions;
    this.#hidden = hidden;
    this.#random = mulberry32(seed);
    const random = this.#random;
    const usual = () => (random() + random() + random() - 1.5) * (6 / Math.sqrt(dimensions));
    this.weights = new Parameters(hidden * dimensions, usual);
    this.biases = new Parameters(hidden, () => 0);
    this.outs = new Parameters(hidden, () => (random() - 0.5) * 0.5);
    this.bias = new Parameters(1, () => 0);
    this.#units = new Float64Array(hidden);
  }

  /** As the platform has it: a byte a weight, to be multiplied by `scale`. */
  quantised(): { readonly weights: Int8Array; readonly card: Layers } {
    const scale = Math.max(...this.weights.values.map(Math.abs)) / 127;
    return {
      weights: Int8Array.from(this.weights.values, (value) => Math.round(value / scale)),
      card: {
        dimensions: this.#dimensions,
        scale,
        hidden: Array.from(this.biases.values, (bias, unit) => ({ bias, out: this.outs.values[unit] ?? 0 })),
        bias: this.bias.values[0] ?? 0,
      },
    };
  }

  train(given: readonly Example[], epochs: number): void {
    const examples = [...given];
    const sum = (target: 0 | 1) =>
      examples.reduce((all, one) => all + (one.target === target ? one.weight : 0), 0);
    const balance = sum(0) / sum(1);
    let steps = 0;
    for (let epoch = 0; epoch < epochs; epoch++) {
      for (let i = examples.length - 1; i > 0; i--) {
        const j = Math.floor(this.#random() * (i + 1));
        [examples[i], examples[j]] = [examples[j] as Example, examples[i] as Example];
      }
      const rate = RATE * Math.cos(((epoch / epochs) * Math.PI) / 2);
      for (let from = 0; from + BATCH <= examples.length; from += BATCH) {
        for (const one of examples.slice(from, from + BATCH)) this.#learn(one, balance);
        steps++;
        for (const parameters of [this.weights, this.biases, this.outs, this.bias])
          parameters.step(rate, steps);
      }
    }
  }

  #learn({ vector, target, weight }: Example, balance: number): void {
    const units = this.#units;
    let sum = this.bias.values[0] ?? 0;
    for (let unit = 0; unit < this.#hidden; unit++) {
      const value = this.#unit(unit, vector);
      const kept = value > 0 && this.#random() >= DROPOUT ? value / (1 - DROPOUT) : 0;
      units[unit] = kept;
      sum += (this.outs.values[unit] ?? 0) * kept;
    }
    const error = ((1 / (1 + Math.exp(-sum)) - target) * weight * (target === 1 ? balance : 1)) / BATCH;
    add(this.bias.gradient, 0, error);
    for (const [unit, value] of units.entries()) {
      if (value <= 0) continue;
      add(this.outs.gradient, unit, error * value);
      const back = error * (this.outs.values[unit] ?? 0);
      add(this.biases.gradient, unit, back);
      const at = unit * this.#dimensions;
      for (let i = 0; i < this.#dimensions; i++) add(this.weights.gradient, at + i, back * (vector[i] ?? 0));
    }
  }

  #unit(unit: number, vector: Float32Array): number {
    const at = unit * this.#dimensions;
    let value = this.biases.values[unit] ?? 0;
    for (let i = 0; i < this.#dimensions; i++) value += (this.weights.values[at + i] ?? 0) * (vector[i] ?? 0);
    return value;
  }
}

function add(to: Float64Array, at: number, value: number): void {
  to[at] = (to[at] ?? 0) + value;
}
