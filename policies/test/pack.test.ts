import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { PolicyResource, ResourceValidationArgs, StackValidationArgs } from '@pulumi/policy';
import { expect, it } from 'vitest';
import { objectOf, policies } from '../pack/policies.ts';
import { RULES } from '../rules.ts';
import { container, deployment, PARAMS, running, secured } from './objects.ts';

type Props = Record<string, unknown>;

/** How the pack's server wraps what a preview does not know yet; not in the package's types. */
const proxy: {
  UnknownValueError: new () => Error;
  unknownCheckingProxy: (props: Props) => Props;
  unknownStringValue: string;
} = createRequire(import.meta.url)('@pulumi/policy/proxy');
const { UnknownValueError, unknownCheckingProxy, unknownStringValue } = proxy;
const CONFIG = { allowed_registries: PARAMS.allowed_registries };

/** What the pack reports about one resource, over all its policies; `unknown` where a policy cannot run yet. */
function reported(props: Props, config: object = CONFIG): string[] {
  const seen: string[] = [];
  const args = {
    type: 'kubernetes:apps/v1:Deployment',
    props: unknownCheckingProxy(props),
    getConfig: () => config,
  } as unknown as ResourceValidationArgs;
  for (const policy of policies()) {
    if (!('validateResource' in policy) || typeof policy.validateResource !== 'function') continue;
    try {
      void policy.validateResource(args, () => seen.push(policy.name));
    } catch (error) {
      if (!(error instanceof UnknownValueError)) throw error;
      seen.push(`${policy.name} unknown`);
    }
  }
  return [...new Set(seen)];
}

it('has one policy per rule, each mandatory', () => {
  expect(policies().map(({ name }) => name)).toEqual(RULES.map(({ name }) => name));
  expect(new Set(policies().map(({ enforcementLevel }) => enforcementLevel))).toEqual(new Set(['mandatory']));
});

it('reports what the rules hold against a resource', () => {
  expect(reported(deployment())).toEqual([]);
  expect(reported(running(secured({ privileged: true })))).toEqual(['restricted-pods']);
  expect(reported(deployment(), {})).toEqual(['image-registry']);
});

it('judges the rest of a pod while its digest is unknown in a preview', () => {
  const unbuilt = { ...container({ image: unknownStringValue }), resources: {} };
  expect(reported(running(unbuilt))).toEqual([
    'image-registry unknown',
    'image-tag unknown',
    'image-digest unknown',
    'resources-set',
  ]);
});

it('judges a whole stack, leaves other resources alone and names the resource', () => {
  const resource = (type: string, urn: string, props: object) =>
    ({ type, urn, props }) as unknown as PolicyResource;
  const args = {
    resources: [
      resource('kubernetes:apps/v1:Deployment', 'urn:core', deployment({ replicas: 2 })),
      resource('pulumi:providers:kubernetes', 'urn:provider', {}),
      resource('mcp:index:Region', 'urn:region', {}),
    ],
    getConfig: () => CONFIG,
  } as unknown as StackValidationArgs;
  const seen = policies().flatMap((policy) => {
    const found: string[] = [];
    if ('validateStack' in policy)
      void policy.validateStack(args, (_text, urn) => found.push(`${policy.name} ${urn}`));
    return found;
  });
  expect([...new Set(seen)]).toEqual(['network-policy urn:core', 'disruption-budget urn:core']);
});

it('reads apiVersion and kind from the type of a resource', () => {
  expect(objectOf('kubernetes:core/v1:Service', { spec: {} })).toEqual({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {},
    spec: {},
  });
  expect(objectOf('kubernetes:keda.sh/v1alpha1:ScaledObject', {})).toMatchObject({
    apiVersion: 'keda.sh/v1alpha1',
  });
  expect(objectOf('kubernetes:yaml:ConfigFile', {})).toBeUndefined();
});

it('starts as Pulumi starts it, and serves on the port it prints', async () => {
  const policy_module = createRequire(import.meta.url).resolve('@pulumi/policy');
  const runner = createRequire(policy_module).resolve('@pulumi/pulumi/cmd/run-policy-pack');
  const pack = fileURLToPath(new URL('../pack', import.meta.url));
  const child = spawn(process.execPath, [runner, '127.0.0.1:1', pack], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = await once(child.stdout, 'data');
    const port = Number(String(line).trim());
    expect(port).toBeGreaterThan(0);
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.destroy();
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}, 20_000);
