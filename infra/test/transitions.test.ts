import { KubernetesSettings, type Stack } from '@mcp/stacks';
import { beforeAll, describe, expect, it } from 'vitest';
import type { RecordedResource } from '../kit/record.ts';
import { SETTINGS } from './settings.ts';
import { GIVEN, record, STACKS } from './stacks.ts';
import { transition } from './transitions.ts';

const given = new Map<string, readonly RecordedResource[]>();
beforeAll(async () => {
  for (const stack of STACKS) given.set(stack, (await record(stack)).resources);
}, 60_000);

/** Volumes of the event bus are claimed by its StatefulSet: it is made anew around them, and they stay. */
const MADE_ANEW = /^StatefulSet mcp[\w-]*\/nats$/;

describe.each(SETTINGS)('switching $name of $stack', ({ stack, change }) => {
  it('is previewed and applied, there and back', async () => {
    const before = given.get(stack) ?? [];
    const { resources: after } = await record(stack, { ...GIVEN }, (fresh) => change(fresh[stack] as Stack));
    const there = transition(before, after);
    const back = transition(after, before);
    expect([...there.faults, ...back.faults]).toEqual([]);
    expect(there.created + there.updated + there.deleted + there.replaced.length).toBeGreaterThan(0);
    for (const id of [...there.replaced, ...back.replaced]) expect(id).toMatch(MADE_ANEW);
  }, 60_000);
});

it('every setting of Kubernetes is switched', () => {
  const all = Object.entries(KubernetesSettings.shape).flatMap(([name, schema]) =>
    'shape' in schema && name !== 'egress'
      ? Object.keys(schema.shape).map((key) => `${name}.${key}`)
      : [name],
  );
  const names = SETTINGS.map(({ name }) => name).join(', ');
  // They say how images are made, not what is deployed.
  const elsewhere = new Set(['images.platforms', 'images.cache']);
  expect(all.filter((name) => !elsewhere.has(name) && !names.includes(name))).toEqual([]);
});

describe('the check', () => {
  const object = (kind: string, fields: object, name = 'one'): RecordedResource => ({
    type: `kubernetes:a/v1:${kind}`,
    name,
    inputs: { apiVersion: 'v1', kind, metadata: { name: 'it', namespace: 'here' }, ...fields },
  });
  const volumes = (volume: object) => ({
    spec: { template: { spec: { volumes: [{ name: 'data', ...volume }] } } },
  });

  it.each<[string, RecordedResource, RecordedResource, RegExp]>([
    [
      'a volume that changes its kind under its name',
      object('Deployment', volumes({ emptyDir: {} })),
      object('Deployment', volumes({ persistentVolumeClaim: { claimName: 'x' } })),
      /^Deployment here\/it: volume data changes its kind$/,
    ],
    [
      'a claim of another mode',
      object('PersistentVolumeClaim', { spec: { accessModes: ['ReadWriteOnce'] } }),
      object('PersistentVolumeClaim', { spec: { accessModes: ['ReadWriteMany'] } }),
      /is replaced, and its data with it$/,
    ],
    [
      'another URN of the same object',
      object('Role', {}, 'one'),
      object('Role', {}, 'another'),
      /made again, then deleted$/,
    ],
    [
      'another priority',
      object('PriorityClass', { value: 1 }),
      object('PriorityClass', { value: 2 }),
      /never may$/,
    ],
    [
      'a Service that Flagger would make',
      object('Service', {}),
      object('Canary', {}),
      /^Service here\/it is handed over/,
    ],
  ])('finds %s', (_, before, after, fault) => {
    expect(transition([before], [after]).faults).toEqual([expect.stringMatching(fault)]);
  });

  it('counts what is changed in place and what is made anew', () => {
    const set = (spec: object) => object('StatefulSet', { spec });
    expect(transition([set({ replicas: 1 })], [set({ replicas: 2 })])).toMatchObject({
      updated: 1,
      replaced: [],
    });
    expect(transition([set({ serviceName: 'a' })], [set({ serviceName: 'b' })])).toMatchObject({
      updated: 0,
      replaced: ['StatefulSet here/it'],
    });
  });
});
