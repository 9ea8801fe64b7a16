import type { JobKind, OffPeak } from '@mcp/contracts';

const HOUR_MS = 3_600_000;

/** The moment that is decided for. */
interface Moment {
  readonly now_ms: number;
  /** What the signal says; undefined where there is none, or it is not known. */
  readonly signal: number | undefined;
}

/**
 * How long a job of a kind still has to wait for cheap electricity, in milliseconds; 0 where it may begin: its kind is not
 * held, the signal or else the hour says so, nothing is known, or it has waited for as long as it may.
 */
export function heldFor(
  terms: OffPeak | undefined,
  { kind, created_ms }: { readonly kind: string; readonly created_ms: number },
  { now_ms, signal }: Moment,
): number {
  if (terms === undefined || !terms.kinds.includes(kind as JobKind)) return 0;
  const left_ms = created_ms + terms.latest_s * 1000 - now_ms;
  if (left_ms <= 0) return 0;
  if (terms.signal !== undefined && signal !== undefined)
    return signal <= terms.signal.max ? 0 : Math.min(left_ms, terms.signal.every_s * 1000);
  const { tariff, max_price } = terms;
  return tariff === undefined || max_price === undefined
    ? 0
    : Math.min(left_ms, untilCheap(tariff, max_price, now_ms));
}

function untilCheap(tariff: readonly number[], max_price: number, now_ms: number): number {
  const hour = Math.floor(now_ms / HOUR_MS);
  for (let ahead = 0; ahead < 24; ahead++)
    if ((tariff[(hour + ahead) % 24] ?? 0) <= max_price)
      return ahead === 0 ? 0 : (hour + ahead) * HOUR_MS - now_ms;
  return Number.POSITIVE_INFINITY;
}
