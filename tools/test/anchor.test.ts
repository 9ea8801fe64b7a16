import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { openAnchor } from '@mcp/anchors';
import { encodeEntry, encodeProof, sessionEntry } from '@mcp/provenance';
import { encodeVerifier, folderDisk, signerOf, TransparencyLog } from '@mcp/provenance/tlog';
import { expect, it, onTestFinished, vi } from 'vitest';
import { verifyCommand } from '../src/commands/verify.ts';
import { LOG } from './signed-log.ts';
import { scratch } from './support.ts';

const ORIGIN = 'log.example/test';
const { privateKey: rekor_key } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** An entry of a conversation, and where it is in a log. */
interface Own {
  readonly index: number;
  readonly entry: string;
}

/** A platform whose log can be read, and exchanged. */
async function platform() {
  const signer = signerOf(generateKeyPairSync('ed25519').privateKey, { name: ORIGIN, algorithm: 'ed25519' });
  const key = encodeVerifier(signer);
  const grown = async (name: string, size: number, own?: Own) => {
    const dir = scratch();
    const log = await TransparencyLog.open({ disk: folderDisk(dir), signer });
    const textOf = (n: number) => (n === own?.index ? own.entry : `${name} ${n}`);
    await Promise.all(Array.from({ length: size }, (_, n) => log.append(Buffer.from(textOf(n)))));
    await log.publish();
    const { checkpoint: note } = log;
    const hashes = own === undefined ? [] : await log.inclusion(own.index);
    await log.close();
    return { dir, note, proof: encodeProof({ index: own?.index ?? 0, hashes, checkpoint: note }) };
  };
  const shown = { dir: '', note: '', bundle: '' };
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/v1/conversations/') === true) return response.end(shown.bundle);
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
  return { grown, key, url, show: (log: Partial<typeof shown>) => Object.assign(shown, log) };
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
    { origin: ORIGIN, s3_key: undefined, rekor_key },
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

it('finds a conversation in what was anchored, or in what came since, and not one of another tree', async () => {
  const { grown, key, url, show } = await platform();
  const own = { index: 5, entry: encodeEntry(sessionEntry(LOG.id, LOG.messages)) };
  const bundle = (proof: string) =>
    JSON.stringify({
      type: 'mcp/proof-bundle@v1',
      log: LOG,
      entries: [{ entry: own.entry, proof }],
      log_keys: [key],
      witness_keys: [],
    });
  const kept = join(scratch(), 'kept.txt');
  const check = (...named: string[]) =>
    verify(...named, '--anchor', kept, '--key', key, '--url', url, '--data', scratch());
  const full = await grown('a', 9, own);
  show({ ...full, bundle: bundle(full.proof) });
  writeFileSync(kept, (await grown('a', 3)).note);
  expect(await check(LOG.id)).toMatchObject({
    code: 0,
    out: expect.stringContaining('of the conversation: 0 entries anchored, 1 newer ones in the log'),
  });
  writeFileSync(kept, full.note);
  const file = join(scratch(), 'bundle.json');
  writeFileSync(file, bundle(full.proof));
  for (const named of [[LOG.id], ['--bundle', file]])
    expect((await check(...named)).out).toContain('1 entries anchored, 0 newer ones in the log');

  const without = await grown('a', 9);
  show(without);
  writeFileSync(kept, without.note);
  expect(await check(LOG.id)).toMatchObject({
    code: 1,
    out: expect.stringContaining('Entry 5 of the conversation is not the one in the tree that was anchored.'),
  });
  writeFileSync(kept, (await grown('a', 3)).note);
  expect((await check(LOG.id)).out).toContain('Entry 5 of the conversation is not the one in the log.');
});
