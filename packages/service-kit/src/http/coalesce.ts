/** Unmerged values that are held for a reader that is not ready; beyond, the source is held back. */
const MAX_HELD = 16;
/** How long deltas are put together while the process has much to do. */
const BUSY_MS = 40;

/** How neighbours of a stream are put together while its reader is slower than its source. */
export interface Coalescing<T> {
  /** Two neighbours as one value that says the same; undefined where they must stay apart. */
  merge(a: T, b: T): T | undefined;
  /** Whether the process has so much to do that fewer, larger values are sent to readers that are fast too. */
  busy?(): boolean;
}

/** A source that is read one value at a time, or on while its reader is not ready. */
export class ReadAhead<T> {
  readonly #iterator: AsyncIterator<T>;
  #coming: Promise<IteratorResult<T>> | undefined;

  constructor(iterator: AsyncIterator<T>) {
    this.#iterator = iterator;
  }

  next(): Promise<IteratorResult<T>> {
    const coming = this.#coming ?? this.#iterator.next();
    this.#coming = undefined;
    return coming;
  }

  /** What comes until the reader is ready, neighbours merged. An end or a failure of the source is for `next`. */
  async gather(ready: Promise<void>, { merge }: Pick<Coalescing<T>, 'merge'>): Promise<readonly T[]> {
    const held: T[] = [];
    let over = false;
    const done = ready.then(() => {
      over = true;
    });
    while (!over && held.length < MAX_HELD) {
      this.#coming ??= this.#iterator.next();
      const next = await Promise.race([this.#coming.catch(() => undefined), done]);
      // It is ready, or the source has failed.
      if (next === undefined || next.done === true) break;
      this.#coming = undefined;
      const last = held.at(-1);
      const merged = last === undefined ? undefined : merge(last, next.value);
      if (merged === undefined) held.push(next.value);
      else held[held.length - 1] = merged;
    }
    await ready;
    return held;
  }
}

/** A moment in which deltas come together; undefined while the process is not busy. */
export function busyPause<T>({ busy }: Coalescing<T>): Promise<void> | undefined {
  if (busy?.() !== true) return undefined;
  return new Promise((done) => {
    setTimeout(done, BUSY_MS);
  });
}
