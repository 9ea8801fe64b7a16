/** Every feature flag, joined from the manifests that ask for it. */
import { DefinitionError, type FlagTable } from '@mcp/contracts';
import { services } from './services.ts';

/** Throws a DefinitionError for a flag of which two manifests say different things. */
export function joinFlags(
  manifests: readonly { readonly name: string; readonly flags: FlagTable }[],
): FlagTable {
  const found = new Map<string, { readonly by: string; readonly row: FlagTable[string] }>();
  const faults: string[] = [];
  for (const { name: by, flags } of manifests)
    for (const [name, row] of Object.entries(flags)) {
      const known = found.get(name) ?? { by, row };
      found.set(name, known);
      if (known.row.default !== row.default || known.row.description !== row.description)
        faults.push(
          `${name} is described by ${known.by} and by ${by} in different words: share one row, or give one of them another name`,
        );
    }
  if (faults.length > 0) throw new DefinitionError('The table of flags', faults);
  return Object.fromEntries([...found].map(([name, { row }]) => [name, row]));
}

export const FLAGS = joinFlags(Object.values(services));

/** Flags are told from other variables by their name. */
export function isFlag(name: string): boolean {
  return name in FLAGS;
}
