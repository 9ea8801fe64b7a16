/** The weights of the classifier of names: `names.json` and `names.bin` beside it, which `bench/pii/train.ts` writes. */
import { z } from 'zod';
import { readModel } from '../../shipped-model.ts';
import { INNER_WORDS } from '../inner-words.ts';
import { chainOf, gapOf, STATES, startOfChain, TRANSITIONS, transitionOf } from './chain.ts';
import { BUCKETS, FEATURES, featuresAt, LABELS, NONE } from './features.ts';
import { isCandidate, type Token } from './tokens.ts';

export const NamesCard = z.object({
  name: z.string(),
  version: z.string(),
  trained_at: z.iso.date(),
  seed: z.number(),
  /** A weight is its byte times its size times this. */
  scale: z.number().positive(),
  /** How probable it has to be that a word is part of a name, and a word in small letters. */
  threshold: z.number().positive().max(1),
  small_threshold: z.number().positive().max(1),
  corpora: z.array(z.object({ name: z.string(), licence: z.string(), texts: z.number() })),
});
export type NamesCard = z.infer<typeof NamesCard>;

/** What is known of the last candidate before a piece, by which the chain goes on in it. */
export type ChainState = Float64Array;

interface Labelled {
  /** The label of each token; `NONE` for most. */
  readonly labels: Uint8Array;
  readonly state: ChainState;
}

export interface Piece {
  readonly text: string;
  readonly tokens: readonly Token[];
  /** Tokens that begin before it are read and not labelled. */
  readonly from: number;
}

/** The tokens of a piece that may be part of a name, and where the weights of the transition to each begin. */
export function candidatesOf({ text, tokens, from }: Piece): { at: number; transition: number }[] {
  const found: { at: number; transition: number }[] = [];
  let prior: Token | undefined;
  let words: string[] = [];
  tokens.forEach((token, at) => {
    if (!isCandidate(token)) {
      if (token.shape === 'small') words.push(token.text);
      return;
    }
    if (token.start >= from) {
      const gap =
        prior === undefined ? 'none' : gapOf(text.slice(prior.end, token.start), words, INNER_WORDS);
      found.push({ at, transition: transitionOf(gap, token.shape) });
    }
    prior = token;
    words = [];
  });
  return found;
}

class NamesModel {
  readonly #values: Float32Array;
  readonly #factors: Float32Array;
  readonly #card: NamesCard;

  constructor(card: NamesCard, weights: Int8Array) {
    const most = BUCKETS * LABELS.length;
    if (weights.length !== most + TRANSITIONS)
      throw new RangeError(`the classifier of names has ${weights.length} weights: train it again`);
    const values = Float32Array.from(weights, (one) => one * Math.abs(one) * card.scale);
    this.#values = values.subarray(0, most);
    this.#factors = values.subarray(most).map((one) => Math.exp(one));
    this.#card = card;
  }

  label(piece: Piece, before: ChainState = startOfChain()): Labelled {
    const { tokens } = piece;
    const labels = new Uint8Array(tokens.length).fill(NONE);
    const candidates = candidatesOf(piece);
    if (candidates.length === 0) return { labels, state: before };
    const emissions = this.#emissions(tokens, candidates);
    const { alphas, betas } = chainOf(
      emissions,
      candidates.map(({ transition }) => transition),
      { factors: this.#factors, before },
    );
    candidates.forEach(({ at }, index) => {
      const least = tokens[at]?.shape === 'rare' ? this.#card.small_threshold : this.#card.threshold;
      labels[at] = decided(alphas, betas, { index, least });
    });
    return { labels, state: alphas.slice(-STATES) };
  }

  #emissions(tokens: readonly Token[], candidates: readonly { readonly at: number }[]): Float64Array {
    const emissions = new Float64Array(candidates.length * STATES);
    const features = new Int32Array(FEATURES);
    candidates.forEach(({ at }, index) => {
      featuresAt(tokens, at, features);
      for (let label = 0; label < LABELS.length; label++) {
        let sum = 0;
        for (let i = 0; i < FEATURES; i++)
          sum += this.#values[(features[i] ?? 0) * LABELS.length + label] ?? 0;
        emissions[index * STATES + label] = sum;
      }
    });
    return emissions;
  }
}

const ORGANISATION = LABELS.indexOf('organisation');

/** The most probable kind of name where it is probable enough that a token is part of any. */
function decided(
  alphas: Float64Array,
  betas: Float64Array,
  { index, least }: { readonly index: number; readonly least: number },
): number {
  let total = 0;
  let named = 0;
  let best: number = NONE;
  let highest = 0;
  for (let state = 0; state < STATES; state++) {
    const part = (alphas[index * STATES + state] ?? 0) * (betas[index * STATES + state] ?? 0);
    total += part;
    if (state === NONE || state === ORGANISATION) continue;
    named += part;
    if (part > highest) {
      highest = part;
      best = state;
    }
  }
  return named >= least * total ? best : NONE;
}

let loaded: NamesModel | undefined;

/** The model that ships with the package, read once. */
export function shippedNames(): NamesModel {
  if (loaded === undefined) {
    const { card, weights } = readModel(NamesCard, { name: 'names', beside: import.meta.url });
    loaded = new NamesModel(card, weights);
  }
  return loaded;
}
