/** Every feature flag, joined from the manifests that ask for it. */
import type { FlagTable } from '@mcp/contracts';
import { joinRows } from './join.ts';
import { services } from './services.ts';

/** Throws a DefinitionError for a flag of which two manifests say different things. */
export function joinFlags(
  manifests: readonly { readonly name: string; readonly flags: FlagTable }[],
): FlagTable {
  const parts = manifests.map(({ name: by, flags: rows }) => ({ by, rows }));
  return joinRows(
    'The table of flags',
    parts,
    (name, one, other) =>
      `${name} is described by ${one} and by ${other} in different words: share one row, or give one of them another name`,
  );
}

export const FLAGS = joinFlags(Object.values(services));

/** Flags are told from other variables by their name. */
export function isFlag(name: string): boolean {
  return name in FLAGS;
}
