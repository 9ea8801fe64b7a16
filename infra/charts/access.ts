import type { types } from '@pulumi/kubernetes';
import type { Chart } from 'cdk8s';
import { type RegionContext, workloads } from '../context.ts';
import { add } from '../kit/objects.ts';

type Rule = types.input.rbac.v1.PolicyRule;

const READ = ['get', 'list', 'watch'];
const WRITE = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];

/** What the program applies in a namespace, by API group. The namespace itself and what is cluster-wide is not in it. */
const APPLIED: readonly Rule[] = [
  {
    apiGroups: [''],
    resources: [
      'configmaps',
      'secrets',
      'services',
      'serviceaccounts',
      'persistentvolumeclaims',
      'limitranges',
      'resourcequotas',
    ],
    verbs: WRITE,
  },
  { apiGroups: ['apps'], resources: ['deployments', 'statefulsets'], verbs: WRITE },
  { apiGroups: ['batch'], resources: ['cronjobs'], verbs: WRITE },
  { apiGroups: ['autoscaling'], resources: ['horizontalpodautoscalers'], verbs: WRITE },
  { apiGroups: ['policy'], resources: ['poddisruptionbudgets'], verbs: WRITE },
  { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs: WRITE },
  { apiGroups: ['gateway.networking.k8s.io'], resources: ['gateways', 'httproutes'], verbs: WRITE },
  {
    apiGroups: ['gateway.envoyproxy.io'],
    resources: ['backendtrafficpolicies', 'clienttrafficpolicies'],
    verbs: WRITE,
  },
  { apiGroups: ['keda.sh'], resources: ['scaledobjects'], verbs: WRITE },
  { apiGroups: ['flagger.app'], resources: ['canaries', 'metrictemplates'], verbs: WRITE },
  {
    apiGroups: ['monitoring.coreos.com'],
    resources: ['servicemonitors', 'prometheusrules'],
    verbs: WRITE,
  },
  // Roles may be read, never made: who could make them could give himself more.
  { apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles', 'rolebindings'], verbs: READ },
  { apiGroups: [''], resources: ['pods', 'pods/log', 'events'], verbs: READ },
];

/** What somebody who looks after the platform reads; no Secret is in it. */
const VIEWED: readonly Rule[] = [
  {
    apiGroups: [''],
    resources: [
      'configmaps',
      'services',
      'endpoints',
      'serviceaccounts',
      'persistentvolumeclaims',
      'pods',
      'pods/log',
      'events',
    ],
    verbs: READ,
  },
  ...APPLIED.filter(({ apiGroups }) => Array.isArray(apiGroups) && apiGroups[0] !== '').map((rule) => ({
    ...rule,
    verbs: READ,
  })),
  { apiGroups: ['apps'], resources: ['replicasets'], verbs: READ },
  { apiGroups: ['batch'], resources: ['jobs'], verbs: READ },
];

const ROLES = { viewer: 'mcp-viewer', deploy: 'mcp-deploy' } as const;

/**
 * Three kinds of roles and no cluster-admin: `viewer` (people who look), `deploy` (who runs the program in this
 * namespace), and one `runtime` role per service with what that service calls at the API server, which is nothing.
 */
export function accessChart(chart: Chart, context: RegionContext): void {
  addRole(chart, ROLES.viewer, { rules: VIEWED, subject: { kind: 'Group', name: `${ROLES.viewer}s` } });
  addRole(chart, ROLES.deploy, { rules: APPLIED, subject: { kind: 'Group', name: `${ROLES.deploy}ers` } });
  for (const { manifest } of workloads(context.stack))
    addRole(chart, `mcp-runtime-${manifest.name}`, {
      rules: [],
      subject: { kind: 'ServiceAccount', name: manifest.name, namespace: context.region.namespace },
    });
}

function addRole(
  chart: Chart,
  name: string,
  {
    rules,
    subject,
  }: {
    rules: readonly Rule[];
    subject: { kind: 'Group' | 'ServiceAccount'; name: string; namespace?: string };
  },
): void {
  // A list without rules is not kept by the API server: it would be a difference for ever.
  add(chart, `role-${name}`, {
    kind: 'Role',
    metadata: { name },
    ...(rules.length === 0 ? {} : { rules: [...rules] }),
  });
  add(chart, `binding-${name}`, {
    kind: 'RoleBinding',
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
    subjects: [
      {
        kind: subject.kind,
        name: subject.name,
        ...(subject.kind === 'Group'
          ? { apiGroup: 'rbac.authorization.k8s.io' }
          : { namespace: subject.namespace ?? '' }),
      },
    ],
  });
}
