/** A linear chain over the labels of the candidates of a text (a conditional random field, Lafferty et al. 2001). */
import { LABELS } from './features.ts';
import { SHAPES } from './tokens.ts';

/** Labels and none of them. */
export const STATES = LABELS.length + 1;

/** What stands between two candidates, which says whether one goes on in the other. */
export const GAPS = ['blank', 'comma', 'line', 'mark', 'inner', 'and', 'words', 'none'] as const;
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
  const alpha = new Float64Array(STATES).fill(Number.NEGATIVE_INFINITY);
  alpha[STATES - 1] = 0;
  return alpha;
}

export function logSum(values: Float64Array): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const value of values) if (value > most) most = value;
  if (most === Number.NEGATIVE_INFINITY) return most;
  let sum = 0;
  for (const value of values) sum += Math.exp(value - most);
  return most + Math.log(sum);
}

export interface Chain {
  /** For each candidate the logarithm of what is known of it from what stands before, up to a constant. */
  readonly alphas: readonly Float64Array[];
  readonly betas: readonly Float64Array[];
}

/** Forward and backward sums. `emissions` has {@link STATES} scores for each candidate, `transitions` where its weights begin. */
export function chainOf(
  emissions: Float64Array,
  transitions: readonly number[],
  { weights, before }: { readonly weights: Float32Array | Float64Array; readonly before: Float64Array },
): Chain {
  const terms = new Float64Array(STATES);
  const alphas: Float64Array[] = [];
  let last = before;
  transitions.forEach((from, at) => {
    const alpha = new Float64Array(STATES);
    for (let state = 0; state < STATES; state++) {
      for (let prior = 0; prior < STATES; prior++)
        terms[prior] = (last[prior] ?? 0) + (weights[from + prior * STATES + state] ?? 0);
      alpha[state] = logSum(terms) + (emissions[at * STATES + state] ?? 0);
    }
    const total = logSum(alpha);
    for (let state = 0; state < STATES; state++) alpha[state] = (alpha[state] ?? 0) - total;
    alphas.push(alpha);
    last = alpha;
  });
  const betas: Float64Array[] = new Array(transitions.length);
  let next = new Float64Array(STATES);
  for (let at = transitions.length - 1; at >= 0; at--) {
    betas[at] = next;
    const beta = new Float64Array(STATES);
    const from = transitions[at] ?? 0;
    for (let prior = 0; prior < STATES; prior++) {
      for (let state = 0; state < STATES; state++)
        terms[state] =
          (weights[from + prior * STATES + state] ?? 0) +
          (emissions[at * STATES + state] ?? 0) +
          (next[state] ?? 0);
      beta[prior] = logSum(terms);
    }
    const total = logSum(beta);
    for (let prior = 0; prior < STATES; prior++) beta[prior] = (beta[prior] ?? 0) - total;
    next = beta;
  }
  return { alphas, betas };
}
