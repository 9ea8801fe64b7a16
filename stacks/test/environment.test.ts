import { ArbitrationTerms, ServiceName, serviceVariable } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type DeploymentContext,
  isFlag,
  SECRETS,
  type ServicePlacement,
  type Stack,
  serviceEnvironment,
  services,
  signingKeyOf,
  signingServices,
  stacks,
  VARIABLES,
} from '../index.ts';

const local = stacks.local as Stack;
const endpoints = Object.fromEntries(
  Object.values(services).map((one) => [one.name, `http://${one.name}.mcp.svc:${one.port}`]),
);

function deploymentContext(change: Partial<DeploymentContext> = {}): DeploymentContext {
  return {
    region: 'local',
    host: '0.0.0.0',
    endpoints,
    data_dir: '/data',
    nats_address: 'nats:4222',
    secret: (name) => `secret-${name}`,
    asset: (id) => `/models/${id}`,
    ...change,
  };
}

/** Any split of the services into processes. */
const placements = fc
  .tuple(
    fc.shuffledSubarray([...ServiceName.options], { minLength: ServiceName.options.length }),
    fc.array(fc.boolean(), { minLength: ServiceName.options.length, maxLength: ServiceName.options.length }),
  )
  .map(([names, begins]) => {
    const out: { service: ServiceName; in_process: ServiceName[] }[] = [];
    names.forEach((name, at) => {
      const last = out.at(-1);
      if (last === undefined || begins[at] === true) out.push({ service: name, in_process: [] });
      else last.in_process.push(name);
    });
    return out as ServicePlacement[];
  });

describe('serviceEnvironment', () => {
  it('gives every process what its services call and nothing that runs inside it, for any placement', () => {
    fc.assert(
      fc.property(placements, fc.constantFrom(...Object.values(stacks)), (placed, stack) => {
        for (const placement of placed) {
          const here = [placement.service, ...placement.in_process];
          const env = serviceEnvironment(stack, placement, deploymentContext());
          const called = here.flatMap((name) => services[name].calls);
          for (const name of ServiceName.options) {
            const wanted = called.includes(name) && !here.includes(name);
            expect(env[serviceVariable(name, 'URL')]).toBe(wanted ? endpoints[name] : undefined);
          }
          expect('MCP_NATS_URL' in env).toBe(here.some((name) => services[name].needs.includes('nats')));
          expect(env.MCP_IN_PROCESS ?? '').toBe(placement.in_process.join(','));
          expect(Object.values(env).every((value) => typeof value === 'string' && value !== '')).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('is the union of its services: sharing a process changes no variable but those of the calls that fall away', () => {
    fc.assert(
      fc.property(placements, (placed) => {
        for (const placement of placed) {
          const joint = serviceEnvironment(local, placement, deploymentContext());
          for (const service of [placement.service, ...placement.in_process]) {
            const alone = serviceEnvironment(local, { service, in_process: [] }, deploymentContext());
            for (const [name, value] of Object.entries(alone))
              if (!name.endsWith('_URL') || name === 'MCP_NATS_URL') expect(joint[name]).toBe(value);
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it('gives a secret only to the service that has a use for it', () => {
    const uses: Record<string, string[]> = {};
    for (const service of ServiceName.options) {
      const env = serviceEnvironment(local, { service, in_process: [] }, deploymentContext());
      const text = JSON.stringify(env);
      for (const name of [...Object.keys(SECRETS), 'nats_password'])
        if (text.includes(`secret-${name}`)) uses[name] = [...(uses[name] ?? []), service];
    }
    const signing = signingServices.map((name) => [signingKeyOf(name), [name]]);
    for (const { name, variable } of Object.values(SECRETS))
      for (const service of uses[name] ?? [])
        expect(VARIABLES.find((row) => row.name === variable)?.uses.map((use) => use.service)).toContain(
          service,
        );
    expect(uses).toMatchObject({
      ...Object.fromEntries(signing),
      service_jwks: [...ServiceName.options],
      prov_secret: ['core'],
      nats_password: [...ServiceName.options],
      admin_key_hash: ['gateway'],
      database_url: ['core'],
      log_archive_url: ['core'],
      openai_api_key: ['model-gateway'],
      openai_targets: ['model-gateway'],
    });
  });

  it('lets the gateway ask servers elsewhere itself, with their keys, unless the model-gateway is in its process', () => {
    const elsewhere = {
      ...local,
      models: [...local.models, { ...local.models[0], id: 'far', backend: 'openai', max_concurrency: 7 }],
    } as Stack;
    const gateway = (stack: Stack, in_process: ServiceName[] = [], operator = {}) =>
      serviceEnvironment(stack, { service: 'gateway', in_process }, deploymentContext({ operator }));
    expect(gateway(elsewhere)).toMatchObject({
      MCP_REMOTE_BACKENDS: 'openai',
      OPENAI_API_KEY: 'secret-openai_api_key',
      MODEL_CONCURRENCY: '{"far":7}',
    });
    expect(gateway(local, [], { MODEL_BACKENDS: 'embedded, ollama', OLLAMA_URL: 'http://x' })).toMatchObject({
      MCP_REMOTE_BACKENDS: 'ollama',
      OLLAMA_URL: 'http://x',
    });
    for (const env of [gateway(local), gateway(elsewhere, ['model-gateway'])])
      expect(env).not.toHaveProperty('MCP_REMOTE_BACKENDS');
    expect(gateway(local)).not.toHaveProperty('OPENAI_API_KEY');
  });

  it('marks every variable that carries a secret', () => {
    const marked = new Set(VARIABLES.filter((row) => row.secret).map((row) => row.name));
    for (const service of ServiceName.options) {
      const env = serviceEnvironment(local, { service, in_process: [] }, deploymentContext());
      for (const [name, value] of Object.entries(env))
        if (value.includes('secret-')) expect(marked, `${name} carries a secret`).toContain(name);
    }
  });

  it('leaves out what the deploymentContext do not have', () => {
    const at = deploymentContext({ secret: (name) => (name === 'service_jwks' ? 't' : undefined) });
    const env = serviceEnvironment(local, { service: 'core', in_process: [] }, at);
    expect(env).not.toHaveProperty('DATABASE_URL');
    expect(env).not.toHaveProperty('PROV_SECRET');
    const bus = serviceEnvironment(local, { service: 'task-engine', in_process: [] }, at);
    expect(bus.MCP_NATS_URL).toBe('nats://nats:4222');
  });

  it('lets the operator override what the table allows, and nothing else', () => {
    const operator = {
      MAX_TOKENS: '2048',
      MCP_LOG_LEVEL: '',
      PROV_SECRET: 'mine',
      MCP_DATA: '/elsewhere',
      MODEL_ARBITRATION_ENABLED: 'false',
      LD_PRELOAD: '/evil.so',
    };
    const stack = { ...local, features: { MODEL_ARBITRATION_ENABLED: true, PII_TAGGING_ENABLED: false } };
    const env = serviceEnvironment(
      stack,
      { service: 'core', in_process: [] },
      deploymentContext({ operator }),
    );
    expect(env).toMatchObject({
      MAX_TOKENS: '2048',
      MCP_LOG_LEVEL: 'info',
      PROV_SECRET: 'secret-prov_secret',
      MCP_DATA: '/data',
      MODEL_ARBITRATION_ENABLED: 'false',
      PII_TAGGING_ENABLED: 'false',
    });
    expect(env).not.toHaveProperty('LD_PRELOAD');
  });

  it('gives core the terms of the arbitration where the stack has its own, whole', () => {
    const core = (stack: typeof local) =>
      serviceEnvironment(stack, { service: 'core', in_process: [] }, deploymentContext());
    expect(core(local)).not.toHaveProperty('MCP_ARBITRATION');
    const arbitration = ArbitrationTerms.parse({ version: 'careful-1', thresholds: { divergence: 0.2 } });
    expect(JSON.parse(core({ ...local, arbitration }).MCP_ARBITRATION ?? '')).toEqual(arbitration);
  });

  it('says where embedded models are, in the shape the backend reads', () => {
    const env = serviceEnvironment(local, { service: 'model-gateway', in_process: [] }, deploymentContext());
    expect(env.MODEL_BACKENDS).toBe('embedded');
    expect(JSON.parse(env.MCP_EMBEDDED_MODELS ?? '')).toContainEqual({
      id: 'smollm2-135m-instruct',
      kind: 'chat',
      path: '/models/smollm2-135m-instruct',
      max_context: 4096,
    });
  });

  it('says what a model elsewhere gets at most, where the stack says so', () => {
    const row = { ...local.models[0], id: 'gpt', backend: 'openai', max_concurrency: 16 } as const;
    const stack = { ...local, models: [...local.models, row] } as Stack;
    const of = (one: Stack) =>
      serviceEnvironment(one, { service: 'model-gateway', in_process: [] }, deploymentContext());
    expect(of(stack).MODEL_CONCURRENCY).toBe('{"gpt":16}');
    expect(of(local)).not.toHaveProperty('MODEL_CONCURRENCY');
  });

  it('names ports only where they differ from the manifest', () => {
    const at = deploymentContext({ ports: { core: 8100, governance: 8399 } });
    expect(serviceEnvironment(local, { service: 'core', in_process: [] }, at)).not.toHaveProperty(
      'MCP_CORE_PORT',
    );
    expect(serviceEnvironment(local, { service: 'governance', in_process: [] }, at).MCP_GOVERNANCE_PORT).toBe(
      '8399',
    );
  });

  it('refuses deploymentContext without an endpoint that is called, by name', () => {
    expect(() =>
      serviceEnvironment(local, { service: 'core', in_process: [] }, deploymentContext({ endpoints: {} })),
    ).toThrow(/core calls model-gateway, which has no endpoint/);
  });
});

describe('the tables', () => {
  it('hold each variable once', () => {
    const names = VARIABLES.map((row) => row.name);
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
    expect(names.filter(isFlag)).toEqual([]);
  });

  it('let nobody override a secret from outside', () => {
    expect(VARIABLES.filter((row) => row.secret && row.operator)).toEqual([]);
  });
});
