/** Import cycles: files that can only be understood, moved or tested together. */
import { importsOf, resolveImport, type SourceFile, type Violation } from './source.ts';

/** Cycles of imports, those of types alone and dynamic ones included. Each group of files is told once. */
export function importCycles(files: readonly SourceFile[]): Violation[] {
  const paths = new Set(files.map(({ path }) => path));
  const edges = new Map(
    files.map((file) => {
      const targets = importsOf(file).map(({ specifier }) => resolveImport(file.path, specifier));
      return [file.path, [...new Set(targets.filter((path) => path !== undefined && paths.has(path)))]];
    }),
  ) as ReadonlyMap<string, readonly string[]>;
  return groupsOf(edges).flatMap((group) => {
    const [start] = group;
    const way = start === undefined ? undefined : wayBack(edges, start);
    return start === undefined || way === undefined
      ? []
      : [
          {
            rule: 'import-cycle',
            path: start,
            message: `${way.join(' → ')} is a cycle: move what both sides need into a file of its own`,
          },
        ];
  });
}

/** Files that reach each other (Tarjan's strongly connected components), each group sorted; single files too. */
function groupsOf(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const open: string[] = [];
  const groups: string[][] = [];
  const visit = (path: string): number => {
    const index = order.size;
    order.set(path, index);
    let lowest = index;
    open.push(path);
    for (const next of edges.get(path) ?? []) {
      if (!order.has(next)) lowest = Math.min(lowest, visit(next));
      else if (open.includes(next)) lowest = Math.min(lowest, order.get(next) ?? lowest);
    }
    if (lowest === index) groups.push(open.splice(open.indexOf(path)).sort());
    return lowest;
  };
  for (const path of [...edges.keys()].sort()) if (!order.has(path)) visit(path);
  return groups;
}

/** The shortest way from a file back to itself, or undefined. */
function wayBack(edges: ReadonlyMap<string, readonly string[]>, start: string): string[] | undefined {
  const ways: string[][] = [[start]];
  const seen = new Set<string>();
  for (let way = ways.shift(); way !== undefined; way = ways.shift()) {
    for (const next of edges.get(way.at(-1) ?? '') ?? []) {
      if (next === start) return [...way, start];
      if (seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return undefined;
}
