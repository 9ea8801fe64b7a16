import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import {
  type Import,
  importsOf,
  isTest,
  resolveImport,
  type SourceFile,
  type TextFile,
  type Violation,
} from './source.ts';

/** Part of the project that a file belongs to. */
type Layer =
  | 'contracts'
  | 'dependencies'
  | 'package'
  | 'app'
  | 'stacks'
  | 'tools'
  | 'policies'
  | 'infra'
  | 'free';

interface Place {
  readonly layer: Layer;
  /** Folder of the workspace, or '' at the root. */
  readonly workspace: string;
}

/** What each layer may see beside itself. Tests across services and benches are free. */
const MAY_SEE: Readonly<Record<Layer, readonly Layer[]>> = {
  contracts: [],
  dependencies: ['contracts'],
  package: ['contracts', 'package'],
  app: ['contracts', 'package'],
  stacks: ['contracts', 'dependencies'],
  tools: ['contracts', 'dependencies', 'package', 'stacks'],
  policies: ['contracts'],
  infra: ['contracts', 'dependencies', 'package', 'stacks', 'policies'],
  free: ['contracts', 'dependencies', 'package', 'app', 'stacks', 'tools', 'policies', 'infra', 'free'],
};

/** The manifests of model backends, which stacks see as they see an app's manifest.ts. */
const BACKEND_REGISTRY = 'packages/model-backends/src/registry.ts';
/** What may be imported by what stacks see: it is loaded by every command, and by whoever deploys. */
const LIGHT = new Set(['zod', '@mcp/contracts']);

/** The registry of backends, and all it imports but what it loads on demand, stand on zod and contracts alone. */
export function lightManifests(files: readonly SourceFile[]): Violation[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const open = [BACKEND_REGISTRY];
  const seen = new Set<string>(open);
  const found: Violation[] = [];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const file = byPath.get(path);
    for (const { specifier, line, dynamic } of file === undefined ? [] : importsOf(file)) {
      if (dynamic || LIGHT.has(specifier)) continue;
      const target = specifier.startsWith('.') ? resolveImport(path, specifier) : undefined;
      if (target === undefined)
        found.push({
          rule: 'light-manifest',
          path,
          line,
          message: `imports ${specifier}, but stacks load it with every manifest: move what needs it to index.ts`,
        });
      else if (!seen.has(target)) {
        seen.add(target);
        open.push(target);
      }
    }
  }
  return found;
}

/** Imports run one way: contracts ← other packages ← apps; tools and stacks see each app's manifest.ts only, stacks also the registry of backends. */
export function importDirections(files: readonly SourceFile[]): Violation[] {
  return files.flatMap((file) => {
    const from = placeOf(file.path);
    return importsOf(file).flatMap((one) => {
      const heavy = tooHeavy(file.path, one.specifier);
      if (heavy !== undefined) return [{ rule: 'manifest', path: file.path, line: one.line, message: heavy }];
      const target = targetOf(file.path, one.specifier);
      if (target === undefined) return [];
      const to = placeOf(target);
      const reason = refusal(file, { from, to, target, one });
      return reason === undefined
        ? []
        : [{ rule: 'import-direction', path: file.path, line: one.line, message: reason }];
    });
  });
}

/** Relative imports name the file with its extension, as Node wants it. */
export function relativeExtensions(files: readonly SourceFile[]): Violation[] {
  return files.flatMap((file) =>
    importsOf(file)
      .filter(
        ({ specifier }) => /^\.\.?\//.test(specifier) && posix.extname(specifier.replace(/\?.*$/, '')) === '',
      )
      .map(({ specifier, line }) => ({
        rule: 'relative-extension',
        path: file.path,
        line,
        message: `${specifier} has no extension: write ${specifier}.ts`,
      })),
  );
}

/** Every package that a workspace imports is in its package.json, and every dependency there is imported. */
export function dependencies(files: readonly SourceFile[], manifests: readonly TextFile[]): Violation[] {
  const root = parseManifest(manifests.find(({ path }) => path === 'package.json'));
  return manifests
    .filter(({ path }) =>
      /^((packages|apps)\/[^/]+|dependencies|stacks|tools|infra|policies)\/package\.json$/.test(path),
    )
    .flatMap((manifest) => {
      const workspace = posix.dirname(manifest.path);
      const own = parseManifest(manifest);
      const inside = files.filter(({ path }) => path.startsWith(`${workspace}/`));
      const used = new Set<string>();
      const undeclared = inside.flatMap((file) =>
        importsOf(file).flatMap((one) => {
          const name = packageOf(one.specifier);
          if (name === undefined || name === own.name) return [];
          used.add(name);
          const known =
            own.dependencies.has(name) ||
            (isTest(file.path) && (root.dependencies.has(name) || name.startsWith('@mcp/'))) ||
            isConfig(file.path);
          return known
            ? []
            : [
                {
                  rule: 'dependency',
                  path: file.path,
                  line: one.line,
                  message: `${name} is not in ${manifest.path}: add it there`,
                },
              ];
        }),
      );
      const unused = [...own.dependencies]
        .filter((name) => !used.has(name) && !mentioned(name, inside) && !name.startsWith('@types/'))
        .map((name) => ({
          rule: 'dependency',
          path: manifest.path,
          message: `nothing in ${workspace} imports ${name}: remove it from ${manifest.path}`,
        }));
      return [...undeclared, ...unused];
    });
}

/** A manifest is read by stacks, tools and infrastructure, which do not load what runs. */
function tooHeavy(path: string, specifier: string): string | undefined {
  const name = packageOf(specifier);
  if (!/^(apps|packages)\/[^/]+\/manifest\.ts$/.test(path) || name === undefined) return undefined;
  return ['zod', '@mcp/contracts'].includes(name) ||
    specifier.endsWith('/manifest') ||
    specifier === '@mcp/model-backends/registry'
    ? undefined
    : `a manifest imports ${specifier}: it may see zod, @mcp/contracts and manifests of packages (@mcp/…/manifest)`;
}

function refusal(
  file: SourceFile,
  edge: { from: Place; to: Place; target: string; one: Import },
): string | undefined {
  const { from, to, target, one } = edge;
  if (from.layer === 'free' || from.workspace === to.workspace) return undefined;
  const relative = one.specifier.startsWith('.');
  const manifest = /^(apps|packages)\/[^/]+\/manifest\.ts$/.test(target);
  if (manifest && (from.layer === 'stacks' || (from.layer === 'tools' && to.layer === 'app')))
    return undefined;
  if (target === BACKEND_REGISTRY && from.layer === 'stacks') return undefined;
  if (to.layer === 'app')
    return from.layer === 'app'
      ? `an app imports another app (${target}): call it through the kit's clients`
      : `${from.layer} sees ${target}: of an app only manifest.ts may be seen`;
  if (relative && !(isTest(file.path) && to.layer === 'free'))
    return `${one.specifier} leaves its workspace: import it as @mcp/${to.workspace.split('/').at(-1) ?? ''}`;
  // The kit of the tests runs what the platform needs.
  if (from.workspace === 'packages/testkit' && to.layer === 'dependencies') return undefined;
  // And a dependency is tried with it.
  if (isTest(file.path) && from.layer === 'dependencies' && to.layer === 'package') return undefined;
  return MAY_SEE[from.layer].includes(to.layer)
    ? undefined
    : `${from.layer} may not see ${to.layer} (${one.specifier}): move what is shared towards contracts`;
}

/** Path of what an import means inside the project, or undefined for packages from outside. */
function targetOf(path: string, specifier: string): string | undefined {
  const own = /^@mcp\/([^/]+)/.exec(specifier)?.[1];
  if (own !== undefined && ['dependencies', 'stacks', 'tools', 'infra', 'policies'].includes(own))
    return `${own}/index.ts`;
  if (own !== undefined && specifier === `@mcp/${own}/manifest`) return `packages/${own}/manifest.ts`;
  const app = /^app-(.+)$/.exec(own ?? '')?.[1];
  return app === undefined ? resolveImport(path, specifier) : `apps/${app}/src/index.ts`;
}

function placeOf(path: string): Place {
  const [top = '', second = ''] = path.split('/');
  switch (top) {
    case 'packages':
      return { layer: second === 'contracts' ? 'contracts' : 'package', workspace: `packages/${second}` };
    case 'apps':
      return { layer: 'app', workspace: `apps/${second}` };
    case 'dependencies':
    case 'stacks':
    case 'tools':
    case 'infra':
    case 'policies':
      return { layer: top, workspace: top };
    default:
      return { layer: 'free', workspace: '' };
  }
}

function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith('.') || specifier.startsWith('node:') || specifier.startsWith('/'))
    return undefined;
  const parts = specifier.split('/');
  const name = specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '');
  return builtinModules.includes(name) ? undefined : name;
}

function isConfig(path: string): boolean {
  return /(^|\/)[\w-]+\.config\.ts$/.test(path);
}

/** Some packages are resolved by name at run time instead of imported. */
function mentioned(name: string, files: readonly SourceFile[]): boolean {
  return files.some(({ text }) => text.includes(name));
}

function parseManifest(file: TextFile | undefined): { name: string; dependencies: ReadonlySet<string> } {
  const value: unknown = file === undefined ? {} : JSON.parse(file.text);
  const record = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  const keys = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'];
  return {
    name: String(record.name ?? ''),
    dependencies: new Set(keys.flatMap((key) => Object.keys((record[key] as object | undefined) ?? {}))),
  };
}
