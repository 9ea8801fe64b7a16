import { type Principal, ServiceName } from '@mcp/contracts';
import { failure } from '@mcp/testkit';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  type IdentityRow,
  keySetOf,
  type StartedServices,
  startServices,
  TokenSigner,
} from '../src/index.ts';
import { ALICE, callOf, cleanUp, env, kitFor, serviceOf } from './support.ts';

const secretOf = (name: string) => `${name} `.padEnd(40, 'x');
const rows: readonly IdentityRow[] = [
  {
    service: 'gateway',
    calls: ['core', 'task-engine'],
    speaks_for: 'anyone',
    secrets: [secretOf('gateway')],
  },
  { service: 'task-engine', calls: ['core'], speaks_for: 'granted', secrets: [secretOf('task-engine')] },
  { service: 'governance', calls: ['core'], speaks_for: 'itself', secrets: [secretOf('governance')] },
  { service: 'model-gateway', calls: [], speaks_for: 'itself', secrets: [secretOf('model-gateway')] },
];
const jwks = JSON.stringify(keySetOf(rows));
const signers = Object.fromEntries(
  ServiceName.options.map((name) => [name, new TokenSigner(name, secretOf(name))]),
) as Record<ServiceName, TokenSigner>;
const BOB: Principal = { ...ALICE, id: 'key:2', name: 'bob' };
const ITSELF: Principal = { id: 'governance', kind: 'service', name: 'governance', scopes: ['admin'] };

let services: StartedServices;
let url: string;
beforeAll(async () => {
  const core = serviceOf('core', (app) => {
    app.get('/internal/prompts', (c) => c.json([c.get('call').principal.id]));
    app.get('/internal/conversations/:id', (c) => c.json([c.get('call').principal.id]));
    app.get('/internal/forgotten', (c) => c.json([]));
  });
  services = await startServices(core, env({ MCP_SERVICE_JWKS: jwks, MCP_CORE_SIGNING_KEY: '' }));
  url = `http://127.0.0.1:${services.ports.get('core')}`;
});
afterAll(async () => {
  await services.stop('end');
  cleanUp();
});

const get = (path: string, headers: Record<string, string>) => fetch(`${url}${path}`, { headers });
const ask = async (token: string | undefined, more: Record<string, string> = {}) =>
  (
    await get('/internal/prompts', {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...more,
    })
  ).status;
/** A token of a gateway whose clock shows another time. */
async function signedAt(offset_ms: number): Promise<string> {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + offset_ms });
  try {
    return await new TokenSigner('gateway', secretOf('gateway')).token('core', ALICE);
  } finally {
    vi.useRealTimers();
  }
}
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const parsed = (text = '') =>
  JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>;
async function forged(change: { header?: object; claims?: object; signature?: string }): Promise<string> {
  const [header, claims, signature] = (await signers.gateway.token('core', ALICE)).split('.');
  return [
    part({ ...parsed(header), ...change.header }),
    part({ ...parsed(claims), ...change.claims }),
    change.signature ?? signature,
  ].join('.');
}

test('a token for this service and principal gets in, and is the same for half a minute', async () => {
  const token = await signers.gateway.token('core', ALICE);
  expect(await (await get('/internal/prompts', { authorization: `Bearer ${token}` })).json()).toEqual([
    ALICE.id,
  ]);
  const signer = new TokenSigner('gateway', secretOf('gateway'));
  const own = await signer.token('core', ALICE);
  expect(signer.token('core', { ...ALICE })).toBe(own);
  expect(await signer.token('core', BOB)).not.toBe(own);
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31_000 });
  expect(signer.token('core', ALICE)).toBeInstanceOf(Promise);
  vi.useRealTimers();
});

describe('is answered with 401', () => {
  test.each<[string, () => Promise<string | undefined> | string | undefined]>([
    ['no token', () => undefined],
    ['an empty one', () => ''],
    ['the old shared token', () => 't'.repeat(40)],
    ['a token for another service', () => signers.gateway.token('task-engine', ALICE)],
    ['a token of two minutes ago', () => signedAt(-120_000)],
    ['a token of a clock an hour ahead', () => signedAt(3_600_000)],
    [
      'a token of a service that is not one of ours',
      () => new TokenSigner('gateway', 'y'.repeat(40)).token('core', ALICE),
    ],
    [
      'a token signed by another service in the name of the gateway',
      () => new TokenSigner('gateway', secretOf('model-gateway')).token('core', ALICE),
    ],
    ['a token with the kid of another service', () => forged({ header: { kid: signers.governance.kid } })],
    ['alg none', () => forged({ header: { alg: 'none' }, signature: '' })],
    ['alg HS256', () => forged({ header: { alg: 'HS256' } })],
    ['another type of token', () => signers.gateway.grant('core', ALICE)],
    ['another principal written in', () => forged({ claims: { principal: BOB, sub: BOB.id } })],
    ['more scopes written in', () => forged({ claims: { principal: { ...ALICE, scopes: ['admin'] } } })],
    ['a longer life written in', () => forged({ claims: { exp: 9_999_999_999 } })],
    ['no principal', () => forged({ claims: { principal: undefined } })],
    ['a cut signature', () => forged({ signature: 'AAAA' })],
  ])('%s', async (_name, token) => expect(await ask(await token())).toBe(401));

  test('a principal in a header of its own', async () => {
    const admin = part({ ...ALICE, scopes: ['admin'] });
    expect(await ask(undefined, { 'x-mcp-principal': admin })).toBe(401);
  });
});

describe('is answered with 403', () => {
  test('a service that has no business here, whomever it speaks for', async () => {
    for (const principal of [ALICE, { ...ITSELF, id: 'model-gateway' }])
      expect(await ask(await signers['model-gateway'].token('core', principal))).toBe(403);
  });

  test('a service that speaks for itself only, for anyone else', async () => {
    expect(await ask(await signers.governance.token('core', ALICE))).toBe(403);
    expect(await ask(await signers.governance.token('core', { ...ITSELF, id: 'gateway' }))).toBe(403);
  });

  test('a service that the route does not name', async () => {
    expect(await ask(await signers.governance.token('core', ITSELF))).toBe(403);
    const grant = await signers.gateway.grant('task-engine', ALICE);
    const token = await signers['task-engine'].token('core', ALICE);
    expect(await ask(token, { 'x-mcp-grant': grant })).toBe(403);
  });

  test('any service, where the table of callers has forgotten the route', async () => {
    const authorization = `Bearer ${await signers.gateway.token('core', ALICE)}`;
    const answer = await get('/internal/forgotten', { authorization });
    expect(answer.status).toBe(403);
    expect(await answer.text()).toMatch(/gateway may not call GET \/internal\/forgotten/);
    expect((await get('/internal/nothing', { authorization })).status).toBe(404);
  });
});

describe('a service that works later', () => {
  const asEngine = async (principal: Principal, grant: string | undefined) =>
    (
      await get('/internal/conversations/1', {
        authorization: `Bearer ${await signers['task-engine'].token('core', principal)}`,
        ...(grant === undefined ? {} : { 'x-mcp-grant': grant }),
      })
    ).status;

  test('speaks for whom the gateway let it, with no more rights than then', async () => {
    const grant = await signers.gateway.grant('task-engine', { ...ALICE, scopes: ['chat', 'jobs'] });
    expect(await asEngine(ALICE, grant)).toBe(200);
    expect(await asEngine({ ...ALICE, scopes: ['jobs'] }, grant)).toBe(200);
    expect(await asEngine({ ...ALICE, scopes: ['admin'] }, grant)).toBe(403);
    expect(await asEngine(BOB, grant)).toBe(403);
  });

  test.each<[string, () => Promise<string> | string | undefined, number]>([
    ['without a grant', () => undefined, 403],
    ['with a grant of its own making', () => signers['task-engine'].grant('task-engine', ALICE), 403],
    [
      'with a grant of a service that may not give one',
      () => signers.governance.grant('task-engine', ALICE),
      403,
    ],
    ['with a grant for another holder', () => signers.gateway.grant('governance', ALICE), 401],
    ['with a token as grant', () => signers.gateway.token('task-engine', ALICE), 401],
    ['with nonsense', () => 'a.b.c', 401],
  ])('speaks for nobody %s', async (_name, grant, status) => {
    expect(await asEngine(ALICE, await grant())).toBe(status);
  });
});

test('the kit signs what it calls, and says what is missing', async () => {
  const caller = { MCP_SERVICE_JWKS: jwks, MCP_CORE_URL: url };
  const kit = await kitFor('gateway', { ...caller, MCP_GATEWAY_SIGNING_KEY: secretOf('gateway') });
  expect(await failure(kit.clients.core.verifyLog({}, callOf()))).toMatchObject({ code: 'not_found' });
  await kit.close();
  const mute = await kitFor('gateway', { ...caller, MCP_GATEWAY_SIGNING_KEY: '' });
  expect(() => mute.clients.core).toThrow(/MCP_GATEWAY_SIGNING_KEY is not set/);
  await mute.close();
  await expect(kitFor('gateway', { ...caller, MCP_GATEWAY_SIGNING_KEY: 'z'.repeat(40) })).rejects.toThrow(
    /its public key is not in MCP_SERVICE_JWKS/,
  );
  await expect(kitFor('gateway', { ...caller, MCP_GATEWAY_SIGNING_KEY: 'short' })).rejects.toThrow(
    /fewer than 32 characters/,
  );
});
