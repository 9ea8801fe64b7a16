import { isDeepStrictEqual } from 'node:util';
import { stacks } from '@mcp/stacks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SETTINGS } from '../../infra/test/settings.ts';
import { asMade, isReplaced } from '../../infra/test/transitions.ts';
import { apply, type KubernetesObject, kindOf, knownKinds, nameOf, objectsOfStack } from './objects.ts';
import { kubectl, makeNamespace, removeNamespace, show } from './support.ts';

/** Objects are made in it, but no pod: a quota keeps them away. */
const namespaceOf = (stack: string) => `mcp-settings-${stack}`;
const quotaIn = (namespace: string) => ({
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name: 'no-pods', namespace },
  spec: { hard: { pods: '0' } },
});
const MANAGER = 'mcp-cluster-tests';
/** What a controller answers to by making things beyond the namespace, or never. */
const LEFT_OUT = new Set(['Canary.flagger.app', 'Gateway.gateway.networking.k8s.io']);

let known: ReadonlySet<string>;
beforeAll(async () => {
  known = await knownKinds();
});

/** What a stack has in its first region, as if it were in the namespace of this test. */
async function objectsIn(
  ...of: Parameters<typeof objectsOfStack>
): Promise<ReadonlyMap<string, KubernetesObject>> {
  const all = await objectsOfStack(...of);
  // Regions in clusters of their own may have one name for their namespaces.
  const regionOf = ({ metadata }: KubernetesObject) => metadata.labels?.['mcp.platform/region'];
  const first = all.find(({ kind }) => kind === 'Namespace');
  const mine = all.filter(
    (one) =>
      one.metadata.namespace !== undefined &&
      first !== undefined &&
      regionOf(one) === regionOf(first) &&
      known.has(kindOf(one)) &&
      !LEFT_OUT.has(kindOf(one)),
  );
  return new Map(
    mine.map((one) => [
      nameOf(one),
      { ...one, metadata: { ...one.metadata, namespace: namespaceOf(of[0]) } },
    ]),
  );
}

type Objects = ReadonlyMap<string, KubernetesObject>;

/** Brings the cluster from one to the other as Pulumi does: what is new or changed, then what is gone. */
async function update(from: Objects, to: Objects): Promise<{ refused: readonly string[]; objects: number }> {
  const changed = [...to].flatMap(([name, fresh]) => {
    const old = from.get(name);
    const one = old === undefined ? fresh : asMade(old, fresh);
    return isDeepStrictEqual(old, one) ? [] : [{ one, anew: old !== undefined && isReplaced(old, one) }];
  });
  const inPlace = changed.flatMap(({ one, anew }) => (anew ? [] : [one]));
  const previewed = await apply(inPlace, { manager: MANAGER, dry: true });
  const replaced = changed.flatMap(({ one, anew }) => (anew ? [one] : []));
  await remove(replaced);
  const applied = await apply([...inPlace, ...replaced], { manager: MANAGER });
  const gone = [...from].flatMap(([name, one]) => (to.has(name) ? [] : [one]));
  await remove(gone);
  return {
    refused: [...previewed.refused, ...applied.refused],
    objects: changed.length + gone.length,
  };
}

async function remove(objects: readonly KubernetesObject[]): Promise<void> {
  if (objects.length === 0) return;
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  await kubectl(['delete', '--ignore-not-found', '--wait=true', '--timeout=60s', '--filename', '-'], list);
}

describe.each(Object.keys(stacks))('settings of %s', (stack) => {
  let base: ReadonlyMap<string, KubernetesObject>;
  beforeAll(async () => {
    await makeNamespace(namespaceOf(stack));
    base = await objectsIn(stack);
    const { refused } = await apply([quotaIn(namespaceOf(stack)), ...base.values()], { manager: MANAGER });
    expect(refused).toEqual([]);
  });
  afterAll(() => removeNamespace(namespaceOf(stack)));

  const rows: Record<string, unknown>[] = [];
  afterAll(() => show(`Settings of ${stack}, there and back`, rows));

  it.each(SETTINGS.filter((one) => one.stack === stack))(
    '$name is switched there and back',
    async ({ name, change }) => {
      const switched = await objectsIn(stack, change);
      const there = await update(base, switched);
      const back = await update(switched, base);
      rows.push({
        setting: name.slice(0, 60),
        'objects there': there.objects,
        'objects back': back.objects,
      });
      expect([...there.refused, ...back.refused]).toEqual([]);
    },
  );
});
