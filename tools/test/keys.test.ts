import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { KeyChange, KeyHistory, PlatformError } from '@mcp/contracts';
import { HeldKeys, type KeyRing, signLog, verifyLog, withSignature } from '@mcp/provenance';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { keysCommand } from '../src/commands/keys.ts';
import { verifyCommand } from '../src/commands/verify.ts';
import { verifyOptions } from '../src/commands/verify-options.ts';
import { dataPaths, ROOT } from '../src/paths.ts';
import { scratch } from './support.ts';

const LOG: Parameters<typeof signLog>[0] = {
  version: 1,
  id: '0194f0c2-0000-7000-8000-000000000001',
  created_at: '2026-11-29T00:00:00.000Z',
  owner: 'key:1',
  mode: 'answer',
  models: ['a', 'b'],
};
const SECRET = 'a provenance secret for these tests only';

let held: HeldKeys;
let url = '';
/** The last change that a command asked for. */
let asked: KeyChange | undefined;

/** A gateway that has the keys alone. */
const server = createServer(async (request, response) => {
  const answer = async () => {
    if (request.url === '/v1/log')
      return {
        note: '',
        size: 0,
        log_keys: ['x'],
        witness_keys: [],
        log_key_history: held.published().history,
      };
    if (request.method === 'GET') return held.published();
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    asked = KeyChange.parse(JSON.parse(Buffer.concat(parts).toString()));
    return held.change(asked);
  };
  await answer().then(
    (body) => response.end(JSON.stringify(body)),
    (error: unknown) => {
      response.statusCode = error instanceof PlatformError ? 409 : 400;
      response.end(JSON.stringify({ detail: error instanceof Error ? error.message : 'failed' }));
    },
  );
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
  process.env.MCP_KEY = 'a key';
});
afterAll(() => {
  delete process.env.MCP_KEY;
  server.close();
});
beforeEach(async () => {
  let kept: KeyRing | undefined;
  held = await HeldKeys.open({
    store: {
      read: async () => kept,
      replace: async (ring) => {
        kept = ring;
        return true;
      },
    },
  });
  onTestFinished(() => held.close());
});

/** What a command of `mcp keys` says. */
async function said(...args: string[]): Promise<string> {
  return output(() => keysCommand().parseAsync([...args, '--url', url], { from: 'user' }));
}

async function output(run: () => Promise<unknown>): Promise<string> {
  const lines: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
  try {
    await run();
  } finally {
    write.mockRestore();
  }
  return lines.join('');
}

const keyAt = (at: number) => held.published().history.keys[at]?.key_id ?? '';

it('keys are tried, rotated, rolled back and listed, with the checksum before and after', async () => {
  const { checksum } = held.published();
  const dry = await said('rotate', '--dry-run');
  expect(dry).toMatch(
    /^Nothing is changed: this is what would be\.\n✓ generate: A new Ed25519 key: [0-9a-f]{64}/,
  );
  expect(dry).toContain(`checksum before ${checksum}\n`);
  expect(held.published().checksum).toBe(checksum);
  const done = await said('rotate');
  expect(done.match(/(?<=^✓ )\w+/gm)).toEqual(['generate', 'publish', 'replace', 'retire', 'verify']);
  expect(done).toContain(`checksum after  ${held.published().checksum}\n`);
  expect(await said('rotate', '--rollback')).toMatch(
    /^✓ roll back: The key \w+… signs again in the place of/,
  );
  const listed = await said('list');
  expect(listed.match(/ (retired|active|next|revoked) /g)).toEqual([
    ' active ',
    ' retired ',
    ' retired ',
    ' active ',
  ]);
  expect(listed).toContain(`✓ each key is signed by the one before; checksum ${held.published().checksum}`);
});

it('the keys of the transparency log are meant where --log says so', async () => {
  expect(await said('rotate', '--log')).toMatch(/^✓ generate/);
  expect(asked).toMatchObject({ change: 'rotate', keys: 'transparency_log' });
  expect(await said('list', '--log')).toContain(`checksum ${held.published().checksum}`);
  await said('rotate');
  expect(asked?.keys).toBeUndefined();
});

it('a key is revoked with its reason, and not the one that signs', async () => {
  await expect(said('revoke', keyAt(0), '--reason', 'it leaked')).rejects.toThrow(
    /is the active or the next one.*Rotate first \(npx mcp keys rotate\), then revoke it/,
  );
  await said('rotate');
  await expect(said('revoke', 'f'.repeat(8), '--reason', 'it leaked')).rejects.toThrow(
    'No key of the history begins with ffffffff. See: npx mcp keys list',
  );
  // As the list shows it.
  expect(await said('revoke', keyAt(0).slice(0, 16), '--reason', 'it leaked')).toMatch(
    /^✓ revoke: .* is revoked: it leaked$/m,
  );
  expect(await said('list')).toMatch(new RegExp(`${keyAt(0).slice(0, 16)} +revoked`));
});

it('a log is verified elsewhere with the key history alone, and one that is signed wrongly is not', async () => {
  const data = scratch();
  const [file, history, torn] = ['log.json', 'keys.json', 'torn.json'].map((name) => join(data, name)) as [
    string,
    string,
    string,
  ];
  const log = withSignature(signLog(LOG, [], SECRET), held.signer);
  await said('rotate');
  writeFileSync(history, await said('list', '--json'));
  const verify = (path: string) =>
    output(() => verifyCommand().parseAsync([file, '--keys', path, '--data', data], { from: 'user' }));
  writeFileSync(file, JSON.stringify(log));
  expect(await verify(history)).toContain(`signed by ${keyAt(0).slice(0, 16)}\n`);
  expect(process.exitCode).toBe(0);
  const signature = { ...log.signature, key_id: keyAt(1) };
  writeFileSync(file, JSON.stringify({ ...log, signature }));
  expect(await verify(history)).toMatch(/The signature by the key \w+… does not fit/);
  expect(process.exitCode).toBe(1);
  process.exitCode = undefined;
  const { keys } = KeyHistory.parse(held.published().history);
  writeFileSync(torn, JSON.stringify({ keys: keys.slice(1), revocations: [] }));
  await expect(verify(torn)).rejects.toThrow(/The key history \S+ cannot be used: Key 0 .* a key is missing/);
});

it('PROV_SECRET is changed and rolled back by the commands of docs/prov-secret-rotation.md', () => {
  const page = readFileSync(join(ROOT, 'docs/prov-secret-rotation.md'), 'utf8');
  const section = /^### On one machine\n([\s\S]*?)^### /m.exec(page)?.[1] ?? '';
  const [generate, replace, check, rollBack] = [...section.matchAll(/^```bash\n([\s\S]*?)^```/gm)].map(
    ([, block = '']) => block,
  );
  const cwd = scratch();
  const paths = dataPaths(join(cwd, 'data'));
  mkdirSync(paths.secrets, { recursive: true });
  const file = (name: string) => join(paths.secrets, `${name}.key`);
  const secret = () => readFileSync(file('provenance'), 'utf8').trim();
  const run = (commands = '') =>
    execFileSync('bash', ['-euc', `npx() { echo "ran $*"; }\n${commands}`], { cwd, encoding: 'utf8' });
  const statusOf = (log: unknown) => verifyLog(log, verifyOptions(paths, undefined)).status;
  const sign = () => signLog(LOG, [], secret());
  writeFileSync(file('provenance'), `${SECRET}\n`, { mode: 0o600 });
  const logs = [sign()];

  const sums = run(generate).match(/^[0-9a-f]{64}/gm) ?? [];
  expect(sums).toHaveLength(2);
  expect(statusOf(logs[0])).toBe('ok');
  expect(run(replace)).toContain(sums[1]);
  expect(secret()).toMatch(/^[0-9a-f]{64}$/);
  expect(run(check)).toBe('ran mcp verify --all\n');
  logs.push(sign());
  expect(logs.map(statusOf)).toEqual(['ok', 'ok']);

  // A crash may cut it off before its last step but one; it is done again.
  run(rollBack?.split('\n').slice(0, 2).join('\n'));
  run(rollBack);
  expect(secret()).toBe(SECRET);
  logs.push(sign());
  expect(logs.map(statusOf)).toEqual(['ok', 'ok', 'ok']);
  expect(statSync(file('prov_secrets_accepted')).mode & 0o077).toBe(0);
});
