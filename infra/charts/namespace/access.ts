import type { types } from '@pulumi/kubernetes';
import type { Chart } from 'cdk8s';
import { type RegionContext, workloads } from '../../context.ts';
import { add } from '../../kit/objects.ts';
import { type ClusterContext, constraintsOf } from './policies.ts';

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

/** What a stack has outside of namespaces, by API group: a preview with `--refresh` reads it. */
function clusterWide(context: ClusterContext): Rule[] {
  const { features } = context.stack.kubernetes;
  const kinds = constraintsOf(context).map(({ kind }) => kind.toLowerCase());
  const gatekeeper = [
    { apiGroups: ['templates.gatekeeper.sh'], resources: ['constrainttemplates'], verbs: READ },
    { apiGroups: ['constraints.gatekeeper.sh'], resources: [...new Set(kinds)].sort(), verbs: READ },
    { apiGroups: ['syncset.gatekeeper.sh'], resources: ['syncsets'], verbs: READ },
  ];
  const roles = ['clusterroles', 'clusterrolebindings'];
  return [
    { apiGroups: [''], resources: ['namespaces'], verbs: READ },
    { apiGroups: ['scheduling.k8s.io'], resources: ['priorityclasses'], verbs: READ },
    { apiGroups: ['rbac.authorization.k8s.io'], resources: roles, verbs: READ },
    ...(features.gatekeeper ? gatekeeper : []),
    ...(features.image_signatures
      ? [{ apiGroups: ['policy.sigstore.dev'], resources: ['clusterimagepolicies'], verbs: READ }]
      : []),
  ];
}

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

/**
 * Who deploys also reads what lies outside of the namespaces. Making it stays with whoever administers the cluster: it
 * decides what is admitted, and who may do what.
 */
export function clusterAccessChart(chart: Chart, context: ClusterContext): void {
  const name = `${ROLES.deploy}-${context.stack.name}-reads`;
  const apiGroup = 'rbac.authorization.k8s.io';
  add(chart, 'role', { kind: 'ClusterRole', metadata: { name }, rules: clusterWide(context) });
  add(chart, 'binding', {
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup, kind: 'ClusterRole', name },
    subjects: [{ kind: 'Group', name: `${ROLES.deploy}ers`, apiGroup }],
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
