import { posix } from 'node:path';
import { importsOf, type SourceFile, type TextFile, type Violation } from './source.ts';

const dotted = (...parts: string[]) => parts.join('.');

/** Hosts of package registries: who fetches packages goes through their clients. Assembled, so that none stands here. */
const REGISTRY_HOSTS = [
  dotted('registry', 'npmjs', 'org'),
  dotted('registry', 'yarnpkg', 'com'),
  dotted('pypi', 'org'),
  dotted('files', 'pythonhosted', 'org'),
  dotted('repo1', 'maven', 'org'),
  dotted('repo', 'maven', 'apache', 'org'),
  dotted('proxy', 'golang', 'org'),
  dotted('index', 'crates', 'io'),
  dotted('static', 'crates', 'io'),
];
/** Folders of somebody's machine. */
const MACHINE_FOLDERS = ['work', 'root', 'tmp', 'opt', 'Users', 'home'];
const MACHINE_PATH = new RegExp(`(^|[\\s"'\`(=:])/(${MACHINE_FOLDERS.join('|')})/[\\w.-]`);

/** What a registry names and what lies in folders are the same. */
export function registryMatches(options: {
  rule: string;
  registry: string;
  registered: readonly string[];
  folders: string;
  found: readonly string[];
}): Violation[] {
  const { rule, registry, registered, folders, found } = options;
  return [
    ...registered
      .filter((name) => !found.includes(name))
      .map((name) => ({
        rule,
        path: registry,
        message: `names ${name}, which is not in ${folders}: add it there or drop it`,
      })),
    ...found
      .filter((name) => !registered.includes(name))
      .map((name) => ({
        rule,
        path: folders,
        message: `has ${name}, which ${registry} does not name: add its line`,
      })),
  ];
}

/** Names directly below a folder: sub-folders, or files without their extension. */
export function namesBelow(files: readonly TextFile[], folder: string): string[] {
  const names = files
    .filter(({ path }) => path.startsWith(`${folder}/`))
    .map(({ path }) => path.slice(folder.length + 1).split('/')[0] ?? '')
    .map((name) => name.replace(/\.[^.]+$/, ''));
  return [...new Set(names)].sort();
}

/** What a file imports from a folder beside it: `./jobs/export.ts` gives `export`. */
export function importedFrom(file: SourceFile, folder: string): string[] {
  const below = importsOf(file).flatMap(({ specifier }) => {
    if (!specifier.startsWith('.')) return [];
    const path = posix.join(posix.dirname(file.path), specifier);
    return path.startsWith(`${folder}/`)
      ? [(path.slice(folder.length + 1).split('/')[0] ?? '').replace(/\.[^.]+$/, '')]
      : [];
  });
  return [...new Set(below)].sort();
}

/** A decision bears its date in its name and in its first line. */
export function datedDecisions(files: readonly TextFile[]): Violation[] {
  return files
    .filter(({ path }) => path.startsWith('docs/decisions/'))
    .flatMap(({ path, text }) => {
      const date = /^docs\/decisions\/(\d{4}-\d{2}-\d{2})-[a-z0-9-]+\.md$/.exec(path)?.[1];
      if (date === undefined || Number.isNaN(Date.parse(date)))
        return [{ rule: 'dated-decision', path, message: 'its name must be YYYY-MM-DD-what-was-decided.md' }];
      return text.startsWith(`# ${date} `)
        ? []
        : [{ rule: 'dated-decision', path, line: 1, message: `its first line must begin with "# ${date} "` }];
    });
}

/** Nothing in the project names a folder of one machine or the host of a package registry. */
export function nothingLocal(files: readonly TextFile[]): Violation[] {
  return files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((content, at) => {
      const host = REGISTRY_HOSTS.find((name) => content.includes(name));
      const local = MACHINE_PATH.exec(content)?.[0].trim();
      const what = host ?? local;
      return what === undefined
        ? []
        : [
            {
              rule: 'nothing-local',
              path,
              line: at + 1,
              message: `names ${what}, which only some machines have: leave it out`,
            },
          ];
    }),
  );
}

/** Every path that a page names in backticks is there; `<name>` stands for any name. */
export function namedPaths(page: TextFile, files: readonly TextFile[]): Violation[] {
  const paths = files.map(({ path }) => path);
  return [...page.text.matchAll(/`([\w.@<>-]+(?:\/[\w.@<>-]*)*)`/g)]
    .map(([, name = '']) => name)
    .filter((name) => name.includes('/') || /\w\.(ts|mjs|md)$/.test(name))
    .filter((name) => {
      const pattern = name
        .split(/<[^>]+>/)
        .map(escaped)
        .join('[^/]+');
      const found = new RegExp(`(^|/)${pattern}${name.endsWith('/') ? '' : '(/|$)'}`);
      return !paths.some((path) => found.test(path));
    })
    .map((name) => ({
      rule: 'named-path',
      path: page.path,
      message: `names ${name}, which is not there: name what is`,
    }));
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
