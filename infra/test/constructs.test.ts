import { ApiObject, Testing } from 'cdk8s';
import type { Construct } from 'constructs';
import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ASSUMED, asKept } from '../kit/kept.ts';
import { complete, completed } from '../kit/objects.ts';
import { type Asked, lost, valuesOf } from './asked.ts';
import { record, STACKS } from './stacks.ts';

const asked: Asked[] = vi.hoisted(() => []);
/** Methods that tell a construct what its properties do not. */
const TELLING = ['addIngressRule', 'addEgressRule', 'addSubjects', 'select', 'selectLabel'] as const;

vi.mock('cdk8s-plus-28', async (original) => {
  const real = await original<typeof import('cdk8s-plus-28')>();
  type Made = new (scope: Construct, id: string, props: object) => Construct;
  const listening = (Real: Made): Made =>
    class extends Real {
      constructor(scope: Construct, id: string, props: object) {
        super(scope, id, props);
        const values = valuesOf(props);
        asked.push({ path: this.node.path, values });
        const self = this as unknown as Record<string, ((...all: unknown[]) => unknown) | undefined>;
        for (const name of TELLING) {
          const method = self[name]?.bind(this);
          if (method === undefined) continue;
          self[name] = (...all) => {
            values.push(...valuesOf(all));
            return method(...all);
          };
        }
      }
    };
  const kinds = [
    'ClusterRole',
    'ClusterRoleBinding',
    'ConfigMap',
    'Deployment',
    'HorizontalPodAutoscaler',
    'Namespace',
    'NetworkPolicy',
    'PersistentVolumeClaim',
    'Role',
    'RoleBinding',
    'Service',
    'ServiceAccount',
    'StatefulSet',
  ] as const;
  return {
    ...real,
    ...Object.fromEntries(kinds.map((kind) => [kind, listening(real[kind] as unknown as Made)])),
  };
});

beforeEach(() => {
  asked.length = 0;
});

describe('constructs of cdk8s-plus', () => {
  it.each(STACKS)(
    'drop and change nothing that the charts of %s ask for',
    async (stack) => {
      const { resources } = await record(stack);
      const made = new Map(
        resources.filter(({ type }) => type.startsWith('kubernetes:')).map((one) => [one.name, one.inputs]),
      );
      const missing = asked.flatMap(({ path, values }) => {
        const object = made.get(path.replaceAll('/', '-'));
        return object === undefined
          ? [`${path} makes no object`]
          : lost(values, object).map((one) => `${path}: ${one}`);
      });
      expect(missing).toEqual([]);
      // Most of the objects of a namespace are theirs.
      expect(asked.length).toBeGreaterThan(40);
    },
    60_000,
  );

  it('would be found out', async () => {
    const { Deployment, Cpu } = await import('cdk8s-plus-28');
    const chart = Testing.chart();
    const containers = [{ name: 'one', image: 'one:1', resources: { cpu: { limit: Cpu.millis(1500) } } }];
    const unknown = { revisionHistoryLimit: 77 } as object;
    const deployment = new Deployment(chart, 'one', { replicas: 3, containers, ...unknown });
    const object = ApiObject.of(deployment);
    expect(lost(asked[0]?.values ?? [], asKept(object.toJson()))).toEqual(['77']);
    complete(deployment, { kind: 'Deployment', spec: { revisionHistoryLimit: 77 } });
    expect(lost(asked[0]?.values ?? [], asKept(completed(object, object.toJson()) as never))).toEqual([]);
  });
});

describe('what is completed', () => {
  it('is merged by key, in lists by name, and taken away where it is undefined', async () => {
    const { Service, Deployment } = await import('cdk8s-plus-28');
    const service = new Service(Testing.chart(), 'one', {
      ports: [
        { name: 'a', port: 1 },
        { name: 'b', port: 2 },
      ],
    });
    complete(service, {
      kind: 'Service',
      spec: {
        type: undefined,
        clusterIP: 'None',
        ports: [
          { name: 'b', appProtocol: 'http' },
          { name: 'c', port: 3 },
        ],
      },
    });
    const object = ApiObject.of(service);
    expect(asKept(completed(object, object.toJson()) as { apiVersion: string; spec: object }).spec).toEqual({
      clusterIP: 'None',
      ports: [
        { name: 'a', port: 1 },
        { name: 'b', port: 2, appProtocol: 'http' },
        { name: 'c', port: 3 },
      ],
    });
    const other = new Deployment(Testing.chart(), 'one', { containers: [{ image: 'one:1' }] });
    expect(() => complete(other, { kind: 'Service' })).toThrow(/is a Deployment, not a Service/);
  });
});

describe('an object as it is kept', () => {
  it.each<[string, object, object]>([
    ['lists and objects of nothing', { rules: [], spec: {}, a: null, b: undefined }, {}],
    [
      'what is meant empty',
      { podSelector: {}, volumes: [{ emptyDir: {} }] },
      { podSelector: {}, volumes: [{ emptyDir: {} }] },
    ],
    ['defaults that cdk8s-plus says', { spec: { ...ASSUMED, replicas: 2 } }, { spec: { replicas: 2 } }],
    ['the same keys with another value', { spec: { minReadySeconds: 5 } }, { spec: { minReadySeconds: 5 } }],
    ['memory', { limits: { memory: '1024Mi', cpu: '1000m' } }, { limits: { memory: '1Gi', cpu: '1' } }],
    ['memory of no whole number', { requests: { memory: '1.5Gi' } }, { requests: { memory: '1536Mi' } }],
    ['the size of a volume', { emptyDir: { sizeLimit: '2048Mi' } }, { emptyDir: { sizeLimit: '2Gi' } }],
    [
      'data of ours',
      { data: { immutable: '', limits: '1024Mi' } },
      { data: { immutable: '', limits: '1024Mi' } },
    ],
  ])('has %s', (_, object, kept) => {
    expect(asKept({ apiVersion: 'v1', ...object })).toEqual({ apiVersion: 'v1', ...kept });
    expect(asKept(asKept({ apiVersion: 'v1', ...object }))).toEqual({ apiVersion: 'v1', ...kept });
  });

  it('is not touched where its kind is not built in', () => {
    const custom = fc.jsonValue().map((spec) => ({ apiVersion: 'keda.sh/v1alpha1', spec }));
    fc.assert(
      fc.property(custom, (object) => {
        expect(asKept(object)).toEqual(object);
      }),
    );
  });

  it('loses no value but those that are assumed', () => {
    const key = fc.constantFrom('spec', 'name', 'port', 'template', 'items', 'replicas', 'env');
    const value = fc.oneof(fc.string({ minLength: 1 }), fc.integer(), fc.boolean());
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        value,
        fc.array(tie('tree'), { minLength: 1, maxLength: 4 }),
        fc.dictionary(key, tie('tree'), { minKeys: 1 }),
      ),
    }));
    fc.assert(
      fc.property(tree, (spec) => {
        const object = { apiVersion: 'apps/v1', spec };
        expect(asKept(object)).toEqual(object);
      }),
    );
  });
});
