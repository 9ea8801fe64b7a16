/** The table of changes in AGENTS.md: how many places each takes, and whether its registries are where it says. */
import type { TextFile, Violation } from './source.ts';

const MOST_PLACES = 2;
/** Changes that take more: a service by what it is; the others are over the goal, and docs/changes.md says why. */
const MORE_PLACES: Readonly<Record<string, number>> = {
  service: 4,
  'page of the console': 3,
  job: 3,
};
const PLACE = /`([\w.@<>-]+\/[\w.@<>/-]*)`/g;
const REGISTRY = /`(\w+)` in `([^`]+)`/g;

/** Each row names places, no more than it may, and what it calls a registry is declared in the file it names. */
export function changeTable(page: TextFile, files: readonly TextFile[]): Violation[] {
  const [, table = ''] = page.text.split('## To add');
  const rows = [...table.matchAll(/^\| (?!a \||---)(.+?) \| (.+) \|$/gm)];
  const say = (message: string) => ({ rule: 'change-table', path: page.path, message });
  if (rows.length === 0) return [say('has no table of changes: say for each what to edit')];
  return rows.flatMap(([, kind = '', text = '']) => {
    const places = new Set([...text.matchAll(PLACE)].map(([, path]) => path));
    const most = MORE_PLACES[kind] ?? MOST_PLACES;
    const registries = [...text.matchAll(REGISTRY)].flatMap(([, name = '', path = '']) => {
      if (path.includes('<') || path.endsWith('/')) return [];
      const held = files.find((one) => one.path === path)?.text ?? '';
      return new RegExp(`\\b(const|type|function|class) ${name}\\b`).test(held)
        ? []
        : [say(`${kind}: ${path} declares no ${name}: name the file that does`)];
    });
    return places.size >= 1 && places.size <= most
      ? registries
      : [...registries, say(`${kind} takes ${places.size} places, not 1 to ${most}: make it fewer`)];
  });
}
