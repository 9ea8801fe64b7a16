/** The dependencies of a stack as processes of this machine, each from its manifest in `dependencies/`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Dependency, DependencyManifest } from '@mcp/contracts';
import { dependencies, type KnownDependency } from '@mcp/dependencies';
import { neededBy, type Stack, services, servicesOf } from '@mcp/stacks';
import type { DataPaths } from '../paths.ts';
import type { ProcessSpec } from './managed-process.ts';
import { probeGreeting } from './probe.ts';

/** A dependency that runs as a process here. */
export interface LocalDependency {
  readonly name: KnownDependency;
  readonly dependency: Dependency;
  readonly local: NonNullable<DependencyManifest['local']>;
}

/** Those that run as processes of this machine. */
export const LOCAL: readonly LocalDependency[] = (Object.keys(dependencies) as KnownDependency[]).flatMap(
  (name) => {
    const { local } = dependencies[name].manifest;
    return local === undefined ? [] : [{ name, dependency: dependencies[name], local }];
  },
);

/** Those of them that the services of a stack need. */
export function localDependencies(stack: Stack): LocalDependency[] {
  const placed = stack.services.flatMap((placement) => servicesOf(placement)).map((name) => services[name]);
  const needed = neededBy(placed);
  return LOCAL.filter(({ name }) => needed.includes(name));
}

/** Numbers of its ports by name: those of the manifest. */
export function portsOf({ dependency, local }: LocalDependency): Record<string, number> {
  const { ports } = dependency.manifest;
  return Object.fromEntries(
    ports.filter(({ name }) => local.ports.includes(name)).map(({ name, number }) => [name, number]),
  );
}

/** The port by which others reach it. */
export function firstPort({ name, local }: LocalDependency, ports: Readonly<Record<string, number>>): number {
  const port = ports[local.ports[0] ?? ''];
  if (port === undefined) throw new Error(`${name} was given no port.`);
  return port;
}

/**
 * Holds a program under supervision: it is stopped when this shell's stdin ends, which happens when the runner ends
 * in any way. A program that is not ours cannot watch its parent itself.
 */
const SUPERVISE = [
  'exec 3<&0',
  '"$0" "$@" </dev/null & program=$!',
  "trap 'kill -TERM $program 2>/dev/null' TERM INT HUP",
  '{ read -r _ <&3; kill -TERM $program; } 2>/dev/null & watcher=$!',
  'wait $program; code=$?',
  // A trapped signal ends the first wait; the second one is for the program itself.
  'wait $program 2>/dev/null && code=0',
  'kill $watcher 2>/dev/null',
  'exit $code',
].join('\n');

export interface LocalOptions {
  readonly binary: string;
  readonly ports: Readonly<Record<string, number>>;
  readonly password: string | undefined;
  readonly paths: DataPaths;
  readonly env: Readonly<Record<string, string>>;
}

/** Writes its configuration, and says how it is run: on this machine only, each write on disk. */
export function dependencySpec(one: LocalDependency, options: LocalOptions): ProcessSpec {
  const { name, local } = one;
  const { paths, binary } = options;
  const started = startOf(one, options);
  mkdirSync(join(paths.dir, name), { recursive: true, mode: 0o700 });
  for (const [file, text] of Object.entries(started.files))
    writeFileSync(join(paths.run, file), `# Written by \`mcp start\` each time.\n${text}`, { mode: 0o600 });
  const args = [...started.args];
  const windows = process.platform === 'win32';
  const port = firstPort(one, options.ports);
  return {
    name,
    command: windows ? binary : '/bin/sh',
    args: windows ? args : ['-c', SUPERVISE, binary, ...args],
    env: {
      ...options.env,
      ...Object.fromEntries(
        started.env.flatMap((variable) => ('value' in variable ? [[variable.name, variable.value]] : [])),
      ),
    },
    cwd: paths.dir,
    url: `${local.scheme}://127.0.0.1:${port}`,
    log: join(paths.logs, `${name}.log`),
    supervision: 'stdin',
    probe: () => probeGreeting(port, local.greeting),
  };
}

/** How it is started on this machine. */
export function startOf(
  { name, dependency, local }: LocalDependency,
  options: Omit<LocalOptions, 'binary' | 'env'>,
) {
  const { paths, ports, password } = options;
  return dependency.start({
    host: '127.0.0.1',
    ports,
    config_dir: paths.run,
    data_dir: join(paths.dir, name),
    durable: true,
    ...(local.storage_bytes === undefined ? {} : { storage_bytes: local.storage_bytes }),
    ...(password === undefined ? {} : { password }),
  });
}

/** Whether it has a password on this machine: where the manifest has one made at random for those who use it. */
export function hasPassword({ dependency }: LocalDependency): boolean {
  return dependency.manifest.secrets.some(
    ({ made, for: whose }) => made === 'random' && (whose === 'user' || whose === 'itself'),
  );
}
