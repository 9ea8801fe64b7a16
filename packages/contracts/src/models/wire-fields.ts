import { z } from 'zod';

/** A field that may hold anything and goes no further. */
export const nothing = z
  .unknown()
  .transform(() => undefined)
  .optional();

/** Name of a function, a schema or a speaker, as OpenAI and Anthropic have it. */
export const WireName = z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, _ or -');

/** Where a name stands that stood before; -1 where each is another. */
export function repeatedAt(names: readonly string[]): number {
  return names.findIndex((name, at) => names.indexOf(name) !== at);
}
