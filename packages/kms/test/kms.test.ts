/** One suite for every kind of key management service, over what each publishes of its interface. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { failure, type ScriptedKms, startScriptedKms } from '@mcp/testkit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Kms, LocalKms, openKms } from '../src/index.ts';

const KEY = 'a key of these tests that wraps data keys';
const NEXT = 'the key that comes after it, for the tests';
const GCP_KEY = 'projects/p/locations/global/keyRings/r/cryptoKeys/mcp';

const account = JSON.stringify({
  client_email: 'core@p.iam.gserviceaccount.com',
  private_key: generateKeyPairSync('rsa', { modulusLength: 2048 })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString(),
});

const open = {
  vault: (address: string) =>
    openKms({ kind: 'vault', address, mount: 'transit', key: 'mcp' }, { key: KEY, token: 'hvs.scripted' }),
  aws: (endpoint: string) =>
    openKms(
      { kind: 'aws', key: 'alias/mcp', region: 'eu-central-1', endpoint },
      { key: KEY, token: undefined },
    ),
  gcp: (endpoint: string) => openKms({ kind: 'gcp', key: GCP_KEY, endpoint }, { key: KEY, token: account }),
} as const;

beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIASCRIPTED');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'scripted');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** The last character that matters is another one. */
function changed(text: string): string {
  const at = text.length - 6;
  return text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
}

async function expectRewrapped(kms: Kms, wrapped: { text: string; key_version: string }, plaintext: Buffer) {
  expect(await kms.currentVersion()).not.toBe(wrapped.key_version);
  expect(await kms.unwrap(wrapped.text)).toEqual(plaintext);
  const again = await kms.rewrap(wrapped.text);
  expect(again.key_version).toBe(await kms.currentVersion());
  expect(await kms.unwrap(again.text)).toEqual(plaintext);
}

describe.each(['vault', 'aws', 'gcp'] as const)('the kind %s', (kind) => {
  let server: ScriptedKms;
  let kms: Kms;
  beforeEach(async () => {
    server = await startScriptedKms(kind);
    kms = await open[kind](server.url);
  });
  afterEach(async () => {
    kms.close();
    await server.close();
  });

  it('unwraps what it wrapped, and wraps it again under the key that came after', async () => {
    const plaintext = randomBytes(64);
    const wrapped = await kms.wrap(plaintext);
    expect(wrapped.key_version).toMatch(new RegExp(`^${kind}:`));
    expect(wrapped.key_version).toBe(await kms.currentVersion());
    expect(await kms.unwrap(wrapped.text)).toEqual(plaintext);
    server.rotate();
    await expectRewrapped(kms, wrapped, plaintext);
  });

  it.each(['away', 'busy'] as const)('that is %s can be asked again', async (state) => {
    const { text } = await kms.wrap(randomBytes(64));
    server.state = state;
    for (const work of [
      () => kms.wrap(randomBytes(64)),
      () => kms.unwrap(text),
      () => kms.rewrap(text),
      () => kms.currentVersion(),
    ])
      expect(await failure(work())).toMatchObject({ code: 'unavailable', retryable: true });
    server.state = 'up';
    expect(await kms.unwrap(text)).toHaveLength(64);
  });

  it('that says no says so at once: to credentials, and to what it did not wrap', async () => {
    const { text } = await kms.wrap(randomBytes(64));
    const refused = { code: 'unavailable', retryable: false };
    for (const other of [changed(text), 'AAAA', ''])
      expect(await failure(kms.unwrap(other))).toMatchObject(refused);
    server.state = 'forbidden';
    expect(await failure(kms.unwrap(text))).toMatchObject(refused);
  });
});

describe('the kind local', () => {
  it('unwraps under each of its keys, and wraps under the first', async () => {
    const plaintext = randomBytes(64);
    const wrapped = await new LocalKms(KEY).wrap(plaintext);
    await expectRewrapped(new LocalKms(`${NEXT}, ${KEY}`), wrapped, plaintext);
    expect(await failure(new LocalKms(NEXT).unwrap(wrapped.text))).toMatchObject({ retryable: false });
  });

  it('refuses what was changed', async () => {
    const kms = new LocalKms(KEY);
    const { text } = await kms.wrap(randomBytes(64));
    for (const other of [changed(text), text.slice(1), ''])
      expect(await failure(kms.unwrap(other))).toMatchObject({ code: 'unavailable', retryable: false });
  });
});
