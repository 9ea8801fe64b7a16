/** Requests that begin in one turn of the event loop; a begun one costs about half a millisecond. */
const PER_TURN = 8;

/**
 * Lets work begin a few at a time. A thousand requests that arrive together would else all begin in one turn of the
 * event loop, and whatever arrives beside them, a probe too, would wait until the last of them had.
 */
export class Turns {
  #begun = 0;
  #timed = false;
  readonly #waiting: (() => void)[] = [];

  /** Calls `begin` at once while few have begun in this turn, else in one of the next, in the order of asking. */
  take(begin: () => void): void {
    this.#next();
    if (this.#begun < PER_TURN && this.#waiting.length === 0) {
      this.#begun++;
      begin();
    } else this.#waiting.push(begin);
  }

  #next(): void {
    if (this.#timed) return;
    this.#timed = true;
    setImmediate(() => {
      this.#timed = false;
      this.#begun = 0;
      const now = this.#waiting.splice(0, PER_TURN);
      if (now.length === 0) return;
      this.#next();
      this.#begun = now.length;
      for (const begin of now) begin();
    });
  }
}
