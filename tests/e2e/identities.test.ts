import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CallContext, type Principal, ServiceName } from '@mcp/contracts';
import { createKit, keySetOf, startServices } from '@mcp/service-kit';
import { identitiesOf, serviceEnvironment, services, signingKeyOf, stacks } from '@mcp/stacks';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { definition as core } from '../../apps/core/src/definition.ts';

const dir = mkdtempSync(join(tmpdir(), 'mcp-identities-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const ALICE: Principal = { id: 'key:1', kind: 'key', name: 'alice', scopes: ['chat'] };
const { local } = stacks;

/** The environment of a service, as the stack `local` gives it, with keys of these generations: the first signs. */
function environment(
  service: ServiceName,
  generations: readonly number[],
  core_url = '',
): Record<string, string> {
  if (local === undefined) throw new Error('there is no stack local');
  const secretsOf = (name: ServiceName) => generations.map((one) => `${name} ${one} `.padEnd(40, 'x'));
  const own = secretsOf(service)[0] ?? '';
  return {
    ...serviceEnvironment(
      local,
      { service, in_process: [] },
      {
        region: 'local',
        host: '127.0.0.1',
        endpoints: Object.fromEntries(
          ServiceName.options.map((name) => [name, name === 'core' ? core_url : 'http://127.0.0.1:9']),
        ),
        ports: { core: 0 },
        data_dir: dir,
        nats_address: '127.0.0.1:9',
        secret: (name) => {
          if (name === 'service_jwks') return JSON.stringify(keySetOf(identitiesOf(secretsOf)));
          if (name === 'prov_secret' || name === 'kms_key') return 's'.repeat(40);
          return name === signingKeyOf(service) ? own : undefined;
        },
        asset: (id) => id,
      },
    ),
    MCP_LOG_LEVEL: 'silent',
  };
}

/** Starts the core with keys of these generations. */
async function startCore(generations: readonly number[]): Promise<string> {
  const started = await startServices(core, environment('core', generations));
  onTestFinished(() => started.stop('end of test'));
  return `http://127.0.0.1:${started.ports.get('core')}`;
}

/** How a service with keys of these generations fares when it asks the core for conversations. */
async function asks(service: ServiceName, url: string, generations: readonly number[]): Promise<string> {
  const kit = await createKit({
    manifest: services[service],
    env: environment(service, generations, url),
    local: new Map(),
    draining: () => false,
  });
  const call: CallContext = {
    request_id: 'r',
    traceparent: undefined,
    deadline_ms: Date.now() + 30_000,
    principal:
      service === 'governance' ? { ...ALICE, id: service, kind: 'service', scopes: ['admin'] } : ALICE,
    class: 'interactive',
    signal: AbortSignal.timeout(30_000),
  };
  try {
    // Each asks what it asks in the platform.
    if (service === 'governance') await kit.clients.core.checkLogs(call);
    else await kit.clients.core.listConversations({ limit: 1 }, call);
    return 'answered';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  } finally {
    await kit.close();
  }
}

test('in the stack, the gateway speaks for anyone, governance for itself, the engine for nobody without a grant', async () => {
  const url = await startCore([1]);
  expect(await asks('gateway', url, [1])).toBe('answered');
  expect(await asks('governance', url, [1])).toBe('answered');
  expect(await asks('task-engine', url, [1])).toBe('forbidden');
});

test('the model-gateway has no key to sign with', () => {
  expect(Object.keys(environment('model-gateway', [1])).filter((name) => /SIGNING_KEY/.test(name))).toEqual(
    [],
  );
});

test('no step of the documented rotation shuts anyone out, and after the last one the old key is worth nothing', async () => {
  // The steps of docs/runbooks/rotate-signing-keys.md: pods of two neighbouring steps run at the same time.
  const steps = [[1], [1, 2], [2, 1], [2]];
  for (const [at, now] of steps.entries()) {
    const url = await startCore(now);
    for (const near of [steps[at - 1], now, steps[at + 1]])
      if (near !== undefined) expect(await asks('gateway', url, near), `${near} at ${now}`).toBe('answered');
  }
  expect(await asks('gateway', await startCore([2]), [1])).toBe('unauthenticated');
});
