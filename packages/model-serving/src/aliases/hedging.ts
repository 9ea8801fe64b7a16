/** Hedged requests (Dean and Barroso, The Tail at Scale, 2013): when a second model is asked beside a slow first one. */
import type { ModelAlias } from '@mcp/contracts';
import { RecentTimes } from '../latency.ts';

/** Of a hundred requests so many may be hedged. */
const SHARE = 0.05;
/** Requests that are counted; beyond, both counts are halved, so that what was saved long ago is not spent at once. */
const MAX_COUNTED = 2000;

/** Keeps second requests within a share of the first ones. */
export class HedgeBudget {
  #requests = 0;
  #hedges = 0;

  request(): void {
    this.#requests++;
    if (this.#requests < MAX_COUNTED) return;
    this.#requests /= 2;
    this.#hedges /= 2;
  }

  /** Takes one; false when there is none. */
  take(): boolean {
    if (this.#hedges + 1 > this.#requests * SHARE) return false;
    this.#hedges++;
    return true;
  }
}

/** The hedging of one alias. */
export class Hedging {
  readonly #after_ms: NonNullable<ModelAlias['hedge']>['after_ms'];
  readonly budget: HedgeBudget;
  readonly times = new RecentTimes();

  constructor({ after_ms }: NonNullable<ModelAlias['hedge']>, budget: HedgeBudget) {
    this.#after_ms = after_ms;
    this.budget = budget;
  }

  /** How long the first one is waited for; undefined while that is not known. */
  get after_ms(): number | undefined {
    return this.#after_ms === 'p95' ? this.times.p95_ms : this.#after_ms;
  }
}
