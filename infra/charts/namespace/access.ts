import type { Chart } from 'cdk8s';
import {
  ApiResource,
  ClusterRole,
  ClusterRoleBinding,
  Group,
  type ISubject,
  Role,
  RoleBinding,
  ServiceAccount,
} from 'cdk8s-plus-28';
import { type RegionContext, workloads } from '../../context.ts';
import { type ClusterContext, constraintsOf } from './policies.ts';

interface Rule {
  readonly group: string;
  readonly resources: readonly string[];
  readonly verbs: string[];
}

const READ = ['get', 'list', 'watch'];
const WRITE = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];

/** What the program applies in a namespace, by API group. The namespace itself and what is cluster-wide is not in it. */
const APPLIED: readonly Rule[] = [
  {
    group: '',
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
  { group: 'apps', resources: ['deployments', 'statefulsets'], verbs: WRITE },
  { group: 'batch', resources: ['cronjobs'], verbs: WRITE },
  { group: 'autoscaling', resources: ['horizontalpodautoscalers'], verbs: WRITE },
  { group: 'policy', resources: ['poddisruptionbudgets'], verbs: WRITE },
  { group: 'networking.k8s.io', resources: ['networkpolicies'], verbs: WRITE },
  { group: 'gateway.networking.k8s.io', resources: ['gateways', 'httproutes'], verbs: WRITE },
  {
    group: 'gateway.envoyproxy.io',
    resources: ['backendtrafficpolicies', 'clienttrafficpolicies'],
    verbs: WRITE,
  },
  { group: 'keda.sh', resources: ['scaledobjects'], verbs: WRITE },
  { group: 'flagger.app', resources: ['canaries', 'metrictemplates'], verbs: WRITE },
  {
    group: 'monitoring.coreos.com',
    resources: ['servicemonitors', 'prometheusrules'],
    verbs: WRITE,
  },
  // Roles may be read, never made: who could make them could give himself more.
  { group: 'rbac.authorization.k8s.io', resources: ['roles', 'rolebindings'], verbs: READ },
  { group: '', resources: ['pods', 'pods/log', 'events'], verbs: READ },
];

/** What somebody who looks after the platform reads; no Secret is in it. */
const VIEWED: readonly Rule[] = [
  {
    group: '',
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
  ...APPLIED.filter(({ group }) => group !== '').map((rule) => ({
    ...rule,
    verbs: READ,
  })),
  { group: 'apps', resources: ['replicasets'], verbs: READ },
  { group: 'batch', resources: ['jobs'], verbs: READ },
];

/** What a stack has outside of namespaces, by API group: a preview with `--refresh` reads it. */
function clusterWide(context: ClusterContext): Rule[] {
  const { features } = context.stack.kubernetes;
  const kinds = constraintsOf(context).map(({ kind }) => kind.toLowerCase());
  const gatekeeper = [
    { group: 'templates.gatekeeper.sh', resources: ['constrainttemplates'], verbs: READ },
    { group: 'constraints.gatekeeper.sh', resources: [...new Set(kinds)].sort(), verbs: READ },
    { group: 'syncset.gatekeeper.sh', resources: ['syncsets'], verbs: READ },
  ];
  const roles = ['clusterroles', 'clusterrolebindings'];
  return [
    { group: '', resources: ['namespaces'], verbs: READ },
    { group: 'scheduling.k8s.io', resources: ['priorityclasses'], verbs: READ },
    { group: 'rbac.authorization.k8s.io', resources: roles, verbs: READ },
    ...(features.gatekeeper ? gatekeeper : []),
    ...(features.image_signatures
      ? [{ group: 'policy.sigstore.dev', resources: ['clusterimagepolicies'], verbs: READ }]
      : []),
  ];
}

const ROLES = { viewer: 'mcp-viewer', deploy: 'mcp-deploy' } as const;

/**
 * Three kinds of roles and no cluster-admin: `viewer` (people who look), `deploy` (who runs the program in this
 * namespace), and one `runtime` role per service with what that service calls at the API server, which is nothing.
 */
export function accessChart(chart: Chart, context: RegionContext): void {
  const group = (name: string) => Group.fromName(chart, name, name);
  addRole(chart, ROLES.viewer, { rules: VIEWED, subject: group(`${ROLES.viewer}s`) });
  addRole(chart, ROLES.deploy, { rules: APPLIED, subject: group(`${ROLES.deploy}ers`) });
  const { namespace: namespaceName } = context.region;
  for (const { manifest } of workloads(context.stack))
    addRole(chart, `mcp-runtime-${manifest.name}`, {
      rules: [],
      subject: ServiceAccount.fromServiceAccountName(chart, `account-${manifest.name}`, manifest.name, {
        namespaceName,
      }),
    });
}

/**
 * Who deploys also reads what lies outside of the namespaces. Making it stays with whoever administers the cluster: it
 * decides what is admitted, and who may do what.
 */
export function clusterAccessChart(chart: Chart, context: ClusterContext): void {
  const metadata = { name: `${ROLES.deploy}-${context.stack.name}-reads` };
  const role = new ClusterRole(chart, 'role', {
    metadata,
    rules: clusterWide(context).map((rule) => ({ verbs: rule.verbs, endpoints: resourcesOf(rule) })),
  });
  const binding = new ClusterRoleBinding(chart, 'binding', { metadata, role });
  binding.addSubjects(Group.fromName(chart, `${ROLES.deploy}ers`, `${ROLES.deploy}ers`));
}

function resourcesOf({ group, resources }: Rule): ApiResource[] {
  return resources.map((resourceType) => ApiResource.custom({ apiGroup: group, resourceType }));
}

function addRole(
  chart: Chart,
  name: string,
  { rules, subject }: { rules: readonly Rule[]; subject: ISubject },
): void {
  const role = new Role(chart, `role-${name}`, {
    metadata: { name },
    rules: rules.map((rule) => ({ verbs: rule.verbs, resources: resourcesOf(rule) })),
  });
  const binding = new RoleBinding(chart, `binding-${name}`, { metadata: { name }, role });
  binding.addSubjects(subject);
}
