import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KubernetesSettings, type Stack, stacks } from '@mcp/stacks';
import { freePort } from '@mcp/testkit';
import * as pulumi from '@pulumi/pulumi';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { assertCluster } from '../preflight.ts';

const TIMEOUT_MS = 300;
const EVERYTHING = [
  'httproutes.gateway.networking.k8s.io',
  'backendtrafficpolicies.gateway.envoyproxy.io',
  'scaledobjects.keda.sh',
  'constrainttemplates.templates.gatekeeper.sh',
  'canaries.flagger.app',
];

beforeEach(() => {
  vi.stubEnv('MCP_PREFLIGHT', undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const groupOf = (crd: string) => crd.slice(crd.indexOf('.') + 1);

/** An API server that knows these kinds, and answers discovery alone. */
function knowing(crds: readonly string[]): RequestListener {
  const versions = [{ groupVersion: 'any/v1', version: 'v1' }];
  const groups = [...new Set(crds.map(groupOf))].map((name) => ({ name, versions }));
  return (request, response) => {
    const [, group] = /^\/apis\/([^/]+)\/v1$/.exec(request.url ?? '') ?? [];
    if (group === undefined) expect(request.url).toBe('/apis');
    const resources = crds
      .filter((crd) => groupOf(crd) === group)
      .map((crd) => ({ name: crd.split('.')[0], singularName: '', namespaced: true, kind: '', verbs: [] }));
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify(
        group === undefined
          ? { apiVersion: 'v1', kind: 'APIGroupList', groups }
          : { apiVersion: 'v1', kind: 'APIResourceList', groupVersion: `${group}/v1`, resources },
      ),
    );
  };
}

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function kubeconfig(port: number): string {
  return `apiVersion: v1
kind: Config
clusters: [{ name: here, cluster: { server: "http://127.0.0.1:${port}", insecure-skip-tls-verify: true } }]
users: [{ name: me, user: { token: a-token-that-must-not-be-seen } }]
contexts: [{ name: here, context: { cluster: here, user: me } }]
current-context: here
`;
}

function local(features: Partial<KubernetesSettings['features']> = {}): Stack {
  const stack = stacks.local as Stack;
  return {
    ...stack,
    kubernetes: { ...stack.kubernetes, features: { ...stack.kubernetes.features, ...features } },
  };
}

/** What the preflight says with a kubeconfig of its own; undefined: nothing is wrong. */
async function saidOf(given: string, stack = local()): Promise<string | undefined> {
  const kubeconfigs = { [stack.regions[0]?.name ?? '']: pulumi.output(given) };
  try {
    await assertCluster({ stack, secrets: {}, signing_keys: ['1'], kubeconfigs }, TIMEOUT_MS);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(pulumi.RunError);
    return (error as Error).message;
  }
}

describe('before anything is planned', () => {
  it('a cluster that has what the features need is let pass', async () => {
    expect(await saidOf(kubeconfig(await serve(knowing(EVERYTHING))))).toBeUndefined();
  });

  it('each feature whose kind is missing is named, with the command that brings it', async () => {
    const port = await serve(knowing(EVERYTHING.filter((name) => !/keda|flagger/.test(name))));
    const said = await saidOf(kubeconfig(port), local({ keda: true, gatekeeper: true, flagger: true }));
    expect(said?.split('\n')).toHaveLength(2);
    expect(said).toMatch(
      /feature keda is on .* has no scaledobjects\.keda\.sh\. Install it \(helm upgrade --install keda keda .*--version 2\.21\.0/,
    );
    expect(said).toMatch(/feature flagger .* turn the feature off in stacks\/local\.ts/);
  });

  it.each([
    ['is not there', join(tmpdir(), 'there-is-no-such-kubeconfig'), /no such file/],
    ['is not YAML', 'a: [\nb', /cannot be asked/],
    ['names no cluster', 'apiVersion: v1\nkind: Config\n', /names no cluster/],
  ])('a kubeconfig that %s gives one line that says what to do', async (_, given, reason) => {
    const said = await saidOf(given);
    expect(said).toMatch(reason);
    expect(said).toMatch(
      /^The cluster of region local cannot be asked .*set the config mcp:kubeconfig-local\.$/,
    );
  });

  it.each([401, 403])('a cluster that answers %i is named with it, and the token is not', async (status) => {
    const port = await serve((_, response) => {
      response.statusCode = status;
      response.end('{"kind":"Status","message":"no"}');
    });
    const said = await saidOf(kubeconfig(port));
    expect(said).toMatch(new RegExp(`^The cluster of region local .* answers ${status} [A-Z]`));
    expect(said).not.toContain('a-token');
    expect(said).not.toContain('\n');
  });

  it('a cluster that is not there, and one that never answers, are given up', async () => {
    expect(await saidOf(kubeconfig(await freePort()))).toMatch(/ECONNREFUSED/);
    expect(await saidOf(kubeconfig(await serve(() => undefined)))).toMatch(/did not answer in time/);
  });

  it('a context that the kubeconfig does not have is answered with those that it has', async () => {
    const stack = local();
    const [region] = stack.regions;
    if (region === undefined) throw new Error('a stack has a region');
    vi.stubEnv('KUBECONFIG', join(import.meta.dirname, 'nowhere'));
    await expect(
      assertCluster(
        {
          stack: { ...stack, regions: [{ ...region, kube_context: 'moon' }] },
          secrets: {},
          signing_keys: ['1'],
          kubeconfigs: {},
        },
        TIMEOUT_MS,
      ),
    ).rejects.toThrow(/context moon\)/);
  });
});
