/** Calibrates risks to outcomes: pure. */
import type { RiskRoute } from '@mcp/contracts';
import type { Thresholds } from './risk.ts';

/** A risk that was decided by, and whether the request turned out bad. */
export interface Decided {
  readonly risk: number;
  readonly bad: boolean;
}

/** From a risk on, the share of requests that are bad. */
interface Block {
  readonly from: number;
  readonly probability: number;
}

/** Ascending in both. */
export type Curve = readonly Block[];

/**
 * The curve that never falls and is nearest to the outcomes (isotonic regression by pooling adjacent violators: Ayer et
 * al. 1955; of scores: Zadrozny and Elkan 2002). Empty for nothing.
 */
export function isotonic(decided: readonly Decided[]): Curve {
  const blocks: { from: number; count: number; bad: number }[] = [];
  for (const { risk, bad } of [...decided].sort((a, b) => a.risk - b.risk)) {
    const last = blocks.at(-1);
    // What has the same risk has the same probability.
    if (last?.from === risk) {
      last.count++;
      last.bad += Number(bad);
    } else blocks.push({ from: risk, count: 1, bad: Number(bad) });
  }
  const pooled: typeof blocks = [];
  for (const block of blocks) {
    let { from, count, bad } = block;
    for (let last = pooled.at(-1); last !== undefined && last.bad * count >= bad * last.count; ) {
      pooled.pop();
      from = last.from;
      count += last.count;
      bad += last.bad;
      last = pooled.at(-1);
    }
    pooled.push({ from, count, bad });
  }
  return pooled.map(({ from, count, bad }) => ({ from, probability: bad / count }));
}

/** The share of requests of a risk that are bad; under the first of the curve that of the first. */
export function calibrated(curve: Curve, risk: number): number {
  return (curve.findLast(({ from }) => from <= risk) ?? curve[0])?.probability ?? risk;
}

/** One row of a table of reliability: what was foretold of these, and what came. */
interface Bin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly foretold: number;
  readonly came: number;
}

/** Tenths of the probabilities that were foretold. */
export const BINS = 10;

export function reliability(decided: readonly Decided[]): Bin[] {
  return Array.from({ length: BINS }, (_, bin) => {
    const of = decided.filter(({ risk }) => Math.min(BINS - 1, Math.floor(risk * BINS)) === bin);
    const share = (sum: number) => (of.length === 0 ? 0 : sum / of.length);
    return {
      from: bin / BINS,
      to: (bin + 1) / BINS,
      count: of.length,
      foretold: share(of.reduce((sum, { risk }) => sum + risk, 0)),
      came: share(of.filter(({ bad }) => bad).length),
    };
  });
}

/** The expected calibration error (Naeini et al. 2015): by how much foretold and came differ, on average over requests. */
export function calibrationError(decided: readonly Decided[]): number {
  if (decided.length === 0) return 0;
  const off = reliability(decided).reduce(
    (sum, { count, foretold, came }) => sum + count * Math.abs(foretold - came),
    0,
  );
  return off / decided.length;
}

const FOLDS = 5;

/** Each with the probability of a curve that has not seen it, as it would be foretold for requests to come. */
export function crossCalibrated(decided: readonly Decided[]): Decided[] {
  const curves = Array.from({ length: FOLDS }, (_, fold) =>
    isotonic(decided.filter((_one, at) => at % FOLDS !== fold)),
  );
  return decided.map(({ risk, bad }, at) => ({ bad, risk: calibrated(curves[at % FOLDS] ?? [], risk) }));
}

/** From which risk on each route is taken, so that it is taken for what is bad so often; 1 where nothing is. */
export function thresholdsFor(curve: Curve, least: Thresholds): Thresholds {
  let before = 0;
  const at = (route: Exclude<RiskRoute, 'plain'>) => {
    const from = curve.find(({ probability }) => probability >= least[route])?.from ?? 1;
    before = Math.min(1, Math.max(before, from));
    return before;
  };
  return {
    baseline: at('baseline'),
    critic: at('critic'),
    sandbox: at('sandbox'),
    refuse: at('refuse'),
  };
}
