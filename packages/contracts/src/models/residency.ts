/** Where texts must stay: what an operator rules for all and for single callers, and what a request says itself. */
import { z } from 'zod';
import type { CallContext } from '../api/call.ts';
import { Residency } from '../tables/region.ts';

export const Places = z.array(Residency.exclude(['any'])).min(1);

export const ResidencyRules = z.strictObject({
  /** Holds for every caller who is not named; absent: anywhere. */
  default: Places.optional(),
  /** By the caller's id, instead of the default. */
  callers: z.record(z.string().min(1).max(200), Places).default({}),
});
export type ResidencyRules = z.infer<typeof ResidencyRules>;

/** Where the text of a call may be processed: each list holds for itself; none: anywhere. */
export function placesOf(
  { default: everyone, callers }: ResidencyRules,
  { principal, residency }: Pick<CallContext, 'principal' | 'residency'>,
): readonly (readonly Residency[])[] {
  const ruled = Object.hasOwn(callers, principal.id) ? callers[principal.id] : everyone;
  return [
    ...(ruled === undefined ? [] : [ruled]),
    ...(residency === undefined || residency === 'any' ? [] : [[residency]]),
  ];
}

/** Whether a text may be processed there. What must stay somewhere goes nowhere where that is not known. */
export function mayBeAt(place: Residency | undefined, places: readonly (readonly Residency[])[]): boolean {
  return places.every((list) => place !== undefined && list.includes(place));
}
