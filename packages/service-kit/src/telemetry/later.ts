/**
 * Work that no answer waits for (counting, closing spans): done in order, once the event loop has written
 * what was ready. Costs an answer nothing but a place in a list.
 */
let queue: (() => void)[] = [];

export function later(work: () => void): void {
  // Two turns: in the first one the HTTP client writes what was asked in this one.
  if (queue.push(work) === 1) setImmediate(() => setImmediate(runLater));
}

/** Does now what has been put off, so that what is read next is complete. */
export function runLater(): void {
  while (queue.length > 0) {
    const batch = queue;
    queue = [];
    for (const work of batch) work();
  }
}
