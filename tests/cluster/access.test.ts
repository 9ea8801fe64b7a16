import { services } from '@mcp/stacks';
import { expect, it } from 'vitest';
import { EU, kubectl, outcome, show } from './support.ts';

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

async function may(as: readonly string[], verb: string, resource: string): Promise<boolean> {
  const [kind = '', subresource] = resource.split('/');
  const { ok } = await outcome(
    kubectl([
      'auth',
      'can-i',
      verb,
      kind,
      ...(subresource === undefined ? [] : ['--subresource', subresource]),
      '--namespace',
      EU.namespace,
      ...as,
    ]),
  );
  return ok;
}

const group = (name: string) => [
  '--as',
  'somebody',
  '--as-group',
  name,
  '--as-group',
  'system:authenticated',
];
const account = (name: string) => ['--as', `system:serviceaccount:${EU.namespace}:${name}`];

it('each role may do what it is for, and nothing else', async () => {
  const rows: Record<string, unknown>[] = [];
  const wrong: string[] = [];
  for (const [verb, resource, [viewer, deploy, runtime]] of MATRIX) {
    const got = {
      viewer: await may(group('mcp-viewers'), verb, resource),
      deploy: await may(group('mcp-deployers'), verb, resource),
      runtime: (
        await Promise.all(Object.keys(services).map((name) => may(account(name), verb, resource)))
      ).some(Boolean),
    };
    rows.push({ verb, resource, ...got });
    if (got.viewer !== viewer || got.deploy !== deploy || got.runtime !== runtime)
      wrong.push(`${verb} ${resource}: ${JSON.stringify(got)}`);
  }
  show('Access by SubjectAccessReview', rows);
  expect(wrong).toEqual([]);
});
