/** Holds text back as long as it may become a stop string, so that none of it is ever said. */
export class StopText<T> {
  readonly #stops: readonly string[];
  #text = '';
  #items: T[] = [];

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** Takes a piece and what belongs to it; gives what can be said by now, and whether a stop string has come. */
  push(text: string, items: readonly T[]): { text: string; items: T[]; stopped: boolean } {
    this.#text += text;
    this.#items.push(...items);
    const found = this.#stops.map((stop) => this.#text.indexOf(stop)).filter((at) => at >= 0);
    if (found.length > 0) {
      this.#text = this.#text.slice(0, Math.min(...found));
      return { ...this.end(), stopped: true };
    }
    if (this.#stops.some((stop) => endsWithin(this.#text, stop)))
      return { text: '', items: [], stopped: false };
    return { ...this.end(), stopped: false };
  }

  /** What was held back, when no more comes. */
  end(): { text: string; items: T[] } {
    const out = { text: this.#text, items: this.#items };
    this.#text = '';
    this.#items = [];
    return out;
  }
}

/** True when the end of the text is the beginning of the stop string. */
function endsWithin(text: string, stop: string): boolean {
  for (let size = Math.min(text.length, stop.length - 1); size > 0; size--)
    if (text.endsWith(stop.slice(0, size))) return true;
  return false;
}
