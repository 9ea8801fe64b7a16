/** The risk of a request from independent signals, and the route that it takes by it: pure. */

/** Signals in [0, 1]; one that is not known is left out. */
export interface Signals {
  /** How much candidate answers disagree: {@link normalizedEntropy} of the shares of each. */
  readonly disagreement?: number;
  /** How unsure the model is of its tokens: {@link tokenVolatility}. */
  readonly volatility?: number;
  /** How often the caller did what calls for caution of late: {@link AnomalyHistory}. */
  readonly history?: number;
  /** Score of the injection classifier. */
  readonly injection?: number;
  /** How sensitive the data in it are: {@link dataClass}. */
  readonly data?: number;
  /** Risk of what the rules found. */
  readonly content?: number;
}
type Signal = keyof Signals;

/** How much of a signal counts, and below which value it says nothing. `bench/safety/risk.ts` calibrates them. */
const WEIGHTS: Readonly<Record<Signal, { readonly weight: number; readonly floor: number }>> = {
  disagreement: { weight: 0.5, floor: 0.4 },
  volatility: { weight: 0.7, floor: 0.35 },
  history: { weight: 0.6, floor: 0.1 },
  injection: { weight: 0.9, floor: 0.5 },
  data: { weight: 0.7, floor: 0 },
  content: { weight: 0.95, floor: 0 },
};

export interface Assessment {
  /** R, in [0, 1]. */
  readonly risk: number;
  /** What it comes from, the largest share first. */
  readonly reasons: readonly { readonly signal: Signal; readonly share: number }[];
}

/** R = 1 - Π(1 - wᵢ·sᵢ): signals add up as independent causes, and none takes away from another. */
export function assess(signals: Signals): Assessment {
  const reasons = (Object.keys(WEIGHTS) as Signal[])
    .flatMap((signal) => {
      const value = signals[signal];
      if (value === undefined || !(value > WEIGHTS[signal].floor)) return [];
      const { weight, floor } = WEIGHTS[signal];
      return [{ signal, share: (weight * (Math.min(1, value) - floor)) / (1 - floor) }];
    })
    .sort((a, b) => b.share - a.share);
  return { risk: 1 - reasons.reduce((safe, { share }) => safe * (1 - share), 1), reasons };
}

/** From the plainest to the most careful: as asked; by a model that is known to be safe; with a second model that checks; without tools and with personal data redacted; not at all. */
export const ROUTES = ['plain', 'baseline', 'critic', 'sandbox', 'refuse'] as const;
export type Route = (typeof ROUTES)[number];

/** The risk from which each route is taken; ascending. */
export type Thresholds = Readonly<Record<Exclude<Route, 'plain'>, number>>;

export const DEFAULT_THRESHOLDS: Thresholds = { baseline: 0.3, critic: 0.45, sandbox: 0.6, refuse: 0.9 };

export function routeOf(risk: number, thresholds: Thresholds): Route {
  return ROUTES.findLast((route) => route === 'plain' || risk >= thresholds[route]) ?? 'plain';
}

/** Entropy of shares, of that which they would have if all were alike; 0 for one. */
export function normalizedEntropy(shares: readonly number[]): number {
  const total = shares.reduce((sum, share) => sum + share, 0);
  if (shares.length < 2 || total <= 0) return 0;
  const entropy = shares.reduce((sum, share) => {
    const part = share / total;
    return part > 0 ? sum - part * Math.log(part) : sum;
  }, 0);
  return entropy / Math.log(shares.length);
}

/** A token that a model gave one in eleven is as unsure as counts. */
const MOST_SURPRISAL = 2.4;

/** Mean surprisal (-log p) of tokens, of {@link MOST_SURPRISAL}; 0 where there are none. */
export function tokenVolatility(logprobs: readonly number[]): number {
  if (logprobs.length === 0) return 0;
  const mean = logprobs.reduce((sum, logprob) => sum + Math.min(20, -logprob), 0) / logprobs.length;
  return Math.min(1, Math.max(0, mean / MOST_SURPRISAL));
}

const DATA: Readonly<Record<string, number>> = {
  email: 0.15,
  phone: 0.15,
  ip_address: 0.1,
  iban: 0.6,
  credit_card: 0.8,
  secret: 0.8,
};

/** How sensitive the kinds of personal data are: the most sensitive counts. */
export function dataClass(tags: readonly string[]): number {
  return Math.max(0, ...tags.map((tag) => DATA[tag] ?? 0));
}
