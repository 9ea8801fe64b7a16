/** Joins tables that several manifests write into one. */
import { DefinitionError } from '@mcp/contracts';

interface Part<R> {
  readonly by: string;
  readonly rows: Readonly<Record<string, R>>;
}

/** One table of all parts. Throws a DefinitionError for rows of one name that are not the same, in the words of `clash`. */
export function joinRows<R>(
  what: string,
  parts: readonly Part<R>[],
  clash: (name: string, one: string, other: string) => string,
): Readonly<Record<string, R>> {
  const found = new Map<string, { readonly by: string; readonly row: R }>();
  const faults: string[] = [];
  for (const { by, rows } of parts)
    for (const [name, row] of Object.entries(rows)) {
      const known = found.get(name) ?? { by, row };
      found.set(name, known);
      if (JSON.stringify(known.row) !== JSON.stringify(row)) faults.push(clash(name, known.by, by));
    }
  if (faults.length > 0) throw new DefinitionError(what, faults);
  return Object.fromEntries([...found].map(([name, { row }]) => [name, row]));
}
