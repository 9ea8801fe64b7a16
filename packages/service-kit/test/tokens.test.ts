/** Tokens between services as properties: no change of one gets in, and nobody gets more than was granted. */

import { type Principal, Scope, ServiceKeySet, ServiceName } from '@mcp/contracts';
import { failure } from '@mcp/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type IdentityRow, keySetOf, TokenSigner } from '../src/index.ts';
import { CallerVerifier } from '../src/runtime/identity.ts';
import { ALICE } from './support.ts';

const secretOf = (name: string) => `${name} `.padEnd(40, 'x');
const row = (
  service: ServiceName,
  calls: ServiceName[],
  speaks_for: IdentityRow['speaks_for'],
): IdentityRow => ({
  service,
  calls,
  speaks_for,
  secrets: [secretOf(service)],
});
const keys = keySetOf([
  row('gateway', ['core', 'task-engine'], 'anyone'),
  row('task-engine', ['core'], 'granted'),
  row('governance', ['core'], 'itself'),
]);
const gateway = new TokenSigner('gateway', secretOf('gateway'));
const engine = new TokenSigner('task-engine', secretOf('task-engine'));
const core = () => new CallerVerifier('core', keys);

const scopes = fc.uniqueArray(fc.constantFrom(...Scope.options), { maxLength: 4 });
const principal: fc.Arbitrary<Principal> = fc.record({
  id: fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }).filter((id) => id.length <= 128),
  kind: fc.constantFrom('key', 'jwt', 'service'),
  name: fc.string({ maxLength: 20 }),
  scopes,
});

describe('a token', () => {
  it('says who calls, for whom it was made', async () => {
    await fc.assert(
      fc.asyncProperty(principal, async (who) => {
        const token = await new TokenSigner('gateway', secretOf('gateway')).token('core', who);
        expect(await core().verify(token, undefined)).toEqual({ service: 'gateway', principal: who });
      }),
      { numRuns: 30 },
    );
  });

  it('does not get in with any of its characters changed, left out or doubled', async () => {
    const token = await gateway.token('core', ALICE);
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.';
    // The last character of a part of base64url has bits that say nothing.
    const spare = new Set([token.indexOf('.') - 1, token.lastIndexOf('.') - 1, token.length - 1]);
    const place = fc.nat(token.length - 1).filter((at) => !spare.has(at));
    await fc.assert(
      fc.asyncProperty(
        place,
        fc.constantFrom(...letters),
        fc.constantFrom('change', 'drop', 'double'),
        async (at, letter, how) => {
          if (how === 'change' && token[at] === letter) return;
          const middle = how === 'change' ? letter : how === 'drop' ? '' : `${token[at]}${token[at]}`;
          const changed = `${token.slice(0, at)}${middle}${token.slice(at + 1)}`;
          const error = await failure(Promise.resolve(core().verify(changed, undefined)));
          expect(error).toMatchObject({ code: 'unauthenticated' });
          expect(error.message).not.toContain(changed.slice(0, 20));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('is no text whatever', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.stringMatching(/^[\w-]*\.[\w-]*\.[\w-]*$/)), async (text) => {
        expect(await failure(Promise.resolve(core().verify(text, undefined)))).toMatchObject({
          code: 'unauthenticated',
        });
      }),
    );
  });

  it('is for the service that it was made for alone', async () => {
    const token = await gateway.token('task-engine', ALICE);
    expect(await failure(Promise.resolve(core().verify(token, undefined)))).toMatchObject({
      code: 'unauthenticated',
    });
    expect(await new CallerVerifier('task-engine', keys).verify(token, undefined)).toMatchObject({
      service: 'gateway',
    });
  });

  it('signed by another secret under a known name does not hold', async () => {
    const thief = new TokenSigner('gateway', secretOf('thief'));
    const token = await thief.token('core', ALICE);
    expect(await failure(Promise.resolve(core().verify(token, undefined)))).toMatchObject({
      code: 'unauthenticated',
    });
  });

  it('of either secret holds while one is exchanged for the other', async () => {
    const both = keySetOf([
      { ...row('gateway', ['core'], 'anyone'), secrets: [secretOf('old'), secretOf('new')] },
    ]);
    for (const secret of ['old', 'new']) {
      const token = await new TokenSigner('gateway', secretOf(secret)).token('core', ALICE);
      expect(await new CallerVerifier('core', both).verify(token, undefined)).toMatchObject({
        service: 'gateway',
      });
    }
  });
});

describe('a grant', () => {
  it('covers the same principal with as many scopes or fewer; admin has all of them', async () => {
    await fc.assert(
      fc.asyncProperty(scopes, scopes, fc.boolean(), async (granted, asked, other) => {
        const grant = await gateway.grant('task-engine', { ...ALICE, scopes: granted });
        const who = { ...ALICE, scopes: asked, ...(other ? { id: 'key:2' } : {}) };
        const verdict = Promise.resolve(core().verify(await engine.token('core', who), grant));
        const covered = granted.includes('admin') || asked.every((scope) => granted.includes(scope));
        if (covered && !other) expect(await verdict).toEqual({ service: 'task-engine', principal: who });
        else expect(await failure(verdict)).toMatchObject({ code: 'forbidden' });
      }),
      { numRuns: 60 },
    );
  });

  it.each<[string, () => Promise<string | undefined> | string | undefined, string]>([
    ['none', () => undefined, 'forbidden'],
    ['a token of the gateway', () => gateway.token('task-engine', ALICE), 'unauthenticated'],
    ['a grant that it gave itself', () => engine.grant('task-engine', ALICE), 'forbidden'],
    ['a grant for another service', () => gateway.grant('governance', ALICE), 'unauthenticated'],
    ['no token at all', () => 'x.y.z', 'unauthenticated'],
  ])('is not %s', async (_, grant, code) => {
    const token = await engine.token('core', ALICE);
    expect(await failure(Promise.resolve(core().verify(token, await grant())))).toMatchObject({ code });
  });
});

describe('the set of public keys', () => {
  it('has nothing secret in it, and one key for each secret', () => {
    const text = JSON.stringify(keys);
    for (const name of ServiceName.options)
      expect(text).not.toContain(secretOf(name).slice(0, 12).trim().concat(' '));
    expect(text).not.toContain('"d"');
    expect(new Set(keys.keys.map(({ kid }) => kid)).size).toBe(3);
    expect(ServiceKeySet.parse(JSON.parse(text))).toEqual(keys);
  });

  it.each<[string, object]>([
    ['of another curve', { crv: 'X25519' }],
    ['of another kind', { kty: 'RSA' }],
    ['of another use', { use: 'enc' }],
    ['of no service', { service: 'console' }],
    ['cut short', { x: 'AAAA' }],
    ['for anything', { speaks_for: 'everything' }],
  ])('takes no key %s', (_, change) => {
    const [first, ...rest] = keys.keys;
    expect(ServiceKeySet.safeParse({ keys: [{ ...first, ...change }, ...rest] }).success).toBe(false);
    expect(ServiceKeySet.safeParse({ keys: [] }).success).toBe(false);
  });
});
