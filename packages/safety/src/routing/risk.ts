/** The risk of a request from independent signals, and the route that it takes by it: pure. */
import { RiskRoute, type RiskSignal, type RiskVerdict } from '@mcp/contracts';

/** In [0, 1]; one that is not known is left out. */
export type Signals = { readonly [S in RiskSignal]?: number };

/** How much of a signal counts, and below which value it says nothing. `bench/safety/risk.ts` calibrates them. */
const WEIGHTS: Readonly<Record<RiskSignal, { readonly weight: number; readonly floor: number }>> = {
  disagreement: { weight: 0.5, floor: 0.4 },
  volatility: { weight: 0.7, floor: 0.35 },
  history: { weight: 0.8, floor: 0.3 },
  injection: { weight: 0.9, floor: 0.25 },
  data: { weight: 0.7, floor: 0 },
  content: { weight: 0.95, floor: 0 },
};

/** R in [0, 1], and what it comes from, the largest share first. */
export type Assessment = Omit<RiskVerdict, 'route'>;

/** R = 1 - Π(1 - wᵢ·sᵢ): signals add up as independent causes, and none takes away from another. */
export function assess(signals: Signals): Assessment {
  const reasons = (Object.keys(WEIGHTS) as RiskSignal[])
    .flatMap((signal) => {
      const value = signals[signal];
      if (value === undefined || !(value > WEIGHTS[signal].floor)) return [];
      const { weight, floor } = WEIGHTS[signal];
      return [{ signal, share: (weight * (Math.min(1, value) - floor)) / (1 - floor) }];
    })
    .sort((a, b) => b.share - a.share);
  return { risk: 1 - reasons.reduce((safe, { share }) => safe * (1 - share), 1), reasons };
}

/** A risk without the share that the history has in it: who was suspected is not suspected more for that alone. */
export function withoutHistory(risk: number, { history }: Signals): number {
  const suspicion = assess(history === undefined ? {} : { history }).risk;
  return Math.max(0, 1 - (1 - risk) / (1 - suspicion));
}

/** The risk from which each route is taken; ascending. */
export type Thresholds = Readonly<Record<Exclude<RiskRoute, 'plain'>, number>>;

export const DEFAULT_THRESHOLDS: Thresholds = { baseline: 0.3, critic: 0.45, sandbox: 0.6, refuse: 0.9 };

export function routeOf(risk: number, thresholds: Thresholds): RiskRoute {
  return RiskRoute.options.findLast((route) => route === 'plain' || risk >= thresholds[route]) ?? 'plain';
}

const DATA: Readonly<Record<string, number>> = {
  email: 0.15,
  phone: 0.15,
  ip_address: 0.1,
  iban: 0.6,
  credit_card: 0.8,
  secret: 0.8,
  national_id: 0.6,
  passport: 0.6,
  crypto_address: 0.3,
  date_of_birth: 0.15,
  address: 0.15,
  mac_address: 0.1,
};

/** How sensitive the kinds of personal data are: the most sensitive counts. */
export function dataClass(tags: readonly string[]): number {
  return Math.max(0, ...tags.map((tag) => DATA[tag] ?? 0));
}
