/** The dump of a stack as files that a reviewer reads: one per chart, and one for each file that its objects carry. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { RecordedResource } from '../kit/record.ts';

export const EXPECTED = join(import.meta.dirname, 'expected');
const CHART = 'mcp:cdk8s:Chart';
const KUBERNETES = /^kubernetes:.+\/.+:/;
/** What is in no chart: providers, images, passwords, components. */
const PROGRAM = 'program';
/** The last part of a key that names a file: of a ConfigMap, or of an annotation that a pod mounts. */
const FILE_NAME = /(?:^|\/)([\w.-]+\.[a-z]+)$/;

/** Texts by their path below the folder of the stack. */
export type Dump = ReadonlyMap<string, string>;

/** Renders what the program registered. Equal resources give equal files, whatever the order of registration. */
export function dumpOf(resources: readonly RecordedResource[]): Dump {
  // Longest first: `dev-gateway-canary` before `dev-gateway`.
  const charts = resources
    .flatMap(({ type, name }) => (type === CHART ? [name] : []))
    .sort((a, b) => b.length - a.length || a.localeCompare(b));
  const members = new Map<string, RecordedResource[]>();
  for (const resource of resources) {
    const { type, name } = resource;
    const chart = KUBERNETES.test(type) ? charts.find((one) => name.startsWith(`${one}-`)) : undefined;
    const file = chart ?? PROGRAM;
    members.set(file, [...(members.get(file) ?? []), resource]);
  }
  return new Map([...members].flatMap(([file, all]) => filesOf(file, all)));
}

/** The files that are kept for a stack. */
export function expectedOf(stack: string): Dump {
  const folder = join(EXPECTED, stack);
  if (!existsSync(folder)) return new Map();
  return new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]),
  );
}

function filesOf(name: string, resources: readonly RecordedResource[]): [string, string][] {
  const files: [string, string][] = [];
  const carried = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(carried);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value)
        .map(([key, one]): [string, unknown] => {
          const [, file] = FILE_NAME.exec(key) ?? [];
          if (file === undefined || typeof one !== 'string' || !one.includes('\n'))
            return [key, carried(one)];
          const path = `${name}/${file}`;
          if (files.some(([other]) => other === path))
            throw new Error(`Two objects of ${name} carry a file ${file}: name them apart.`);
          files.push([path, one]);
          return [key, { file: path }];
        })
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  };
  const documents = resources
    .map((one) => ({ key: `${one.type} ${one.name}`, of: carried(one.inputs) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ key, of }) => `# ${key}\n${stringify(of, { lineWidth: 0, aliasDuplicateObjects: false })}`);
  files.push([`${name}.yaml`, documents.join('---\n')]);
  return files;
}
