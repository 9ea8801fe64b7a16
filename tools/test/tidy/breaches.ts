/** Planted breaches for the rules on imports, cycles and paths, and on the table of changes. */
import { changeTable } from './change-rules.ts';
import { importCycles } from './cycle-rules.ts';
import { importDirections, lightManifests } from './import-rules.ts';
import { pathStrings } from './path-rules.ts';
import { parseSource, type Violation } from './source.ts';

const planted = (path: string, text: string) => [parseSource(path, text)];
const two = (a: string, b: string) => [
  parseSource('packages/wire/src/a.ts', a),
  parseSource('packages/wire/src/b.ts', b),
];
const console_file = parseSource('apps/console/src/a.ts', '');
const row = (text: string) =>
  changeTable({ path: 'AGENTS.md', text: `## To add …\n| a | by hand |\n| --- | --- |\n${text}\n` }, [
    { path: 'a/b.ts', text: 'export const rows = 1;' },
  ]);
const names = (text: string) => pathStrings(planted('apps/core/src/a.ts', text), [console_file]);

/** Breaches of what holds between files: the rule that must tell them, and how. */
export const importBreaches: [string, () => Violation[], RegExp][] = [
  [
    'two files import each other',
    () => importCycles(two("import { b } from './b.ts';", "import { a } from './a.ts';")),
    /a\.ts → packages\/wire\/src\/b\.ts → packages\/wire\/src\/a\.ts is a cycle/,
  ],
  [
    'by types alone, and over the package',
    () =>
      importCycles([
        parseSource('packages/wire/src/index.ts', "export { a } from './a.ts';"),
        parseSource('packages/wire/src/a.ts', "import type { B } from '@mcp/wire';"),
      ]),
    /is a cycle/,
  ],
  [
    'by a dynamic import',
    () => importCycles(two("await import('./b.ts');", "type A = import('./a.ts').A;")),
    /is a cycle/,
  ],
  ['a path leads into another workspace', () => names("read('../../console/src');"), /another workspace/],
  ['from the root of the checkout', () => names("const a = 'apps/console/src/a.ts';"), /another workspace/],
  ['to what is built there', () => names("new URL('../../console/dist', b);"), /another workspace/],
  ['in the pieces of a call', () => names("join(ROOT, 'apps', 'console');"), /another workspace/],
  ['to code that is not there', () => names("new URL('./gone.ts', b);"), /not there/],
  [
    'stacks see the registry of backends alone',
    () => importDirections(planted('stacks/a.ts', "import { x } from '@mcp/model-backends';")),
    /stacks may not see package/,
  ],
  [
    'a manifest of a backend is heavy',
    () =>
      lightManifests([
        parseSource('packages/model-backends/src/registry.ts', "import { m } from './a/manifest.ts';"),
        parseSource('packages/model-backends/src/a/manifest.ts', "import { b } from './b.ts';"),
        parseSource('packages/model-backends/src/a/b.ts', "import { Pool } from 'undici';"),
      ]),
    /imports undici, but stacks load it/,
  ],
  ['a change takes many places', () => row('| route | `a/b.ts`, `a/c.ts`, `a/d.ts` |'), /takes 3 places/],
  ['a change names no place', () => row('| route | its row |'), /takes 0 places/],
  ['a registry is elsewhere', () => row('| route | its line of `lines` in `a/b.ts` |'), /declares no lines/],
  ['there is no table of changes', () => changeTable({ path: 'AGENTS.md', text: '' }, []), /has no table/],
];
