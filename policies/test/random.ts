import fc from 'fast-check';
import { type Params, paramsOf } from '../params.ts';
import { DIGEST, LABELS } from './objects.ts';

/** Fields that are there or not: what the API server lets through, right and wrong values alike. */
const some = <T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(model, { requiredKeys: [] });
const flag = fc.boolean();
const oneOf = (...values: string[]) => fc.constantFrom(...values);

const securityContext = some({
  privileged: flag,
  allowPrivilegeEscalation: flag,
  readOnlyRootFilesystem: flag,
  runAsNonRoot: flag,
  runAsUser: fc.constantFrom(0, 10_001),
  procMount: oneOf('Default', 'Unmasked'),
  seccompProfile: fc.record({ type: oneOf('RuntimeDefault', 'Localhost', 'Unconfined') }),
  capabilities: some({
    drop: fc.subarray(['ALL', 'NET_RAW']),
    add: fc.subarray(['NET_BIND_SERVICE', 'SYS_ADMIN', 'ALL']),
  }),
});

const image = fc
  .tuple(
    oneOf(
      '',
      'ghcr.io/acme/',
      'ghcr.io/acme-evil/',
      'evil.io/ghcr.io/acme/',
      'localhost:5000/',
      'docker.io/library/',
    ),
    oneOf('core', 'latest', 'a/b'),
    oneOf('', ':', ':latest', ':0.1.0', ':latest-2'),
    oneOf('', `@${DIGEST}`, '@sha256:12', '@', `@${DIGEST}@${DIGEST}`),
  )
  .map((parts) => parts.join(''));

const amounts = some({ cpu: oneOf('1', '100m'), memory: oneOf('1Gi'), 'ephemeral-storage': oneOf('1Gi') });

const value = fc.oneof(
  fc.string(),
  oneOf(
    'info',
    '$(OTHER)',
    'postgres://mcp:$(PASSWORD)@db',
    'postgres://mcp:hunter2@db',
    'http://core:8080/a@b',
    'http://a:9","b@c',
    `sk-${'a'.repeat(24)}`,
    `mask-${'a'.repeat(24)}`,
    `AKIA${'A'.repeat(16)}`,
    `eyJ${'a'.repeat(12)}.eyJ${'b'.repeat(12)}.c`,
    '-----BEGIN PRIVATE KEY-----',
  ),
);
const variable = oneOf(
  'TOKEN',
  'MAX_TOKENS',
  'api_key',
  'KEY_FILE',
  'MONKEY',
  'MY_SECRET',
  'passwordX',
  'DATABASE_URL',
  'X',
);

const container = fc.record(
  {
    name: oneOf('core', 'sidecar', 'init'),
    image,
    command: fc.array(value, { maxLength: 2 }),
    args: fc.array(value, { maxLength: 2 }),
    env: fc.array(fc.record({ name: variable, value }, { requiredKeys: ['name'] }), { maxLength: 3 }),
    ports: fc.array(some({ containerPort: fc.constant(80), hostPort: fc.constantFrom(0, 80) }), {
      maxLength: 2,
    }),
    resources: some({ requests: amounts, limits: amounts }),
    securityContext,
  },
  { requiredKeys: ['name'] },
);
const containers = fc.array(container, { maxLength: 2 });

const residencies = oneOf('eu', 'us', 'any', '');
const labels = fc
  .tuple(fc.subarray(Object.entries(LABELS)), fc.option(residencies, { nil: undefined }))
  .map(([entries, residency]) => ({
    ...Object.fromEntries(entries),
    ...(residency === undefined ? {} : { 'mcp.platform/residency': residency }),
  }));

const podSpec = some({
  hostNetwork: flag,
  hostPID: flag,
  hostIPC: flag,
  nodeSelector: some({
    'residency.mcp.platform/eu': oneOf('true', 'false'),
    'residency.mcp.platform/us': oneOf('true'),
  }),
  securityContext,
  containers,
  initContainers: containers,
  ephemeralContainers: containers,
  volumes: fc.array(
    fc.record({ name: oneOf('v', 'w'), hostPath: some({ path: oneOf('/') }) }, { requiredKeys: ['name'] }),
    { maxLength: 2 },
  ),
});
const template = fc.record({ metadata: some({ labels }), spec: podSpec }, { requiredKeys: ['spec'] });
const metadata = fc.record(
  {
    name: oneOf('core', 'edge'),
    namespace: oneOf('mcp', 'other'),
    labels,
    ownerReferences: fc.array(some({ controller: flag }), { maxLength: 2 }),
  },
  { requiredKeys: ['name', 'namespace'] },
);

const of = (apiVersion: string, kind: string, spec: fc.Arbitrary<unknown>) =>
  fc.record({ apiVersion: fc.constant(apiVersion), kind: fc.constant(kind), metadata, spec });
const workload = fc.record(
  { replicas: fc.integer({ min: 0, max: 3 }), template },
  { requiredKeys: ['template'] },
);

/** An object of each kind that a rule looks at. */
export const anyObject = fc.oneof(
  of('v1', 'Pod', podSpec),
  of('apps/v1', 'Deployment', workload),
  of('apps/v1', 'StatefulSet', workload),
  of('apps/v1', 'DaemonSet', fc.record({ template })),
  of('batch/v1', 'Job', fc.record({ template })),
  of('batch/v1', 'CronJob', fc.record({ jobTemplate: fc.record({ spec: fc.record({ template }) }) })),
  of(
    'v1',
    'Service',
    some({
      type: oneOf('ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'),
      externalIPs: fc.array(fc.ipV4(), { maxLength: 1 }),
    }),
  ),
  fc.record({
    apiVersion: fc.constant('v1'),
    kind: fc.constant('ConfigMap'),
    metadata,
    data: fc.dictionary(variable, value, { maxKeys: 3 }),
  }),
);

const keys = oneOf(...Object.keys(LABELS), 'constructor');
const selector = some({
  matchLabels: labels,
  matchExpressions: fc.array(
    fc.record(
      {
        key: keys,
        operator: oneOf('In', 'NotIn', 'Exists', 'DoesNotExist'),
        values: fc.subarray(['core', 'eu', 'any', 'mcp']),
      },
      { requiredKeys: ['key', 'operator'] },
    ),
    { maxLength: 2 },
  ),
});

/** Objects that stand beside it: what the audit-only rules read. */
export const anyNeighbours = fc.uniqueArray(
  fc.oneof(
    of(
      'networking.k8s.io/v1',
      'NetworkPolicy',
      some({
        podSelector: selector,
        policyTypes: fc.subarray(['Ingress', 'Egress']),
        egress: fc.constant([]),
      }),
    ),
    of('policy/v1', 'PodDisruptionBudget', some({ selector })),
    of(
      'autoscaling/v2',
      'HorizontalPodAutoscaler',
      fc.record(
        {
          minReplicas: fc.integer({ min: 1, max: 4 }),
          scaleTargetRef: fc.record({
            kind: oneOf('Deployment', 'StatefulSet'),
            name: oneOf('core', 'edge'),
          }),
        },
        { requiredKeys: ['scaleTargetRef'] },
      ),
    ),
  ),
  {
    maxLength: 4,
    selector: ({ kind, metadata: { namespace, name } }) => `${kind} ${namespace}/${name}`,
  },
);

export const anyParams: fc.Arbitrary<Params> = fc
  .record({
    allowed_registries: fc.subarray(['ghcr.io/acme/', 'docker.io/library/', 'localhost:5000/']),
    by_digest: flag,
    load_balancers: fc.subarray(['edge', 'core']),
  })
  .map(paramsOf);
