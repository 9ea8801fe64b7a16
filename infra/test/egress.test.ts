import { OffPeak } from '@mcp/contracts';
import type { Stack } from '@mcp/stacks';
import { describe, expect, it } from 'vitest';
import { GIVEN, objectsOf, podsOf, record, STACKS } from './stacks.ts';

interface Rule {
  readonly to?: readonly { readonly ipBlock?: { readonly cidr: string; readonly except?: string[] } }[];
  readonly ports?: readonly { readonly port: number }[];
}
type Change = (stack: Stack) => void;

/** What each service may reach beyond the cluster in a stack, as `<CIDR> <port>`. */
async function outsideOf(name: string, change: Change = () => undefined) {
  const { resources } = await record(name, { ...GIVEN }, (fresh) => change(fresh[name] as Stack));
  const objects = objectsOf(resources);
  const namespace = podsOf(objects)[0]?.owner.metadata.namespace;
  const rules = objects.filter((one) => one.kind === 'NetworkPolicy' && one.metadata.namespace === namespace);
  const outside = rules.flatMap(({ metadata, spec }) =>
    ((spec?.egress ?? []) as readonly Rule[]).flatMap(({ to = [], ports = [] }) =>
      to.flatMap(({ ipBlock }) =>
        ipBlock === undefined ? [] : ports.map(({ port }) => [metadata.name, `${ipBlock.cidr} ${port}`]),
      ),
    ),
  );
  const variables = podsOf(objects)
    .filter(({ owner }) => owner.metadata.name === 'gateway' && owner.metadata.namespace === namespace)
    .flatMap(({ spec }) => spec.containers[0]?.env ?? [])
    .filter(({ name: variable }) => /OIDC|JWKS_URL|REMOTE/.test(variable) && variable !== 'MCP_SERVICE_JWKS')
    .map(({ name: variable, value }) => `${variable}=${value}`);
  const of = (service: string) => outside.flatMap(([who, where]) => (who === service ? [where] : [])).sort();
  return { gateway: of('gateway'), models: of('model-gateway'), tasks: of('task-engine'), variables };
}

const ANYWHERE = ['0.0.0.0/0 443'];
const PRIVATE = { cidr: '10.20.30.40/32', except: [], port: 8443 };
const provider: Change = (stack) => {
  stack.identity_provider = { issuer: 'https://login.example.com/realms/main', audience: 'mcp' };
};
const remote: Change = (stack) => {
  stack.models = [
    ...stack.models,
    { ...(stack.models[0] as Stack['models'][number]), id: 'far', backend: 'openai' },
  ];
};
const all =
  (...changes: readonly Change[]): Change =>
  (stack) => {
    for (const change of changes) change(stack);
  };

describe('out of the cluster may', () => {
  it.each(STACKS)('neither the gateway nor a model-gateway of %s, which has nothing there', async (name) => {
    expect(await outsideOf(name)).toEqual({ gateway: [], models: [], tasks: [], variables: [] });
  });

  it('the gateway, to an identity provider, which it is told of', async () => {
    expect(await outsideOf('local', provider)).toEqual({
      gateway: ANYWHERE,
      models: [],
      tasks: [],
      variables: ['MCP_OIDC_AUDIENCE=mcp', 'MCP_OIDC_ISSUER=https://login.example.com/realms/main'],
    });
  });

  it('the gateway and the model-gateway, to servers of models', async () => {
    expect(await outsideOf('local', remote)).toEqual({
      gateway: ANYWHERE,
      models: ANYWHERE,
      tasks: [],
      variables: ['MCP_REMOTE_BACKENDS=openai'],
    });
  });

  it('the task-engine, to the server of the power signal', async () => {
    const signal: Change = (stack) => {
      stack.off_peak = OffPeak.parse({ signal: { url: 'https://grid.example.com/now', max: 150 } });
    };
    expect(await outsideOf('local', signal)).toEqual({
      gateway: [],
      models: [],
      tasks: ANYWHERE,
      variables: [],
    });
  });

  it('one pod of both, once, where they share it', async () => {
    const sharing: Change = (stack) => {
      for (const one of stack.services) if (one.service === 'gateway') one.in_process = ['model-gateway'];
      stack.services = stack.services.filter(({ service }) => service !== 'model-gateway');
    };
    expect(await outsideOf('local', all(remote, sharing))).toMatchObject({ gateway: ANYWHERE, models: [] });
    expect(await outsideOf('local', sharing)).toMatchObject({ gateway: [] });
  });

  it('each to the addresses that the stack names, and nowhere else, where these are private', async () => {
    const at =
      (kind: 'model-backends' | 'identity-provider', port: number): Change =>
      ({ kubernetes }) => {
        kubernetes.egress[kind] = [{ ...PRIVATE, port }];
      };
    const stack = all(provider, remote, at('model-backends', 11_434), at('identity-provider', 8443));
    expect(await outsideOf('local', stack)).toMatchObject({
      gateway: ['10.20.30.40/32 11434', '10.20.30.40/32 8443'],
      models: ['10.20.30.40/32 11434'],
      tasks: [],
    });
  });

  it('nobody by an address alone: a stack without the need does not open it', async () => {
    const named: Change = ({ kubernetes }) => {
      kubernetes.egress['model-backends'] = [PRIVATE];
      kubernetes.egress['identity-provider'] = [PRIVATE];
    };
    expect(await outsideOf('local', named)).toMatchObject({ gateway: [], models: [] });
  });
});
