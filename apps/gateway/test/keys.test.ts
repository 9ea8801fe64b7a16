import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startNats } from '@mcp/testkit';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Harness, startGateway } from './harness.ts';

const json = async (answer: Response): Promise<Record<string, unknown>> => JSON.parse(await answer.text());

describe('API keys', () => {
  let one: Harness;
  let two: Harness;
  beforeAll(async () => {
    one = await startGateway();
    two = await startGateway({ nats: one.nats });
  });
  afterAll(async () => {
    await two.close();
    await one.close();
  });

  test('a key is shown once, kept as a hash, and known to every gateway at once', async () => {
    const answer = await one.ask('/admin/keys', {
      method: 'POST',
      body: JSON.stringify({ name: 'ci', scopes: ['chat', 'chat'] }),
    });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const made: { key: string; record: { id: string; scopes: string[] } } = JSON.parse(await answer.text());
    expect(made.key).toMatch(/^mcp_[\w-]{43}$/);
    expect(made.record.scopes).toEqual(['chat']);
    await expect.poll(async () => (await two.ask('/v1/models', { key: made.key })).status).toBe(200);
    for (const gateway of [one, two]) {
      const list = await (await gateway.ask('/admin/keys')).text();
      expect(list).toContain(made.record.id);
      expect(list).not.toContain(made.key);
      expect(list).not.toContain('hash');
    }
    const revoked = await two.ask(`/admin/keys/${made.record.id}`, { method: 'DELETE' });
    expect(await json(revoked)).toMatchObject({ id: made.record.id, revoked_at: expect.any(String) });
    expect((await two.ask('/v1/models', { key: made.key })).status).toBe(401);
    await expect.poll(async () => (await one.ask('/v1/models', { key: made.key })).status).toBe(401);
    expect((await one.ask(`/admin/keys/${made.record.id}`, { method: 'DELETE' })).status).toBe(200);
  });

  test.each(['authorization', 'x-api-key', 'api-key', 'x-goog-api-key'])('a key in %s', async (header) => {
    const value = header === 'authorization' ? `Bearer ${one.admin}` : one.admin;
    expect((await fetch(`${one.url}/v1/models`, { headers: { [header]: value } })).status).toBe(200);
  });

  test('a gateway that starts reads the keys made before', async () => {
    const { key } = await one.key(['chat']);
    const late = await startGateway({ nats: one.nats });
    expect((await late.ask('/v1/models', { key })).status).toBe(200);
    await late.close();
  });
});

test('keys go on working while the event bus is away, and changes follow when it is back', async () => {
  const first = await startNats();
  const gateway = await startGateway({ nats: first });
  const { id, key } = await gateway.key(['chat']);
  const { port, store_dir } = first;
  await first.stop();
  expect((await gateway.ask('/v1/models', { key })).status).toBe(200);
  const [refused, kept] = await Promise.all([
    gateway.ask('/admin/keys', { method: 'POST', body: '{"name":"late"}' }),
    gateway.ask(`/admin/keys/${id}`, { method: 'DELETE' }),
  ]);
  expect(kept.status).toBe(503);
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toBe('2');
  expect(await json(refused)).toMatchObject({ code: 'unavailable', detail: /Existing keys go on working/ });
  expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
  const second = await startNats({ port, store_dir });
  const made = async () =>
    (await gateway.ask('/admin/keys', { method: 'POST', body: '{"name":"late"}' })).status;
  await expect.poll(made, { timeout: 15_000, interval: 200 }).toBe(201);
  const other = await startGateway({ nats: second });
  expect((await other.ask(`/admin/keys/${id}`, { method: 'DELETE' })).status).toBe(200);
  await expect.poll(async () => (await gateway.ask('/v1/models', { key })).status).toBe(401);
  await other.close();
  await second.stop();
  const stopping_ms = performance.now();
  await gateway.close();
  expect(performance.now() - stopping_ms).toBeLessThan(20_000);
  await second.close();
  await first.close();
});

test('before the event bus was ever reached a key is not called wrong', async () => {
  const gateway = await startGateway({ env: { MCP_NATS_URL: 'nats://127.0.0.1:9' }, awaitReady: false });
  const answer = await gateway.ask('/v1/models', { key: `mcp_${'a'.repeat(43)}` });
  expect(answer.status).toBe(503);
  expect((await gateway.ask('/v1/models')).status).toBe(200);
  const health = await fetch(`${gateway.url}/readyz`);
  expect(health.status).toBe(503);
  expect(await json(health)).toMatchObject({ failing: [{ name: 'keys' }] });
  await gateway.close();
});

describe('tokens of an identity provider', () => {
  let provider: Server;
  let gateway: Harness;
  let issuer: string;
  /** What the discovery document says of itself. */
  let said = () => issuer;
  let sign: (claims: Record<string, unknown>, change?: (jwt: SignJWT) => SignJWT) => Promise<string>;

  beforeAll(async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' };
    provider = createServer((request, response) => {
      response.setHeader('content-type', 'application/json');
      const discovery = request.url === '/.well-known/openid-configuration';
      response.end(
        JSON.stringify(discovery ? { issuer: said(), jwks_uri: `${issuer}/keys` } : { keys: [jwk] }),
      );
    });
    provider.listen(0, '127.0.0.1');
    await once(provider, 'listening');
    issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
    gateway = await startGateway({ env: { MCP_OIDC_ISSUER: issuer, MCP_OIDC_AUDIENCE: 'mcp' } });
    sign = (claims, change = (jwt) => jwt) =>
      change(
        new SignJWT(claims)
          .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
          .setIssuer(issuer)
          .setAudience('mcp')
          .setSubject('alice')
          .setExpirationTime('1m'),
      ).sign(privateKey);
  });
  afterAll(async () => {
    await gateway.close();
    provider.closeAllConnections();
    provider.close();
  });

  test.each<[string, string, Record<string, unknown>, number]>([
    ['the scope chat', '/v1/models', { scope: 'openid mcp:chat' }, 200],
    ['scopes as a list', '/v1/jobs', { scp: ['mcp:jobs'] }, 200],
    ['admin', '/admin/keys', { scope: 'mcp:admin' }, 200],
    ["another system's admin", '/admin/keys', { scope: 'admin' }, 403],
    ['a scope without its prefix', '/v1/models', { scope: 'chat' }, 403],
    ['no scope', '/v1/models', {}, 403],
    ['another scope', '/admin/keys', { scope: 'mcp:chat' }, 403],
  ])('with %s', async (_name, path, claims, status) => {
    expect((await gateway.ask(path, { key: await sign(claims) })).status).toBe(status);
  });

  test.each<[string, () => Promise<string>, RegExp]>([
    ['has expired', () => sign({ scope: 'chat' }, (jwt) => jwt.setExpirationTime('-1h')), /expired/],
    ['is for somebody else', () => sign({ scope: 'chat' }, (jwt) => jwt.setAudience('other')), /claim aud/],
    [
      'is by somebody else',
      () => sign({ scope: 'chat' }, (jwt) => jwt.setIssuer('https://evil')),
      /claim iss/,
    ],
    [
      'has been changed',
      async () => `${(await sign({ scope: 'mcp:chat' })).slice(0, -8)}AAAAAAAA`,
      /not valid here/,
    ],
    ['is not signed', async () => 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.', /not valid here/],
    [
      'is signed with a shared secret',
      () =>
        new SignJWT({ scope: 'admin' })
          .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
          .setIssuer(issuer)
          .setAudience('mcp')
          .setSubject('eve')
          .setExpirationTime('1m')
          .sign(new TextEncoder().encode('x'.repeat(32))),
      /not valid here/,
    ],
    [
      'is signed by an unknown key',
      async () =>
        new SignJWT({ scope: 'admin' })
          .setProtectedHeader({ alg: 'ES256', kid: 'k2' })
          .setIssuer(issuer)
          .setAudience('mcp')
          .setSubject('eve')
          .setExpirationTime('1m')
          .sign((await generateKeyPair('ES256')).privateKey),
      /not valid here/,
    ],
  ])('refuses one that %s', async (_name, token, rule) => {
    const answer = await gateway.ask('/admin/stats', { key: await token() });
    expect(answer.status).toBe(401);
    expect((await json(answer)).detail).toMatch(rule);
  });

  test('believes no discovery document of another issuer', async () => {
    said = () => `${issuer}/other`;
    const other = await startGateway({ env: { MCP_OIDC_ISSUER: issuer, MCP_OIDC_AUDIENCE: 'mcp' } });
    const token = await sign({ scope: 'mcp:chat' });
    expect((await other.ask('/v1/models', { key: token })).status).toBe(503);
    said = () => issuer;
    expect((await other.ask('/v1/models', { key: token })).status).toBe(200);
    await other.close();
  });

  test('takes the prefix of the scopes from the environment', async () => {
    const other = await startGateway({
      env: {
        MCP_OIDC_ISSUER: issuer,
        MCP_OIDC_AUDIENCE: 'mcp',
        MCP_OIDC_SCOPE_PREFIX: 'https://mcp.example/',
      },
    });
    const ask = async (scope: string) =>
      (await other.ask('/v1/models', { key: await sign({ scope }) })).status;
    expect(await ask('https://mcp.example/chat')).toBe(200);
    expect(await ask('mcp:chat')).toBe(403);
    await other.close();
  });

  test.each(['MCP_OIDC_ISSUER', 'MCP_JWKS_URL'])('wants https of %s, but on this machine', async (name) => {
    const env = { MCP_OIDC_ISSUER: issuer, MCP_OIDC_AUDIENCE: 'mcp', [name]: 'http://idp.example.com' };
    await expect(startGateway({ env })).rejects.toThrow(
      new RegExp(`${name} is set but must begin with https`),
    );
  });

  test('does not call a token wrong when the provider is away', async () => {
    const away = await startGateway({
      env: { MCP_OIDC_ISSUER: 'http://127.0.0.1:9', MCP_OIDC_AUDIENCE: 'mcp' },
    });
    expect((await away.ask('/v1/models', { key: await sign({ scope: 'mcp:chat' }) })).status).toBe(503);
    await away.close();
  });
});
