import { markNodes } from './nodes.ts';
import { Program } from './program.ts';
import { EU, get, kubectl, outcome, STACK, US, until } from './support.ts';
import { volumesFor } from './volumes.ts';

/*
 * How these tests are laid out, for who adds one:
 * - The stack `multi-region` is deployed once before all files, by Pulumi itself, and taken away after them: `EU` and `US` of
 *   support.ts. Files run at the same time. One that changes or loads what is deployed says so in its first line with
 *   `alone(EU)` (or US), and has that region to itself among those who say the same; who only looks on says nothing.
 * - What must not disturb, or be disturbed, has a namespace of its own (`makeNamespace`), or a deployment of its own
 *   (`Program.checkout('prod', config)`, with `up` in beforeAll and `destroy` in afterAll). CPU is shared: keep it small.
 * - A test takes away what it made and nothing else; `until` waits for a state, never for a time.
 */

const READY_S = 300;

const say = (text: string) => process.stdout.write(`${text}\n`);
const seconds = (since: number) => `${((Date.now() - since) / 1000).toFixed(1)} s`;

/** Deploys the stack before all tests, and takes it away after them. */
export default async function setup(): Promise<() => Promise<void>> {
  await assertCluster();
  const began = Date.now();
  const unmark = await markNodes();
  const program = Program.checkout(STACK.name);
  process.env.MCP_CLUSTER_CHECKOUT = program.dir;
  const unmount = await volumesFor(STACK, program.objects());
  const takeAway = async () => {
    const since = Date.now();
    const { ok, said } = await program.destroy();
    if (!ok) throw new Error(`destroy: ${said}`);
    await unmark();
    await unmount();
    await assertGone();
    program.remove();
    say(`everything is gone after ${seconds(since)}`);
  };
  const first = await program.up();
  // On a cluster that is busy Gatekeeper may know the kinds of the constraints too late; what is there already stays.
  const up = first.ok ? first : await program.up();
  if (!up.ok) {
    await takeAway();
    throw new Error(`up: ${up.said}`);
  }
  say(`up after ${seconds(began)}`);
  for (const { namespace } of [EU, US]) await ready(namespace);
  say(`every pod is ready after ${seconds(began)}`);
  return takeAway;
}

async function assertCluster(): Promise<void> {
  const nodes = await outcome(kubectl(['get', 'nodes']));
  if (!nodes.ok) throw new Error(`No cluster answers (KUBECONFIG): ${nodes.text}`);
  for (const crd of [
    'httproutes.gateway.networking.k8s.io',
    'scaledobjects.keda.sh',
    'constrainttemplates.templates.gatekeeper.sh',
  ])
    if (!(await outcome(kubectl(['get', 'crd', crd]))).ok)
      throw new Error(
        `The cluster has no ${crd}. docs/local-clusters.md says how to install what the tests need.`,
      );
  for (const { namespace } of [EU, US])
    if ((await outcome(kubectl(['get', 'namespace', namespace]))).ok)
      throw new Error(
        `The namespace ${namespace} is there already: the tests would change and then delete what is in it. Take it away first, or use another cluster.`,
      );
}

async function ready(namespace: string): Promise<void> {
  for (const kind of ['statefulset', 'deployment']) {
    const { items } = await get<{ items: { metadata: { name: string } }[] }>([
      kind,
      '--namespace',
      namespace,
    ]);
    for (const { metadata } of items)
      await until(`${kind} ${metadata.name} in ${namespace} is ready`, READY_S, async () => {
        const { spec, status } = await get<{
          spec: { replicas: number };
          status: { readyReplicas?: number; updatedReplicas?: number };
        }>([kind, metadata.name, '--namespace', namespace]);
        return (status.readyReplicas ?? 0) >= spec.replicas && (status.updatedReplicas ?? 0) >= spec.replicas;
      });
  }
}

/** What is left behind is an error. */
async function assertGone(): Promise<void> {
  const instances = [STACK.name, ...[EU, US].map(({ name }) => `${STACK.name}-${name}`)];
  const left = await outcome(
    kubectl([
      'get',
      'namespaces,priorityclasses,constrainttemplates',
      '--selector',
      `app.kubernetes.io/part-of=mcp,app.kubernetes.io/instance in (${instances.join()})`,
      '--output',
      'name',
    ]),
  );
  if (left.text.trim() !== '') throw new Error(`left behind: ${left.text}`);
}
