import { isDeepStrictEqual } from 'node:util';
import { stacks } from '@mcp/stacks';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { apply, type KubernetesObject, kindOf, knownKinds, nameOf, objectsOfStack } from './objects.ts';
import { makeNamespace, removeNamespace, show } from './support.ts';

/** Nothing is made in it: objects are only shown to the API server. */
const NAMESPACE = 'mcp-kept-test';
/** Kinds that a cluster of these tests need not have: the preview of the stack would say so. */
const ELSEWHERE = [
  'ClusterImagePolicy.policy.sigstore.dev',
  'PrometheusRule.monitoring.coreos.com',
  'ServiceMonitor.monitoring.coreos.com',
];

beforeAll(() => makeNamespace(NAMESPACE));
afterAll(() => removeNamespace(NAMESPACE));

/** Paths of what was written and is not there any more, or differs. What the API server adds is its own. */
function lost(written: unknown, kept: unknown, path = ''): string[] {
  if (written !== null && typeof written === 'object') {
    if (kept === null || typeof kept !== 'object') return [`${path}: ${JSON.stringify(kept)}`];
    if (Array.isArray(written) && (kept as unknown[]).length !== written.length)
      return [`${path}: another length`];
    if (Object.keys(written).length === 0 && !isDeepStrictEqual(written, kept)) return [`${path}: not empty`];
    return Object.entries(written).flatMap(([key, one]) =>
      lost(one, (kept as Record<string, unknown>)[key], `${path}.${key}`),
    );
  }
  return isDeepStrictEqual(written, kept)
    ? []
    : [`${path}: ${JSON.stringify(written)} is kept as ${JSON.stringify(kept)}`];
}

const here = (object: KubernetesObject): KubernetesObject =>
  object.metadata.namespace === undefined
    ? object
    : { ...object, metadata: { ...object.metadata, namespace: NAMESPACE } };

it.each(Object.keys(stacks))('the API server keeps every field of every object of %s', async (stack) => {
  const known = await knownKinds();
  const all = await objectsOfStack(stack);
  // Kinds that the stack's own templates define are established only once they are applied.
  const shown = all.filter((one) => known.has(kindOf(one)) && one.kind !== 'Namespace').map(here);
  const missing = new Set(
    all.map(kindOf).filter((kind) => !known.has(kind) && !kind.endsWith('.constraints.gatekeeper.sh')),
  );
  // Regions of a stack are alike but for their names.
  const unique = new Map(shown.map((one) => [nameOf(one), one]));
  const { objects, refused } = await apply([...unique.values()], { manager: 'mcp-cluster-tests', dry: true });
  expect(refused).toEqual([]);
  const faults = [...unique].flatMap(([name, written]) =>
    lost(written, objects.get(name)).map((fault) => `${name}${fault}`),
  );
  show(`Kept of ${stack}`, [{ objects: objects.size, 'kinds elsewhere': [...missing].join(', ') }]);
  expect(faults).toEqual([]);
  expect([...missing].filter((kind) => !ELSEWHERE.includes(kind))).toEqual([]);
  expect(objects.size).toBe(unique.size);
});
