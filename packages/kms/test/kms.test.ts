/** One suite for every kind of key management service: over what each publishes of its interface, and over real servers where their programs are given (docs/encryption.md). */
import { randomBytes } from 'node:crypto';
import { failure, realKmsServers, startScriptedKms, type TestedKms } from '@mcp/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { KmsSettings } from '../manifest.ts';
import { type Kms, LocalKms, openKms } from '../src/index.ts';

const KEY = 'a key of these tests that wraps data keys';
const NEXT = 'the key that comes after it, for the tests';

const SERVERS: Readonly<Record<string, () => Promise<TestedKms>>> = {
  'vault, scripted': () => startScriptedKms('vault'),
  'aws, scripted': () => startScriptedKms('aws'),
  'gcp, scripted': () => startScriptedKms('gcp'),
  ...realKmsServers(process.env),
};

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

const REFUSED = { code: 'unavailable', retryable: false };

describe.each(Object.entries(SERVERS))('the kind %s', (name, start) => {
  let server: TestedKms;
  let kms: Kms;
  beforeAll(async () => {
    server = await start();
    const settings = KmsSettings.parse(server.settings);
    kms = await openKms(settings, { key: KEY, token: server.token });
  }, 90_000);
  afterAll(async () => {
    kms.close();
    await server.close();
  });

  it('unwraps what it wrapped, and wraps it again under the key that came after', async () => {
    const plaintext = randomBytes(64);
    const wrapped = await kms.wrap(plaintext);
    expect(wrapped.key_version).toMatch(new RegExp(`^${name.split(',')[0]}:`));
    expect(wrapped.key_version).toBe(await kms.currentVersion());
    expect(await kms.unwrap(wrapped.text)).toEqual(plaintext);
    expect((await kms.wrap(plaintext)).text).not.toBe(wrapped.text);
    await server.rotate();
    await expectRewrapped(kms, wrapped, plaintext);
  });

  it('that says no says so at once to what it did not wrap, or not for the platform', async () => {
    const { text } = await kms.wrap(randomBytes(64));
    for (const other of [changed(text), 'AAAA', '', await server.foreign()])
      expect(await failure(kms.unwrap(other)), other).toMatchObject(REFUSED);
    expect(await failure(kms.rewrap(await server.foreign()))).toMatchObject(REFUSED);
  });

  it('says of each trouble whether trying again can help, and works again after it', async () => {
    const { text } = await kms.wrap(randomBytes(64));
    for (const state of server.states) {
      await server.enter(state);
      for (const work of [
        () => kms.wrap(randomBytes(64)),
        () => kms.unwrap(text),
        () => kms.rewrap(text),
        () => kms.currentVersion(),
      ])
        expect(await failure(work()), state).toMatchObject({
          code: 'unavailable',
          retryable: state !== 'forbidden',
        });
      await server.enter('up');
      expect(await kms.unwrap(text)).toHaveLength(64);
    }
  }, 120_000);
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
      expect(await failure(kms.unwrap(other))).toMatchObject(REFUSED);
  });
});
