import { afterAll, expect, it } from 'vitest';
import { apply, type KubernetesObject, kindOf, knownKinds, objectsOfStack } from './objects.ts';
import { kubectl, outcome, STACK, show, until } from './support.ts';

/** Another stack in the same cluster, as it would be deployed beside what the tests run on. */
const OTHER = 'mcp-owners-test';
const MANAGER = 'mcp-cluster-tests-other';
const CONSTRAINTS = 'constraints.gatekeeper.sh';

const isPolicy = ({ apiVersion }: KubernetesObject) => /gatekeeper\.sh\//.test(apiVersion);

/** Names of the constraints that the deployed stack has. */
async function ours(): Promise<string[]> {
  const selector = `app.kubernetes.io/instance=${STACK.name}`;
  let names: string[] = [];
  // While kinds of the other stack come or go kubectl may ask for one that is not served.
  await until('the constraints are listed', 60, async () => {
    const { ok, text } = await outcome(
      kubectl(['get', 'constraints', '--selector', selector, '--output', 'name']),
    );
    names = text.trim().split('\n').sort();
    return ok;
  });
  return names;
}

let policies: readonly KubernetesObject[] = [];
const remove = async (objects: readonly KubernetesObject[]) => {
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  await kubectl(['delete', '--ignore-not-found', '--wait=true', '--timeout=120s', '--filename', '-'], list);
};
afterAll(() => remove(policies.filter(({ kind }) => kind === 'ConstraintTemplate')));

it("a stack's policies come and go beside another's", async () => {
  const before = await ours();
  expect(before.length).toBeGreaterThan(5);
  const all = await objectsOfStack('local', (stack) => {
    stack.name = OTHER;
    for (const region of stack.regions) region.namespace = OTHER;
  });
  policies = all.filter(isPolicy);
  const isConstraint = ({ apiVersion }: KubernetesObject) => apiVersion.startsWith(CONSTRAINTS);
  expect(
    (
      await apply(
        policies.filter((one) => !isConstraint(one)),
        { manager: MANAGER },
      )
    ).refused,
  ).toEqual([]);
  const constraints = policies.filter(isConstraint);
  const took_s = await until('the kinds of the other stack are known', 120, async () => {
    const known = await knownKinds();
    return constraints.every((one) => known.has(kindOf(one)));
  });
  expect((await apply(constraints, { manager: MANAGER })).refused).toEqual([]);
  expect(await ours()).toEqual(before);
  await remove(constraints);
  await remove(policies);
  const after = await ours();
  show('Two stacks in one cluster', [
    {
      'constraints of ours': before.length,
      'of the other': constraints.length,
      'established after s': took_s.toFixed(1),
      'ours when the other is gone': after.length,
    },
  ]);
  expect(after).toEqual(before);
  const others = await outcome(kubectl(['get', 'constrainttemplates', '--output', 'name']));
  expect(others.text).not.toContain('mcpmcpownerstest');
});
