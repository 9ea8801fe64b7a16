/** Learns the chain of the classifier of names: gradient of the likelihood of whole texts, by AdaGrad. */
import { chainOf, STATES, startOfChain, TRANSITIONS } from '../../packages/safety/src/pii/names/chain.ts';
import {
  BUCKETS,
  FEATURES,
  featuresAt,
  LABELS,
  LEXICAL,
  NONE,
} from '../../packages/safety/src/pii/names/features.ts';
import { candidatesOf } from '../../packages/safety/src/pii/names/model.ts';
import { tokensOf } from '../../packages/safety/src/pii/names/tokens.ts';
import { CONTEXT_CHARS } from '../../packages/safety/src/pii/recogniser.ts';
import { Segmenter } from '../../packages/safety/src/pii/segments.ts';
import { mulberry32 } from '../stats.ts';
import type { Sample } from './data.ts';

const RATE = 0.12;
const RIDGE = 1e-7;
/** How often a token is learnt without its own word, and how often by it alone: each must do where the other is new. */
const BLIND = 0.2;
const ALONE = 0.2;

interface Item {
  readonly features: Int32Array;
  readonly transitions: readonly number[];
  readonly gold: Uint8Array;
}

/** A text as it is read: in segments, each of which sees what stands before it and nothing after it. */
function itemOf({ text, spans }: Pick<Sample, 'text' | 'spans'>): Item {
  const segmenter = new Segmenter((segment) => segment.length);
  const features: number[] = [];
  const transitions: number[] = [];
  const gold: number[] = [];
  const seen = new Int32Array(FEATURES);
  let start = 0;
  for (const segment of [...segmenter.push(text), segmenter.end()]) {
    const lead = text.slice(Math.max(0, start - CONTEXT_CHARS), start);
    const whole = `${lead}${segment}`;
    const tokens = tokensOf(whole);
    for (const { at, transition } of candidatesOf({ text: whole, tokens, from: lead.length })) {
      featuresAt(tokens, at, seen);
      features.push(...seen);
      transitions.push(transition);
      const [from, to] = [tokens[at]?.start ?? 0, tokens[at]?.end ?? 0].map(
        (one) => one - lead.length + start,
      );
      const span = spans.find((one) => one.start < (to ?? 0) && (from ?? 0) < one.end);
      const label = (LABELS as readonly (string | undefined)[]).indexOf(span?.kind);
      gold.push(label >= 0 ? label : NONE);
    }
    start += segment.length;
  }
  return { features: Int32Array.from(features), transitions, gold: Uint8Array.from(gold) };
}

/** Weights of the features, then those of the transitions. */
export function learnt(
  texts: readonly Pick<Sample, 'text' | 'spans'>[],
  {
    seed,
    epochs,
    report,
  }: { readonly seed: number; readonly epochs: number; readonly report: (line: string) => void },
): Float32Array {
  const learner = new Learner(seed);
  const items = texts.map(itemOf).filter(({ gold }) => gold.length > 0);
  for (let epoch = 0; epoch < epochs; epoch++) {
    learner.shuffle(items);
    const loss = items.reduce((sum, item) => sum + learner.step(item, RATE / (1 + epoch * 0.5)), 0);
    report(`epoch ${epoch + 1}: ${(loss / items.length).toFixed(4)} nats a text`);
  }
  return learner.weights;
}

const PAIRS = STATES * STATES;
const EMITTED = BUCKETS * LABELS.length;

class Learner {
  readonly weights = new Float32Array(EMITTED + TRANSITIONS);
  readonly #squares = new Float32Array(EMITTED + TRANSITIONS).fill(1e-3);
  readonly #transitions = this.weights.subarray(EMITTED);
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = mulberry32(seed);
  }

  shuffle(all: Item[]): void {
    for (let i = all.length - 1; i > 0; i--) {
      const j = Math.floor(this.#random() * (i + 1));
      [all[i], all[j]] = [all[j] as Item, all[i] as Item];
    }
  }

  /** One pass over a text; returns how improbable its labels were. */
  step({ features, transitions, gold }: Item, rate: number): number {
    const seen = transitions.map((_, at) =>
      this.#seen(features.subarray(at * FEATURES, (at + 1) * FEATURES)),
    );
    const emissions = new Float64Array(transitions.length * STATES);
    seen.forEach((row, at) => {
      for (let label = 0; label < LABELS.length; label++) {
        let sum = 0;
        for (const feature of row) sum += this.weights[feature * LABELS.length + label] ?? 0;
        emissions[at * STATES + label] = sum;
      }
    });
    const { loss, slopes } = this.#slopes(emissions, { transitions, gold });
    transitions.forEach((from, at) => {
      const pairs = slopes.subarray(at * PAIRS, (at + 1) * PAIRS);
      const sums = new Float64Array(STATES);
      pairs.forEach((slope, pair) => {
        sums[pair % STATES] = (sums[pair % STATES] ?? 0) + slope;
        this.#move(EMITTED + from + pair, slope, rate);
      });
      for (let label = 0; label < LABELS.length; label++)
        for (const feature of seen[at] ?? [])
          this.#move(feature * LABELS.length + label, sums[label] ?? 0, rate);
    });
    return loss;
  }

  /** For each candidate how much more probable each pair of states is than it should be. */
  #slopes(scores: Float64Array, { transitions, gold }: Pick<Item, 'transitions' | 'gold'>) {
    const slopes = new Float64Array(transitions.length * PAIRS);
    transitions.forEach((from, at) => {
      for (let pair = 0; pair < PAIRS; pair++)
        slopes[at * PAIRS + pair] = Math.exp(this.#transitions[from + pair] ?? 0);
    });
    const before = startOfChain();
    const { alphas, betas } = chainOf(
      scores,
      transitions.map((_, at) => at * PAIRS),
      { factors: slopes, before },
    );
    let loss = 0;
    transitions.forEach((_, at) => {
      const pairs = slopes.subarray(at * PAIRS, (at + 1) * PAIRS);
      const prior = at === 0 ? before : alphas.subarray((at - 1) * STATES, at * STATES);
      let total = 0;
      for (let pair = 0; pair < PAIRS; pair++) {
        const state = at * STATES + (pair % STATES);
        const part =
          (prior[Math.floor(pair / STATES)] ?? 0) *
          (pairs[pair] ?? 0) *
          (scores[state] ?? 0) *
          (betas[state] ?? 0);
        pairs[pair] = part;
        total += part;
      }
      for (let pair = 0; pair < PAIRS; pair++) pairs[pair] = (pairs[pair] ?? 0) / total;
      const wanted = (at === 0 ? NONE : (gold[at - 1] ?? NONE)) * STATES + (gold[at] ?? NONE);
      loss -= Math.log(Math.max(pairs[wanted] ?? 0, 1e-12));
      pairs[wanted] = (pairs[wanted] ?? 0) - 1;
    });
    return { loss, slopes };
  }

  #seen(features: Int32Array): Int32Array {
    const draw = this.#random();
    if (draw < BLIND) return features.subarray(LEXICAL);
    return draw < BLIND + ALONE ? features.subarray(0, LEXICAL) : features;
  }

  #move(index: number, error: number, rate: number): void {
    if (Math.abs(error) < 1e-3) return;
    const slope = error + RIDGE * (this.weights[index] ?? 0);
    this.#squares[index] = (this.#squares[index] ?? 0) + slope * slope;
    this.weights[index] = (this.weights[index] ?? 0) - (rate * slope) / Math.sqrt(this.#squares[index] ?? 1);
  }
}
