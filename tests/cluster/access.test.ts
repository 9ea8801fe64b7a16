import { isDeepStrictEqual } from 'node:util';
import { services } from '@mcp/stacks';
import { expect, it } from 'vitest';
import { EU, kubectl, show } from './support.ts';

/** Verb and resource, and whether each role may: [viewer, deploy, runtime of every service]. */
const MATRIX: readonly [string, string, [viewer: boolean, deploy: boolean, runtime: boolean]][] = [
  ['get', 'pods', [true, true, false]],
  ['list', 'pods', [true, true, false]],
  ['create', 'pods', [false, false, false]],
  ['delete', 'pods', [false, false, false]],
  ['get', 'pods/log', [true, true, false]],
  ['create', 'pods/exec', [false, false, false]],
  ['get', 'secrets', [false, true, false]],
  ['list', 'secrets', [false, true, false]],
  ['create', 'secrets', [false, true, false]],
  ['get', 'configmaps', [true, true, false]],
  ['update', 'configmaps', [false, true, false]],
  ['get', 'services', [true, true, false]],
  ['create', 'services', [false, true, false]],
  ['delete', 'services', [false, true, false]],
  ['get', 'serviceaccounts', [true, true, false]],
  ['create', 'serviceaccounts', [false, true, false]],
  ['create', 'serviceaccounts/token', [false, false, false]],
  ['get', 'persistentvolumeclaims', [true, true, false]],
  ['create', 'persistentvolumeclaims', [false, true, false]],
  ['get', 'deployments.apps', [true, true, false]],
  ['patch', 'deployments.apps', [false, true, false]],
  ['delete', 'deployments.apps', [false, true, false]],
  ['get', 'statefulsets.apps', [true, true, false]],
  ['patch', 'statefulsets.apps', [false, true, false]],
  ['create', 'daemonsets.apps', [false, false, false]],
  ['get', 'cronjobs.batch', [true, true, false]],
  ['create', 'cronjobs.batch', [false, true, false]],
  ['get', 'horizontalpodautoscalers.autoscaling', [true, true, false]],
  ['patch', 'horizontalpodautoscalers.autoscaling', [false, true, false]],
  ['get', 'poddisruptionbudgets.policy', [true, true, false]],
  ['create', 'poddisruptionbudgets.policy', [false, true, false]],
  ['get', 'networkpolicies.networking.k8s.io', [true, true, false]],
  ['delete', 'networkpolicies.networking.k8s.io', [false, true, false]],
  ['get', 'httproutes.gateway.networking.k8s.io', [true, true, false]],
  ['patch', 'httproutes.gateway.networking.k8s.io', [false, true, false]],
  ['get', 'scaledobjects.keda.sh', [true, true, false]],
  ['create', 'scaledobjects.keda.sh', [false, true, false]],
  ['get', 'roles.rbac.authorization.k8s.io', [true, true, false]],
  ['create', 'roles.rbac.authorization.k8s.io', [false, false, false]],
  ['bind', 'roles.rbac.authorization.k8s.io', [false, false, false]],
  ['escalate', 'roles.rbac.authorization.k8s.io', [false, false, false]],
  ['create', 'rolebindings.rbac.authorization.k8s.io', [false, false, false]],
  ['create', 'clusterrolebindings.rbac.authorization.k8s.io', [false, false, false]],
  ['get', 'nodes', [false, false, false]],
  ['create', 'namespaces', [false, false, false]],
  ['impersonate', 'users', [false, false, false]],
];

/** Somebody who asks: a group of people, or the account of a service. */
interface Who {
  readonly user: string;
  readonly groups: readonly string[];
}
const member = (group: string): Who => ({ user: 'somebody', groups: [group, 'system:authenticated'] });
const account = (name: string): Who => ({
  user: `system:serviceaccount:${EU.namespace}:${name}`,
  groups: ['system:serviceaccounts', `system:serviceaccounts:${EU.namespace}`, 'system:authenticated'],
});

function review({ user, groups }: Who, verb: string, text: string): object {
  const [kind = '', subresource] = text.split('/');
  const [resource = '', ...group] = kind.split('.');
  return {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: {
      user,
      groups,
      resourceAttributes: {
        ...{ verb, resource, group: group.join('.'), namespace: EU.namespace },
        ...(subresource === undefined ? {} : { subresource }),
      },
    },
  };
}

/** What the API server answers to all of them, in one call. */
async function allowed(reviews: readonly object[]): Promise<boolean[]> {
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: reviews });
  const each = 'jsonpath={.status.allowed}{"\\n"}';
  const answers = await kubectl(['create', '--output', each, '--filename', '-'], list);
  return answers
    .trim()
    .split('\n')
    .map((answer) => answer === 'true');
}

it('each role may do what it is for, and nothing else', async () => {
  const asking = [member('mcp-viewers'), member('mcp-deployers'), ...Object.keys(services).map(account)];
  const answers = await allowed(
    MATRIX.flatMap(([verb, resource]) => asking.map((who) => review(who, verb, resource))),
  );
  const rows = MATRIX.map(([verb, resource, expected], at) => {
    const [viewer, deploy, ...runtime] = answers.slice(at * asking.length, (at + 1) * asking.length);
    const got = { viewer, deploy, runtime: runtime.some(Boolean) };
    return { row: { verb, resource, ...got }, fine: isDeepStrictEqual(Object.values(got), expected) };
  });
  show(
    'Access by SubjectAccessReview',
    rows.map(({ row }) => row),
  );
  expect(rows.filter(({ fine }) => !fine).map(({ row }) => row)).toEqual([]);
});
