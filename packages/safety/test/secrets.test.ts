import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasSecret, withoutSecrets } from '../src/secrets.ts';

/** One of each family of forms, as their issuers describe them. */
const FORMS = [
  /^sk-proj-[\w-]{40}$/,
  /^ghp_[0-9a-zA-Z]{36}$/,
  /^glpat-[\w-]{20}$/,
  /^AKIA[A-Z0-9]{16}$/,
  /^AIza[\w-]{35}$/,
  /^xoxb-[0-9]{12}-[0-9]{12}-[a-z0-9]{24}$/,
  /^sk_live_[0-9a-zA-Z]{24}$/,
  /^SG\.[\w-]{22}\.[\w-]{43}$/,
  /^npm_[0-9a-zA-Z]{36}$/,
  /^hf_[0-9a-zA-Z]{34}$/,
  /^[0-9a-f]{32}-us[0-9]{2}$/,
];
const formed = fc.oneof(...FORMS.map((form) => fc.stringMatching(form)));
/** Drawn at random, as keys without a form of their own are. */
const drawn = fc
  .array(fc.constantFrom(...'abcdefghjkmnpqrstuvwxyz23456789'), { minLength: 32, maxLength: 32 })
  .map((chars) => chars.join(''))
  .filter((value) => new Set(value).size >= 14 && /\d/.test(value) && /[a-z]/.test(value));

describe('a secret', () => {
  it.each<[string, fc.Arbitrary<string>, (secret: string) => string]>([
    ['of a known form in a sentence', formed, (secret) => `The key is ${secret} as of today.`],
    [
      'of a known form in a header',
      formed,
      (secret) => `curl -H "authorization: Bearer ${secret}" example.com`,
    ],
    ['after a name', drawn, (secret) => `DB_PASSWORD=${secret}\nPORT=8080`],
    ['after a name, in JSON', drawn, (secret) => `{"client_secret": "${secret}", "port": 8080}`],
    ['in an address', drawn, (secret) => `DATABASE=postgres://mcp:${secret}@db.example.com/mcp`],
  ])('%s is found, and nothing else is taken out', (_, secrets, around) => {
    fc.assert(
      fc.property(secrets, (secret) => {
        const text = around(secret);
        expect(hasSecret(text)).toBe(true);
        expect(withoutSecrets(text, '…')).toBe(around('…'));
        expect(hasSecret(withoutSecrets(text, '…'))).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it('is none of what code and configuration are full of', () => {
    const ordinary = [
      'const accessToken = await createAccessTokenForUser2(request);',
      'password: process.env.DATABASE_PASSWORD_2024_PRIMARY',
      'token: "<your-token-goes-here-1234>"',
      'postgres://postgres:postgres@localhost:5432/app',
      'sha256:b179c9523d0e6a0f4fd1a5a5b1c9b6c1a0c9f6d2f4f3b5a7c9d1e3f5a7b9c1d3',
      'commit 1268db1f0c9d8e7b6a5f4e3d2c1b0a9f8e7d6c5b',
      'id: 018f3c1e-7b2a-7c3d-9e4f-5a6b7c8d9e0f',
      'https://example.com/docs/getting-started/installation-guide-for-version-2',
      'secretName: mcp-database-credentials-v2',
      'The sk-learn package, key-value stores and the npm_config_registry variable.',
    ];
    expect(ordinary.filter(hasSecret)).toEqual([]);
  });
});
