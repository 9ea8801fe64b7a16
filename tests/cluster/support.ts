import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Region, type Stack, stacks } from '@mcp/stacks';
import { afterAll, beforeAll } from 'vitest';

const run = promisify(execFile);
const MAX_OUTPUT = 64 * 1024 * 1024;
const TIMEOUT_MS = 180_000;

/** What is deployed: two regions in two namespaces of their own. */
export const STACK = stackNamed('multi-region');
export const [EU, US] = STACK.regions as [Region, Region];

function stackNamed(name: string): Stack {
  const stack = stacks[name];
  if (stack === undefined) throw new Error(`there is no stack ${name}`);
  return stack;
}

/** kubectl with the cluster that KUBECONFIG names. Throws with what it said. */
export async function kubectl(args: readonly string[], input?: string): Promise<string> {
  const work = run('kubectl', [...args], { maxBuffer: MAX_OUTPUT, timeout: TIMEOUT_MS });
  if (input !== undefined) work.child.stdin?.end(input);
  return (await work).stdout;
}

/** The same, for what is read as JSON. */
export async function get<T>(args: readonly string[]): Promise<T> {
  return JSON.parse(await kubectl(['get', ...args, '--output', 'json'])) as T;
}

/** How a command ended: its code and what it said. */
export async function outcome(work: Promise<string>): Promise<{ ok: boolean; text: string }> {
  try {
    return { ok: true, text: await work };
  } catch (error) {
    const {
      stdout = '',
      stderr = '',
      message,
    } = error as { stdout?: string; stderr?: string; message: string };
    return { ok: false, text: `${stdout}${stderr}` || message };
  }
}

const LOCKS = join(tmpdir(), `mcp-cluster-${process.env.MCP_CLUSTER_CHECKOUT?.split('-').at(-1) ?? 'tests'}`);
const LOCK_POLL_MS = 250;

/** Has a region to itself, among the files that ask for it, from before the first test of the file to after its last. */
export function alone({ name }: Region): void {
  const lock = join(LOCKS, name);
  beforeAll(async () => {
    mkdirSync(LOCKS, { recursive: true });
    for (;;)
      try {
        mkdirSync(lock);
        return;
      } catch {
        await new Promise((done) => setTimeout(done, LOCK_POLL_MS));
      }
  });
  afterAll(() => rmdirSync(lock));
}

const OURS = 'mcp.platform/made-by=cluster-tests';

/** A namespace of a test's own; one that an aborted run left is made anew, one of somebody else stays. */
export async function makeNamespace(name: string): Promise<void> {
  await kubectl(['delete', 'namespaces', '--selector', OURS, '--field-selector', `metadata.name=${name}`]);
  await kubectl(['create', 'namespace', name]);
  await kubectl(['label', 'namespace', name, OURS]);
}

/** Takes it away with all that is in it. */
export async function removeNamespace(name: string): Promise<void> {
  await kubectl(['delete', 'namespace', name, '--ignore-not-found', '--wait=true', '--timeout=170s']);
}

/** Runs JavaScript in a service's container: there is no shell in it. */
export function inPod(namespace: string, target: string, script: string): Promise<string> {
  return kubectl([
    '--namespace',
    namespace,
    'exec',
    target,
    '--',
    'node',
    '--input-type=module',
    '--eval',
    script,
  ]);
}

/** Waits until something holds, for at most so many seconds; gives how long it took. */
export async function until(what: string, seconds: number, holds: () => Promise<boolean>): Promise<number> {
  const began = performance.now();
  for (;;) {
    if (await holds()) return (performance.now() - began) / 1000;
    if (performance.now() - began > seconds * 1000) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((done) => setTimeout(done, 1000));
  }
}

export interface Edge {
  readonly url: string;
  readonly key: string;
}

const edges = new Map<string, Edge>();

/** The region's address behind the Gateway, and the first admin key. */
export async function edgeOf({ namespace }: Region): Promise<Edge> {
  const known = edges.get(namespace);
  if (known !== undefined) return known;
  const services = await get<{ items: { spec: { clusterIP: string; ports: { port: number }[] } }[] }>([
    'services',
    '--all-namespaces',
    '--selector',
    `gateway.envoyproxy.io/owning-gateway-namespace=${namespace}`,
  ]);
  const spec = services.items[0]?.spec;
  if (spec === undefined)
    throw new Error(`no Service of the Gateway of ${namespace}: is Envoy Gateway there?`);
  const secret = await get<{ data: { key: string } }>(['secret', 'mcp-admin-key', '--namespace', namespace]);
  const edge = {
    url: await reachable(`http://${spec.clusterIP}:${spec.ports[0]?.port ?? 80}`, namespace),
    key: Buffer.from(secret.data.key, 'base64').toString('utf8'),
  };
  edges.set(namespace, edge);
  return edge;
}

/** On a node the cluster's addresses are reached directly; elsewhere a port is forwarded for as long as the tests run. */
async function reachable(url: string, namespace: string): Promise<string> {
  const direct = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(3000) }).then(
    () => true,
    () => false,
  );
  if (direct) return url;
  const name = execFileSync('kubectl', [
    'get',
    'services',
    '--all-namespaces',
    '--selector',
    `gateway.envoyproxy.io/owning-gateway-namespace=${namespace}`,
    '--output',
    'jsonpath={.items[0].metadata.namespace}/{.items[0].metadata.name}',
  ]).toString();
  const [space = '', service = ''] = name.split('/');
  const forward = execFile('kubectl', ['--namespace', space, 'port-forward', `service/${service}`, ':80']);
  process.once('exit', () => forward.kill());
  return new Promise((done, fail) => {
    forward.once('error', fail);
    forward.stdout?.on('data', (text: string) => {
      const port = /127\.0\.0\.1:(\d+)/.exec(text)?.[1];
      if (port !== undefined) done(`http://127.0.0.1:${port}`);
    });
  });
}

/** A table in the output of the run: what was measured. */
export function show(title: string, rows: readonly Record<string, unknown>[]): void {
  process.stdout.write(`\n${title}\n`);
  console.table(rows);
}
