import type { JobKind, OffPeak } from '@mcp/contracts';

const HOUR_MS = 3_600_000;

/**
 * How long a job of a kind still has to wait for an hour of cheap electricity, in milliseconds; 0 where it may begin: its
 * kind is not held, the hour is cheap, or it has waited for as long as it may.
 */
export function heldFor(
  terms: OffPeak | undefined,
  { kind, created_ms }: { readonly kind: string; readonly created_ms: number },
  now_ms: number,
): number {
  if (terms === undefined || !terms.kinds.includes(kind as JobKind)) return 0;
  const left_ms = created_ms + terms.latest_s * 1000 - now_ms;
  if (left_ms <= 0) return 0;
  const hour = Math.floor(now_ms / HOUR_MS);
  for (let ahead = 0; ahead < 24; ahead++) {
    if ((terms.tariff[(hour + ahead) % 24] ?? 0) > terms.max_price) continue;
    return ahead === 0 ? 0 : Math.min(left_ms, (hour + ahead) * HOUR_MS - now_ms);
  }
  return left_ms;
}
