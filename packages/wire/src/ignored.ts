/** Which fields of a request changed no answer: those that its schema passes over, and those that its backend does. */

/**
 * Fields that a schema took and passed over, as dotted paths without the places in lists: JSON has no undefined, so a
 * key without a value in what was parsed is one whose value was dropped.
 */
export function ignoredIn(parsed: unknown): string[] {
  const found = new Set<string>();
  look(parsed, '', found);
  return [...found];
}

function look(value: unknown, path: string, found: Set<string>): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) look(item, path, found);
    return;
  }
  for (const key in value) {
    const inner = (value as Record<string, unknown>)[key];
    if (inner === undefined) found.add(`${path}${key}`);
    else if (typeof inner === 'object') look(inner, `${path}${key}.`, found);
  }
}

/** Those of some fields that a request gives a value. */
export function givenOf<K extends string>(
  request: { readonly [Key in K]?: unknown },
  fields: readonly K[],
): K[] {
  return fields.filter((field) => request[field] != null);
}
