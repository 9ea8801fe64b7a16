/** How long to wait before trying for another time: twice as long each time, from the first wait to the longest. */
export function backOff(
  times: number,
  { first_ms, most_ms = Number.POSITIVE_INFINITY }: { first_ms: number; most_ms?: number },
): number {
  return Math.min(most_ms, first_ms * 2 ** Math.max(0, times - 1));
}
