import { expect, it } from 'vitest';
import { apply, type KubernetesObject } from './objects.ts';
import { Program } from './program.ts';
import { alone, kubectl, outcome, STACK, show, US } from './support.ts';

/** Whom the role `mcp-deploy` is bound to in every region's namespace. */
const GROUP = 'mcp-deployers';
const MANAGER = 'mcp-cluster-tests-deployer';
const SERVICE = 'governance';
const VARIABLE = 'MCP_LOG_CHECK_SCHEDULE';
const SCHEDULE = '13 3 * * *';

const program = new Program(process.env.MCP_CLUSTER_CHECKOUT ?? '', STACK.name);
alone(US);

const isRbac = ({ apiVersion }: KubernetesObject) => apiVersion.startsWith('rbac.authorization.k8s.io/');
const inUs = ({ metadata }: KubernetesObject) => metadata.namespace === US.namespace;
const deployed = (one: KubernetesObject) =>
  inUs(one) && one.kind === 'Deployment' && one.metadata.name === SERVICE;

async function schedule(): Promise<string> {
  const path = `{.spec.template.spec.containers[0].env[?(@.name=="${VARIABLE}")].value}`;
  const args = ['deployment', SERVICE, '--namespace', US.namespace, '--output', `jsonpath=${path}`];
  return kubectl(['get', ...args]);
}

it('who has the role deploy, and no other, applies what is in the namespace, and a change of a service', async () => {
  const before = program.objects();
  const namespaced = before.filter((one) => inUs(one) && !isRbac(one));
  const shown = await apply(namespaced, { manager: MANAGER, group: GROUP, dry: true });
  expect(shown.refused).toEqual([]);
  const undo = program.give(SERVICE, VARIABLE, SCHEDULE);
  const changed = program.objects();
  undo();
  const seen: string[] = [];
  for (const objects of [changed, before]) {
    const { refused } = await apply(objects.filter(deployed), { manager: MANAGER, group: GROUP });
    expect(refused).toEqual([]);
    seen.push(await schedule());
  }
  show('With the role deploy alone', [
    { 'objects it may apply': shown.objects.size, changed: seen[0], back: seen[1] },
  ]);
  expect(seen).toEqual([SCHEDULE, '']);
});

it('he reads what the stack has beside its namespaces, for a preview with --refresh, and changes none of it', async () => {
  const all = program.objects();
  const others = all.filter(({ metadata }) => metadata.namespace === undefined);
  expect(others.length).toBeGreaterThan(10);
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: others });
  const asHim = ['--as=somebody', `--as-group=${GROUP}`, '--filename', '-'];
  const { ok, text } = await outcome(kubectl(['get', ...asHim, '--output', 'name'], list));
  expect(ok, text).toBe(true);
  for (const one of [...others, ...all.filter((own) => inUs(own) && isRbac(own))]) {
    const { refused } = await apply([one], { manager: MANAGER, group: GROUP, dry: true });
    expect(refused.join(), `${one.kind} ${one.metadata.name}`).toMatch(/forbidden/);
  }
});
