import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { AssetStore, cacheDir } from '@mcp/assets';
import { type Stack, stacks } from '@mcp/stacks';
import { buildArgumentsOf, MODELS_DIR, type Weights, weightsOf } from '../weights.ts';

const USAGE = `usage: npm run images [-- <stack>] [--push | --no-load] [--build <command>] [--load <command>]

Builds the images of a stack (${Object.keys(stacks).join(', ')}; default local): its weights, from this machine's cache,
which is filled first, then every service. Where the program of the stack builds the services itself, only the weights.
  --push     into the registry that the stack names, for all of its platforms, unless it is there
  --no-load  not into the cluster of the current kube context (kind, k3d, minikube and k3s are known)
  --build    another command than docker, podman, nerdctl or buildah, such as 'docker buildx build --load'
  --load     another command that gives an image to the cluster; the image's name comes last`;

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
/** Tried in order: the first that answers builds. */
const BUILDERS = ['docker', 'podman', 'nerdctl', 'buildah'] as const;

/** What a cluster says of itself, as far as it tells how it takes an image. */
export interface ClusterKind {
  readonly context: string;
  /** `v1.34.1+k3s1` */
  readonly kubelet_version: string;
}

/** The command that gives an image to a cluster, to be followed by its name; undefined for a cluster nobody knows. */
export function loaderOf({ context, kubelet_version }: ClusterKind, builder: string): string | undefined {
  const [, kind] = /^kind-(.+)$/.exec(context) ?? [];
  if (kind !== undefined) return `kind load docker-image --name ${kind}`;
  const [, k3d] = /^k3d-(.+)$/.exec(context) ?? [];
  if (k3d !== undefined) return `k3d image import --cluster ${k3d}`;
  if (context === 'minikube') return 'minikube image load';
  if (kubelet_version.includes('+k3s'))
    return `sh -c '${builder} save "$0" | sudo k3s ctr --namespace k8s.io images import -'`;
  return undefined;
}

/** Puts the weights of a stack in a folder that an image can be built of; each byte is checked again. */
export async function stageWeights(store: AssetStore, { assets }: Weights, dir: string): Promise<void> {
  rmSync(dir, { recursive: true, force: true });
  for (const id of assets)
    for (const { name, path } of await store.verified(id)) {
      const to = join(dir, 'assets', id, name);
      mkdirSync(dirname(to), { recursive: true, mode: 0o755 });
      try {
        linkSync(path, to);
      } catch {
        copyFileSync(path, to);
      }
      // The pod's user is another than the one who fetched them.
      chmodSync(to, 0o644);
    }
  writeFileSync(join(dir, 'Dockerfile'), `FROM scratch\nCOPY assets ${MODELS_DIR}/assets\n`);
}

interface Options {
  readonly push: boolean;
  /** How images are built; arguments follow. */
  readonly build: string;
  /** How the cluster is given one; undefined: it is not. */
  readonly load: string | undefined;
}

async function images(stack: Stack, options: Options): Promise<void> {
  const weights = weightsOf(stack);
  if (weights !== undefined && !isThere(weights.reference, options)) {
    shell(`"$0" "$1"/packages/assets/src/cli.ts ${weights.assets.join(' ')}`, [process.execPath, ROOT]);
    const dir = join(cacheDir(), 'images', stack.name);
    await stageWeights(new AssetStore(), weights, dir);
    build(weights.reference, ['--tag', weights.reference, dir], options);
    rmSync(dir, { recursive: true, force: true });
  }
  if (stack.kubernetes.images.build) return;
  const { repository, tag } = stack.kubernetes.images;
  for (const placement of stack.services) {
    const reference = `${repository}/${placement.service}:${tag}`;
    const given = Object.entries(buildArgumentsOf(stack, placement)).flatMap(([name, value]) => [
      '--build-arg',
      `${name}=${value}`,
    ]);
    build(reference, ['--target', 'prod', ...given, '--tag', reference, ROOT], options);
    if (options.load !== undefined)
      timed(`loading ${reference}`, () => shell(`${options.load} "$0"`, [reference]));
  }
}

/** The weights' name says what is in them: one that is there need not be made again. */
function isThere(reference: string, { push, build: command }: Options): boolean {
  if (!command.startsWith('docker ')) return false;
  const args = push ? ['buildx', 'imagetools', 'inspect', reference] : ['image', 'inspect', reference];
  const there = spawnSync('docker', args, { stdio: 'ignore' }).status === 0;
  if (there) say(`${reference} is there already`);
  return there;
}

function build(reference: string, args: readonly string[], options: Options): void {
  timed(`building ${reference}`, () => shell(`${options.build} "$0" "$@"`, args));
}

/** Options that name a command are written as in a shell; what is put in comes as arguments, never as text of it. */
function shell(command: string, args: readonly string[]): void {
  const { status } = spawnSync('/bin/sh', ['-c', command, ...args], { stdio: 'inherit', cwd: ROOT });
  if (status !== 0)
    throw new Error(`'${command}' ended with ${status ?? 'a signal'}: its own words are above.`);
}

function timed(what: string, work: () => void): void {
  say(what);
  const began = performance.now();
  work();
  say(`${what}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function answer(program: string, ...args: string[]): string | undefined {
  const { status, stdout } = spawnSync(program, args, { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

function builderHere(): string {
  // docker's client may be there without its daemon: `info` asks that.
  const found = BUILDERS.find((one) => answer(one, 'info') !== undefined);
  if (found === undefined)
    throw new Error(
      `Nothing here builds images: start one of ${BUILDERS.join(', ')}, or name another with --build.`,
    );
  return found;
}

function loaderHere(builder: string): string {
  const context = answer('kubectl', 'config', 'current-context') ?? '';
  const kubelet_version =
    answer('kubectl', 'get', 'nodes', '--output', 'jsonpath={.items[0].status.nodeInfo.kubeletVersion}') ??
    '';
  const found = loaderOf({ context, kubelet_version }, builder);
  if (found === undefined)
    throw new Error(
      `The cluster '${context}' is none of kind, k3d, minikube and k3s: say how it is given an image with --load '<command>', or --no-load.`,
    );
  return found;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      push: { type: 'boolean', default: false },
      'no-load': { type: 'boolean', default: false },
      build: { type: 'string' },
      load: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const name = positionals[0] ?? 'local';
  const stack = stacks[name];
  if (values.help === true || stack === undefined) {
    process.stdout.write(`${stack === undefined ? `There is no stack '${name}'. ` : ''}${USAGE}\n`);
    return values.help === true ? 0 : 2;
  }
  const { push } = values;
  const into_cluster = !push && !values['no-load'] && !stack.kubernetes.images.build;
  const builder = values.build === undefined ? (push ? 'docker' : builderHere()) : values.build.split(' ')[0];
  const platforms = stack.kubernetes.images.platforms.join(',');
  await images(stack, {
    push,
    build: values.build ?? (push ? `docker buildx build --push --platform ${platforms}` : `${builder} build`),
    load: into_cluster ? (values.load ?? loaderHere(builder ?? '')) : undefined,
  });
  return 0;
}

if (import.meta.main)
  process.exitCode = await main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  });
