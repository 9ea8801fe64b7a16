/** Who may ask for what, and where: keys at rest, keys between services, regions. */
import { expect, it } from 'vitest';
import {
  ApiKeyRecord,
  ApiKeyView,
  CreateKeyRequest,
  Principal,
  RegionRoute,
  RightsAnswer,
  Scope,
  ServiceKeySet,
} from '../src/index.ts';
import { AN_ID, AT, DATE, describeFields, expectAccepted, expectRefused, UUID } from './support.ts';

const HASH = 'a'.repeat(64);
const key = {
  id: UUID,
  name: 'ci',
  hash: HASH,
  prefix: 'mcp_abcd',
  scopes: ['chat'],
  created_at: AT,
  expires_at: null,
  revoked_at: null,
};
const serviceKey = {
  kty: 'OKP',
  crv: 'Ed25519',
  alg: 'EdDSA',
  use: 'sig',
  kid: 'core-1',
  x: 'A'.repeat(43),
  service: 'core',
  calls: ['model-gateway'],
  speaks_for: 'granted',
};
const region = {
  name: 'eu',
  residency: 'eu',
  latency_zone: 'eu-west',
  priority: 1,
  url: null,
  fails_over_here: false,
};

describeFields([
  [
    'a principal',
    Principal,
    { id: 'key:1', kind: 'key', name: '', scopes: [] },
    {
      id: { right: ['a', 'x'.repeat(128)], wrong: ['', 'x'.repeat(129)] },
      kind: { right: ['key', 'jwt', 'service'], wrong: ['user', ''] },
      scopes: { right: [[], [...Scope.options]], wrong: [['root'], 'chat'] },
    },
  ],
  [
    'a key',
    ApiKeyRecord,
    key,
    {
      id: AN_ID,
      hash: { right: [HASH, '0'.repeat(64)], wrong: ['', 'A'.repeat(64), 'a'.repeat(63), 'a'.repeat(65)] },
      prefix: { right: ['', 'x'.repeat(16)], wrong: ['x'.repeat(17)] },
      scopes: { right: [['admin']], wrong: [[], ['root'], undefined] },
      created_at: DATE,
      expires_at: { right: [null, AT], wrong: ['never', undefined] },
    },
  ],
  [
    'a new key',
    CreateKeyRequest,
    { name: 'ci' },
    {
      name: { right: ['a', 'x'.repeat(128)], wrong: ['', 'x'.repeat(129), undefined] },
      scopes: {
        right: [undefined, ['admin'], [...Scope.options]],
        wrong: [[], ['root'], Array.from({ length: 5 }, () => 'chat')],
      },
      expires_at: { right: [undefined, null, AT], wrong: ['tomorrow', 1] },
      hash: { right: [], wrong: [HASH] },
    },
  ],
  [
    'a key set',
    ServiceKeySet,
    { keys: [serviceKey] },
    {
      keys: {
        right: [Array.from({ length: 64 }, () => serviceKey)],
        wrong: [[], Array.from({ length: 65 }, () => serviceKey)],
      },
      'keys.0.x': { right: ['B'.repeat(43)], wrong: ['B'.repeat(42), 'B'.repeat(44), ''] },
      'keys.0.alg': { right: [], wrong: ['none', 'HS256', 'RS256', undefined] },
      'keys.0.service': { right: ['gateway'], wrong: ['stranger', undefined] },
      'keys.0.speaks_for': { right: ['anyone', 'itself'], wrong: ['all', undefined] },
    },
  ],
  [
    'a region',
    RegionRoute,
    region,
    {
      residency: { right: ['eu', 'us', 'any'], wrong: ['asia', undefined] },
      url: { right: [null, 'https://eu.example.org'], wrong: ['eu.example.org', undefined, ''] },
      priority: { right: [0, -1, 5], wrong: [0.5, '1'] },
    },
  ],
]);

it('a new key may chat and work, unless it says otherwise', () => {
  expect(CreateKeyRequest.parse({ name: 'ci' })).toEqual({ name: 'ci', scopes: ['chat', 'jobs'] });
});

it('a key is listed without its hash', () => {
  expect(ApiKeyView.parse(key)).not.toHaveProperty('hash');
  expect(ApiKeyView.parse(key)).toMatchObject({ id: UUID, prefix: 'mcp_abcd' });
});

it('rights are told with what is left, or with why nothing is', () => {
  const principal = { id: 'key:1', kind: 'key', name: 'a', scopes: [] };
  expectAccepted(RightsAnswer, { ok: true, principal });
  expectAccepted(RightsAnswer, { ok: false, message: 'revoked' });
  expectRefused(RightsAnswer, { ok: true, message: 'fine' }, 'principal');
  expectRefused(RightsAnswer, { ok: 'true', principal }, 'ok');
});
