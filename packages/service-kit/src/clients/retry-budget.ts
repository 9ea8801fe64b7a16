import type { RetryBudget as Budget } from '@mcp/contracts';

/** Second and further attempts that one request may cost, over all services and layers. */
const RETRIES_PER_REQUEST = 3;
const MAX_RETRIES = 16;

/** What is left of a request's retries: whoever tries again takes one first, and gives up when there is none. */
export class RetryBudget implements Budget {
  #left: number;

  constructor(left = RETRIES_PER_REQUEST) {
    this.#left = left;
  }

  /** From a header; a caller that says nothing begins a request of its own. */
  static from(header: string | undefined): RetryBudget {
    return header !== undefined && /^\d{1,2}$/.test(header)
      ? new RetryBudget(Math.min(MAX_RETRIES, Number(header)))
      : new RetryBudget();
  }

  get left(): number {
    return this.#left;
  }

  take(): boolean {
    if (this.#left === 0) return false;
    this.#left--;
    return true;
  }

  /** Another process has spent some: it says how many it left over. What is no such number is not believed. */
  settle(left: number): void {
    if (Number.isInteger(left) && left >= 0) this.#left = Math.min(this.#left, left);
  }
}
