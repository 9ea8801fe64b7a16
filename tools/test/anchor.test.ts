import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { openAnchor } from '@mcp/anchors';
import { encodeVerifier, folderDisk, signerOf, TransparencyLog } from '@mcp/provenance/tlog';
import { expect, it, onTestFinished, vi } from 'vitest';
import { verifyCommand } from '../src/commands/verify.ts';
import { scratch } from './support.ts';

const ORIGIN = 'log.example/test';

/** A platform whose log can be read, and exchanged. */
async function platform() {
  const signer = signerOf(generateKeyPairSync('ed25519').privateKey, { name: ORIGIN, algorithm: 'ed25519' });
  const key = encodeVerifier(signer);
  const grown = async (name: string, size: number) => {
    const dir = scratch();
    const log = await TransparencyLog.open({ disk: folderDisk(dir), signer });
    await Promise.all(Array.from({ length: size }, (_, n) => log.append(Buffer.from(`${name} ${n}`))));
    await log.close();
    return { dir, note: log.checkpoint };
  };
  const shown = { dir: '', note: '' };
  const server = createServer((request, response) => {
    const path = (request.url ?? '').slice('/v1/log'.length);
    if (path === '')
      return response.end(JSON.stringify({ note: shown.note, size: 0, log_keys: [key], witness_keys: [] }));
    try {
      return response.end(readFileSync(join(shown.dir, path)));
    } catch {
      return response.writeHead(404).end('{}');
    }
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { grown, key, url, show: (log: { dir: string; note: string }) => Object.assign(shown, log) };
}

async function verify(...args: string[]): Promise<{ code: number; out: string }> {
  vi.stubEnv('MCP_KEY', 'mcp_sk_test');
  let out = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  try {
    await verifyCommand().parseAsync(args, { from: 'user' });
    return { code: Number(process.exitCode ?? 0), out };
  } finally {
    write.mockRestore();
    vi.unstubAllEnvs();
    process.exitCode = 0;
  }
}

it('compares the log of a platform with what was anchored of it, and says what contradicts', async () => {
  const { grown, key, url, show } = await platform();
  const folder = scratch();
  const anchor = await openAnchor(
    { kind: 'file', folder, every_s: 1 },
    { origin: ORIGIN, s3_key: undefined },
  );
  const check = (place: string, ...more: string[]) =>
    verify('--anchor', place, '--url', url, '--data', scratch(), ...more);
  const [small, middle, large] = [await grown('a', 3), await grown('a', 300), await grown('a', 700)];
  await anchor.keep(small.note, 3);
  await anchor.keep(middle.note, 300);
  show(large);
  expect(await check(folder, '--key', key)).toEqual({
    code: 0,
    out: `✓ ${ORIGIN}: 700 entries go on from the 300 that were anchored in ${anchor.place} (2 of 2 checkpoints compared)\n`,
  });
  expect((await check(folder)).out).toContain(`give them with --key:\n  ${key}`);

  show(small);
  const back = await check(folder, '--key', key);
  expect(back).toMatchObject({
    code: 1,
    out: expect.stringContaining('it has 3 entries, and had signed 300. (0000000000000300.txt)'),
  });
  show(await grown('b', 700));
  const anew = JSON.parse((await check(folder, '--json')).out) as { anchor: unknown };
  expect(anew.anchor).toMatchObject({
    ok: false,
    size: 700,
    anchored_size: 300,
    reason: expect.stringContaining('The first 300 entries of the log are others'),
  });
  show({ dir: small.dir, note: large.note });
  expect((await check(folder)).out).toContain('The tile tile/1/000.p/2 of the log is missing, or cut.');

  show(large);
  const one = join(scratch(), 'kept.txt');
  writeFileSync(one, middle.note);
  expect((await check(one)).out).toContain('(1 of 1 checkpoints compared)');
  writeFileSync(one, 'nonsense');
  expect((await check(one)).out).toContain(
    'No checkpoint of this log is there.; 1 texts there are none that it has signed',
  );
  writeFileSync(join(anchor.place, '0000000000000900.txt'), large.note.replace('700', '900'));
  expect((await check(folder)).out).toContain('2 of 3 checkpoints compared; 1 texts there are none');
  const empty = join(scratch(), 'empty');
  mkdirSync(empty);
  expect(await check(empty)).toMatchObject({
    code: 1,
    out: expect.stringContaining('No checkpoint of this log is there.'),
  });
  await expect(check(join(empty, 'none'))).rejects.toThrow(/none cannot be read \(ENOENT/);
  await expect(check(folder, '--all')).rejects.toThrow(/name one conversation, give --bundle, or neither/);
});
