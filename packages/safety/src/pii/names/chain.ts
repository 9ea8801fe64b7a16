/** A linear chain over the labels of the candidates of a text (a conditional random field, Lafferty et al. 2001). */
import { LABELS } from './features.ts';
import { SHAPES } from './tokens.ts';

/** Labels and none of them. */
export const STATES = LABELS.length + 1;

/** What stands between two candidates, which says whether one goes on in the other. */
const GAPS = ['blank', 'comma', 'line', 'mark', 'inner', 'and', 'words', 'none'] as const;
type Gap = (typeof GAPS)[number];

const CONJUNCTIONS = /^(?:and|und|et|y|e|og|och|en|i|or|oder|ou|o|&)$/;

/** What stands between two candidates, of which `words` are the small words and `between` is the text. */
export function gapOf(between: string, words: readonly string[], inner: ReadonlySet<string>): Gap {
  if (words.length > 0) {
    if (words.length === 1 && CONJUNCTIONS.test(words[0] ?? '')) return 'and';
    return words.length <= 3 && words.every((word) => inner.has(word)) ? 'inner' : 'words';
  }
  if (between.includes('\n')) return 'line';
  const marks = between.trim();
  if (marks === '') return 'blank';
  if (marks === '&') return 'and';
  return marks === ',' ? 'comma' : 'mark';
}

/** Transition weights: by what stands between, how the later one is written, the label before and the label. */
export const TRANSITIONS = GAPS.length * SHAPES.length * STATES * STATES;

/** Where the weights of a transition begin. */
export function transitionOf(gap: Gap, shape: (typeof SHAPES)[number]): number {
  return (GAPS.indexOf(gap) * SHAPES.length + SHAPES.indexOf(shape)) * STATES * STATES;
}

/** Before the first candidate there is none: the chain starts as after a word that is nothing. */
export function startOfChain(): Float64Array {
  const alpha = new Float64Array(STATES);
  alpha[STATES - 1] = 1;
  return alpha;
}

/** Of each candidate {@link STATES} values, which sum to one. */
export interface Chain {
  /** How likely each state is by what stands before and by the candidate. */
  readonly alphas: Float64Array;
  /** How likely what stands after is by each state, up to a constant. */
  readonly betas: Float64Array;
}

/**
 * Forward and backward sums. `scores` are logarithms, {@link STATES} of each candidate, which become factors;
 * `transitions` says for each where in `factors` those of its transition begin.
 */
export function chainOf(
  scores: Float64Array,
  transitions: readonly number[],
  { factors, before }: { readonly factors: Float32Array | Float64Array; readonly before: Float64Array },
): Chain {
  const length = transitions.length;
  toFactors(scores, length);
  const alphas = new Float64Array(length * STATES);
  let last = before;
  for (let at = 0; at < length; at++) {
    const alpha = alphas.subarray(at * STATES, (at + 1) * STATES);
    const from = transitions[at] ?? 0;
    for (let state = 0; state < STATES; state++) {
      let sum = 0;
      for (let prior = 0; prior < STATES; prior++)
        sum += (last[prior] ?? 0) * (factors[from + prior * STATES + state] ?? 0);
      alpha[state] = sum * (scores[at * STATES + state] ?? 0);
    }
    normalise(alpha);
    last = alpha;
  }
  const betas = new Float64Array(length * STATES);
  betas.fill(1 / STATES, (length - 1) * STATES);
  for (let at = length - 1; at > 0; at--) {
    const beta = betas.subarray((at - 1) * STATES, at * STATES);
    const from = transitions[at] ?? 0;
    for (let prior = 0; prior < STATES; prior++) {
      let sum = 0;
      for (let state = 0; state < STATES; state++)
        sum +=
          (factors[from + prior * STATES + state] ?? 0) *
          (scores[at * STATES + state] ?? 0) *
          (betas[at * STATES + state] ?? 0);
      beta[prior] = sum;
    }
    normalise(beta);
  }
  return { alphas, betas };
}

function toFactors(scores: Float64Array, length: number): void {
  for (let at = 0; at < length; at++) {
    const own = scores.subarray(at * STATES, (at + 1) * STATES);
    const most = Math.max(...own);
    for (let state = 0; state < STATES; state++) own[state] = Math.exp((own[state] ?? 0) - most);
  }
}

function normalise(values: Float64Array): void {
  let sum = 0;
  for (const value of values) sum += value;
  for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) / sum;
}
