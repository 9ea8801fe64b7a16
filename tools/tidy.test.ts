import { JobSpec, PromptName, ServiceName } from '@mcp/contracts';
import { dependencies as infrastructure } from '@mcp/dependencies';
import { BACKENDS } from '@mcp/model-backends/registry';
import { services } from '@mcp/stacks';
import { describe, expect, it } from 'vitest';
import { ROOT } from './src/paths.ts';
import { importBreaches } from './test/tidy/breaches.ts';
import { changeTable } from './test/tidy/change-rules.ts';
import { importCycles } from './test/tidy/cycle-rules.ts';
import { unusedExports } from './test/tidy/export-rules.ts';
import {
  dependencies,
  importDirections,
  lightManifests,
  relativeExtensions,
} from './test/tidy/import-rules.ts';
import { pathStrings } from './test/tidy/path-rules.ts';
import {
  datedDecisions,
  importedFrom,
  namedPaths,
  namesBelow,
  nothingLocal,
  registryMatches,
} from './test/tidy/project-rules.ts';
import { fileLength, functionShape, noAny, noExcuses, noSkippedTests } from './test/tidy/shape-rules.ts';
import { parseSource, projectFiles, type SourceFile, sources, type Violation } from './test/tidy/source.ts';
import { glossaryWords } from './test/tidy/word-rules.ts';

const files = projectFiles(ROOT);
const code = sources(files);
const manifests = files.filter(({ path }) => path.endsWith('package.json'));

/** Violations as lines, so that a failure reads like a list of what to do. */
function lines(found: readonly Violation[]): string[] {
  return found.map(
    ({ rule, path, line, message }) => `${path}${line === undefined ? '' : `:${line}`} [${rule}] ${message}`,
  );
}

function file(path: string): SourceFile {
  const found = code.find((one) => one.path === path);
  if (found === undefined) throw new Error(`${path} is missing`);
  return found;
}

function page(path: string): { path: string; text: string } {
  const found = files.find((one) => one.path === path);
  if (found === undefined) throw new Error(`${path} is missing`);
  return found;
}

/** Job files that a folder's registry imports; `job.ts` holds their type. */
function handlersOf(folder: string): string[] {
  return importedFrom(file(`${folder}/registry.ts`), folder).filter((name) => name !== 'job');
}

function expectSame(options: Parameters<typeof registryMatches>[0]): void {
  expect(lines(registryMatches(options))).toEqual([]);
}

const planted = (path: string, text: string) => [parseSource(path, text)];

describe('the project', () => {
  it('is there', () => {
    expect(code.length).toBeGreaterThan(50);
  });
  it.each<[string, () => Violation[]]>([
    ['imports run one way', () => importDirections(code)],
    ['manifests of backends are light', () => lightManifests(code)],
    ['no import leads back to its file', () => importCycles(code)],
    ['no path of another workspace, or of nothing, stands in a string', () => pathStrings(code, files)],
    ['relative imports have their extension', () => relativeExtensions(code)],
    [
      'packages are declared where they are imported, and imported where they are declared',
      () => dependencies(code, manifests),
    ],
    ['files are at most 400 lines', () => fileLength(code)],
    ['functions are at most 70 lines and take at most 3 parameters', () => functionShape(code)],
    ['there is no any', () => noAny(code)],
    ['nothing is switched off or put off', () => noExcuses(code)],
    ['no test is skipped', () => noSkippedTests(code)],
    ['nothing is exported that nobody imports', () => unusedExports(code)],
    ['decisions are dated', () => datedDecisions(files)],
    ['nothing names a folder of one machine or a registry host', () => nothingLocal(files)],
    ['the map and the table of changes name what is there', () => namedPaths(page('AGENTS.md'), files)],
    ['each change takes few places', () => changeTable(page('AGENTS.md'), files)],
    ['the words are those of the glossary', () => glossaryWords(files)],
  ])('%s', (_, rule) => {
    expect(lines(rule())).toEqual([]);
  });
});

describe('registries and folders agree', () => {
  const appFolders = files
    .map(({ path }) => /^apps\/([^/]+)\/manifest\.ts$/.exec(path)?.[1])
    .filter((name) => name !== undefined);

  it('services: ServiceName, stacks/services.ts, apps/*', () => {
    expect(
      lines(
        registryMatches({
          rule: 'services',
          registry: 'packages/contracts/src/tables/service-name.ts',
          registered: ServiceName.options,
          folders: 'apps',
          found: appFolders,
        }),
      ),
    ).toEqual([]);
    expect(Object.keys(services).sort()).toEqual([...ServiceName.options].sort());
    for (const [name, manifest] of Object.entries(services)) {
      expect(manifest.name).toBe(name);
      expect(manifest.entry).toBe(`apps/${name}/src/main.ts`);
      expect(
        files.some(({ path }) => path === manifest.entry),
        `${manifest.entry} is missing`,
      ).toBe(true);
      expect(files.some(({ path }) => path === `apps/${name}/src/definition.ts`)).toBe(true);
    }
    const ports = Object.values(services).map((manifest) => manifest.port);
    expect(new Set(ports).size).toBe(ports.length);
  });

  it('dependencies: the table and the folders beside it', () => {
    const folder = 'dependencies';
    expectSame({
      rule: 'dependencies',
      registry: `${folder}/index.ts`,
      registered: Object.keys(infrastructure),
      folders: folder,
      found: files.flatMap(({ path }) => /^dependencies\/([^/]+)\/manifest\.ts$/.exec(path)?.[1] ?? []),
    });
  });

  it('model backends: registry.ts, the folders beside it, and their manifests', () => {
    const folder = 'packages/model-backends/src';
    expectSame({
      rule: 'model-backends',
      registry: `${folder}/registry.ts`,
      registered: importedFrom(file(`${folder}/registry.ts`), folder),
      folders: folder,
      // A folder without a manifest is what several backends share.
      found: files.flatMap(
        ({ path }) => /^packages\/model-backends\/src\/([^/]+)\/manifest\.ts$/.exec(path)?.[1] ?? [],
      ),
    });
    for (const [name, { manifest }] of Object.entries(BACKENDS)) expect(manifest.name).toBe(name);
    const variables = Object.values(BACKENDS).flatMap(({ manifest }) => Object.keys(manifest.settings));
    expect(variables).toEqual([...new Set(variables)]);
  });

  it('jobs: kinds of JobSpec and the files of the task-engine', () => {
    expectSame({
      rule: 'jobs',
      registry: 'packages/contracts/src/tables/jobs.ts',
      registered: JobSpec.options.map((option) => option.shape.kind.value),
      folders: 'apps/task-engine/src/jobs',
      found: handlersOf('apps/task-engine/src/jobs'),
    });
  });

  it('governance jobs: the registry and the files beside it', () => {
    const folder = 'apps/governance/src/jobs';
    const files_there = namesBelow(files, folder).filter((name) => !['job', 'registry'].includes(name));
    expectSame({
      rule: 'governance-jobs',
      registry: `${folder}/registry.ts`,
      registered: handlersOf(folder),
      folders: folder,
      found: files_there,
    });
  });

  it('prompts: the four of the blueprint, every name usable in a request', () => {
    const names = namesBelow(files, 'apps/core/prompts');
    expect(names).toEqual(
      expect.arrayContaining(['base_system', 'critic_mode', 'developer_mode', 'nuclear_mode']),
    );
    for (const name of names) expect(PromptName.safeParse(name).success, name).toBe(true);
  });
});

describe('each rule fails on a planted breach', () => {
  const cases: [string, () => Violation[], RegExp][] = [
    [
      'contracts import nothing of ours',
      () => importDirections(planted('packages/contracts/src/a.ts', "import { x } from '@mcp/wire';")),
      /contracts may not see package/,
    ],
    [
      'a package does not see an app',
      () =>
        importDirections(
          planted('packages/wire/src/a.ts', "import { x } from '../../../apps/core/src/app.ts';"),
        ),
      /only manifest\.ts/,
    ],
    [
      'no app sees another',
      () => importDirections(planted('apps/core/src/a.ts', "export { x } from '../../gateway/src/app.ts';")),
      /imports another app/,
    ],
    [
      'not by a dynamic import either',
      () => importDirections(planted('apps/core/src/a.ts', "await import('../../gateway/src/app.ts');")),
      /imports another app/,
    ],
    [
      'a manifest that is not light',
      () => importDirections(planted('apps/core/manifest.ts', "import { x } from '@mcp/service-kit';")),
      /a manifest imports/,
    ],
    [
      'an app does not see stacks',
      () => importDirections(planted('apps/core/src/a.ts', "import { stacks } from '@mcp/stacks';")),
      /app may not see stacks/,
    ],
    [
      'tools see only manifest.ts of an app',
      () => importDirections(planted('tools/src/a.ts', "import { x } from '../../apps/core/src/app.ts';")),
      /only manifest\.ts/,
    ],
    [
      'nobody reaches into another workspace by path',
      () =>
        importDirections(planted('packages/wire/src/a.ts', "import { x } from '../../safety/src/index.ts';")),
      /leaves its workspace/,
    ],
    [
      'an extension is missing',
      () => relativeExtensions(planted('tools/src/a.ts', "import { x } from './b';")),
      /write \.\/b\.ts/,
    ],
    ...importBreaches,
    [
      'a package is not declared',
      () =>
        dependencies(planted('packages/wire/src/a.ts', "import { z } from 'zod';"), [
          { path: 'packages/wire/package.json', text: '{"name":"@mcp/wire"}' },
        ]),
      /zod is not in/,
    ],
    [
      'a dependency is not used',
      () =>
        dependencies(planted('packages/wire/src/a.ts', ''), [
          { path: 'packages/wire/package.json', text: '{"dependencies":{"zod":"4.0.0"}}' },
        ]),
      /remove it/,
    ],
    ['a file is too long', () => fileLength(planted('a.ts', 'x;\n'.repeat(401))), /401 lines/],
    [
      'a function is too long',
      () => functionShape(planted('a.ts', `function long() {\n${'x;\n'.repeat(70)}}`)),
      /long has 72 lines/,
    ],
    [
      'a test is too long',
      () => functionShape(planted('test/a.test.ts', `it('x', () => {\n${'x;\n'.repeat(70)}});`)),
      /72 lines/,
    ],
    [
      'too many parameters',
      () => functionShape(planted('a.ts', 'class A { m(a: 1, b: 2, c: 3, d: 4) {} }')),
      /m takes 4/,
    ],
    ['any as a type', () => noAny(planted('a.ts', 'let a: any;')), /unknown/],
    ['any as a cast', () => noAny(planted('a.ts', 'const a = b as any;')), /unknown/],
    [
      'a check is switched off',
      () => noExcuses(planted('a.ts', `// ${'biome'}-ignore lint: because`)),
      /in a comment/,
    ],
    ['work is put off', () => noExcuses(planted('a.ts', `/* ${'TO'}DO later */`)), /in a comment/],
    [
      'a test is skipped',
      () => noSkippedTests(planted('test/a.test.ts', "it.skip('x', () => {});")),
      /it\.skip/,
    ],
    [
      'an export has no reader',
      () => unusedExports(planted('tools/src/a.ts', 'export const a = 1;')),
      /nobody imports a/,
    ],
    [
      'a type has no reader',
      () => unusedExports(planted('tools/src/a.ts', 'export interface A { x: A }')),
      /nobody imports A/,
    ],
    [
      'a folder has no line',
      () =>
        registryMatches({
          rule: 'r',
          registry: 'registry.ts',
          registered: ['a'],
          folders: 'src',
          found: ['a', 'b'],
        }),
      /has b/,
    ],
    [
      'a line has no folder',
      () =>
        registryMatches({
          rule: 'r',
          registry: 'registry.ts',
          registered: ['a', 'b'],
          folders: 'src',
          found: ['a'],
        }),
      /names b/,
    ],
    [
      'a decision has no date',
      () => datedDecisions([{ path: 'docs/decisions/why.md', text: '# Why' }]),
      /YYYY-MM-DD/,
    ],
    [
      'a decision has another date inside',
      () => datedDecisions([{ path: 'docs/decisions/2026-01-02-why.md', text: '# Why' }]),
      /first line/,
    ],
    [
      'a machine is named',
      () => nothingLocal([{ path: 'a.md', text: `see ${'/wor'}k/main/x` }]),
      /leave it out/,
    ],
    [
      'the map names what is gone',
      () =>
        namedPaths({ path: 'AGENTS.md', text: 'see `apps/<name>/main.ts` and `apps/<name>/service.ts`' }, [
          { path: 'apps/core/main.ts', text: '' },
        ]),
      /names apps\/<name>\/service\.ts/,
    ],
    [
      'a retired word is used',
      () =>
        glossaryWords([
          { path: 'docs/glossary.md', text: '| timeout | how long | patience |' },
          { path: 'a.ts', text: 'const connectPatience_ms = 1;' },
        ]),
      /says 'patience'/,
    ],
    [
      'a registry is named',
      () => nothingLocal([{ path: 'a.md', text: `https://${'registry.npm'}js.org/x` }]),
      /leave it out/,
    ],
  ];
  it.each(cases)('%s', (_, rule, message) => {
    const found = lines(rule());
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(message);
  });

  it('and none of them on what is right', () => {
    const right = [
      parseSource(
        'packages/wire/src/a.ts',
        "import { z } from 'zod';\nimport { b } from './b.ts';\nexport interface Out { x: string }\nexport function a(): Out { return b(z); }",
      ),
      parseSource('packages/wire/src/b.ts', "export const b = join(c, 'b.ts', './index.ts');"),
      parseSource('packages/wire/src/index.ts', "export { a } from './a.ts';"),
      parseSource('stacks/a.ts', "import { BACKENDS } from '@mcp/model-backends/registry';\nBACKENDS;"),
      parseSource('packages/model-backends/src/registry.ts', "import('./a/index.ts');"),
      parseSource('stacks/services.ts', "import { manifest } from '../apps/core/manifest.ts';\nmanifest;"),
      parseSource(
        'apps/core/manifest.ts',
        "import { defineManifest } from '@mcp/contracts';\nexport const manifest = defineManifest({});",
      ),
    ];
    const manifest = {
      path: 'packages/wire/package.json',
      text: '{"name":"@mcp/wire","dependencies":{"zod":"4.0.0"}}',
    };
    const all = [
      importDirections,
      importCycles,
      lightManifests,
      relativeExtensions,
      unusedExports,
      noAny,
      noExcuses,
      fileLength,
      functionShape,
    ].flatMap((rule) => rule(right));
    expect(
      lines([
        ...all,
        ...pathStrings(right, right),
        ...dependencies(right, [manifest]),
        ...nothingLocal(right),
      ]),
    ).toEqual([]);
  });
});
