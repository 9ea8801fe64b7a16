import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import type { KeyChange, LogCheckpoint, TransparencyLogApi } from '@mcp/contracts';
import { encodeProof, followKeys, keysOf, trustedKeys, VerifiedKeys } from '@mcp/provenance';
import { decodeNote, decodeVerifier, openCheckpoint, openProof } from '@mcp/provenance/tlog';
import { failure, startNats } from '@mcp/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { asAdmin, call, scratch, start, texts } from './support.ts';

const SOON = { timeout: 30_000, interval: 100 };
const change = (api: TransparencyLogApi, asked: KeyChange) => api.changeKeys(asked, asAdmin());
const rotate = (api: TransparencyLogApi) => change(api, { change: 'rotate', dry_run: false });
const fileOf = (dir: string) => join(dir, 'transparency-log', 'keys.json');

/** Signatures below a note, by the name of who signed. */
const signatures = (note: string, name: string) =>
  decodeNote(note).signatures.filter((one) => one.name === name).length;

/** The proof of an entry, as somebody keeps it. */
async function proofOf(api: TransparencyLogApi, index: number) {
  const [{ hashes, note }, { entry }] = await Promise.all([
    api.inclusion({ index }, call()),
    api.entry({ index }, call()),
  ]);
  const decoded = hashes.map((hash) => Buffer.from(hash, 'base64'));
  return { proof: encodeProof({ index, hashes: decoded, checkpoint: note }), entry: Buffer.from(entry) };
}

const historyOf = ({ log_key_history }: Pick<LogCheckpoint, 'log_key_history'>) =>
  VerifiedKeys.of(log_key_history);

describe('the key of the log', () => {
  it('is rotated: both sign, old proofs hold, who trusts the first follows, also after a restart', async () => {
    const dir = scratch();
    const first = await start(dir);
    await first.api.append({ entries: texts(0, 10) }, call());
    const kept = await proofOf(first.api, 3);
    const before = await first.api.checkpoint(call());
    const dry = await change(first.api, { change: 'rotate', dry_run: true });
    expect(dry).toMatchObject({ dry_run: true, before: { checksum: dry.before.checksum } });
    expect(await first.api.checkpoint(call())).toEqual(before);

    const done = await rotate(first.api);
    expect(done.steps.map(({ step }) => step)).toEqual([
      'generate',
      'publish',
      'replace',
      'retire',
      'verify',
    ]);
    const after = await first.api.checkpoint(call());
    expect([after.log_keys.length, after.log_keys[1]]).toEqual([2, before.log_keys[0]]);
    // The checkpoint of the same entries is signed anew, and with both.
    expect(signatures(after.note, 'example.com/test')).toBe(2);
    for (const key of after.log_keys) expect(openCheckpoint(after.note, decodeVerifier(key)).size).toBe(10);
    const { note } = await first.api.signAudit({ manifest_sha256: 'a'.repeat(64) }, call());
    expect(signatures(note, 'example.com/test')).toBe(2);
    expect(readFileSync(fileOf(dir), 'utf8')).not.toMatch(/MC4CAQAwBQYDK2Vw/);
    await first.stop();

    const { api } = await start(dir);
    await api.append({ entries: texts(10, 20) }, call());
    const now = await api.checkpoint(call());
    expect(historyOf(now).goesOnFrom(historyOf(before))).toBe(true);
    expect(openProof(kept.proof, kept.entry, keysOf(now))).toMatchObject({ index: 3, size: 10 });
    // Who kept the first key alone, and reads a proof that only the second has signed.
    const key_id = before.log_key_history?.keys[0]?.key_id ?? '';
    await change(api, { change: 'revoke', key_id, reason: 'it leaked', dry_run: false });
    const fresh = await proofOf(api, 15);
    const { log_key_history, log_keys } = await api.checkpoint(call());
    expect(log_keys).toEqual([after.log_keys[0]]);
    const trusted = trustedKeys(before.log_keys);
    const followed = { ...trusted, log: followKeys(trusted.log, log_key_history) };
    expect(openProof(fresh.proof, fresh.entry, followed)).toMatchObject({ index: 15, size: 20 });
    expect(() => openProof(fresh.proof, fresh.entry, trusted)).toThrow(/not signed by a key that is known/);
    expect(() => openProof(kept.proof, kept.entry, followed)).toThrow(/not signed by a key that is known/);
  });

  it('is rolled back, is changed by administrators alone, and not by another secret', async () => {
    const dir = scratch();
    const { api, stop } = await start(dir);
    expect(await failure(api.changeKeys({ change: 'rotate', dry_run: false }, call()))).toMatchObject({
      code: 'forbidden',
    });
    expect(await failure(change(api, { change: 'roll_back', dry_run: false }))).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('There is no key to roll back to'),
    });
    const before = await api.checkpoint(call());
    await rotate(api);
    await change(api, { change: 'roll_back', dry_run: false });
    const after = await api.checkpoint(call());
    expect(after.log_keys[0]).toBe(before.log_keys[0]);
    expect(signatures(after.note, 'example.com/test')).toBe(2);
    await stop();
    const other = { MCP_LOG_SIGNING_SECRET: 'another secret of the transparency log for tests' };
    await expect(start(dir, undefined, other)).rejects.toThrow(
      /encrypted under another MCP_LOG_SIGNING_SECRET/,
    );
    const good = readFileSync(fileOf(dir), 'utf8');
    writeFileSync(fileOf(dir), good.slice(0, 200));
    await expect(start(dir)).rejects.toThrow(/keys\.json\) are damaged\. Put the file back/);
    writeFileSync(fileOf(dir), good);
    expect((await (await start(dir)).api.checkpoint(call())).log_keys).toEqual(after.log_keys);
  });

  it('is seen to have been put back with its folder, by the event bus', async () => {
    const nats = await startNats();
    onTestFinished(() => nats.close());
    const dir = scratch();
    const folder = join(dir, 'transparency-log');
    const first = await start(dir, nats.url);
    const old = join(dir, 'old');
    cpSync(folder, old, { recursive: true });
    await rotate(first.api);
    const marks = async () => {
      const kv = await (await first.kit.bus()).bucket('mcp_log_checkpoints', {});
      const texts: string[] = [];
      for await (const key of await kv.keys()) texts.push((await kv.get(key))?.string() ?? '');
      return texts.map((text) => text.split(' ')[0]);
    };
    await expect.poll(marks, SOON).toContain('2');
    await first.stop();
    rmSync(folder, { recursive: true });
    cpSync(old, folder, { recursive: true });
    const { api, kit } = await start(dir, nats.url);
    await expect
      .poll(() => kit.metrics.text(), SOON)
      .toMatch(/transparency_log_read_only\{service="transparency-log"\} 1\n/);
    expect(await failure(api.append({ entries: texts(0, 1) }, call()))).toMatchObject({
      message: expect.stringContaining('Its keys were put back, or are others: it has 1'),
    });
  });
});

/** What answers `/v1/witness` of a region. */
async function region() {
  const behind: { api: TransparencyLogApi | undefined; asked: number } = { api: undefined, asked: 0 };
  const server = createServer(async (request, response) => {
    const body = await textOf(request);
    const { api } = behind;
    if (api === undefined) return response.writeHead(503).end();
    if (request.method === 'GET') {
      response.end(JSON.stringify(await api.identity(call())));
      behind.asked++;
      return undefined;
    }
    const answer = await api.cosign({ submission: body }, call());
    return response.writeHead(answer.status).end(answer.body);
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  return { behind, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/witness` };
}

describe('a witness in another region', () => {
  it('follows to a key that the one before signed, and to no other', async () => {
    const [eu, us] = [await region(), await region()];
    const [here, there] = [scratch(), scratch()];
    const startOn = async (dir: string, name: 'eu' | 'us') => {
      const [own, other] = name === 'eu' ? [eu, us] : [us, eu];
      const peer = { origin: `example.com/${name === 'eu' ? 'us' : 'eu'}`, url: other.url };
      const started = await start(dir, undefined, {
        MCP_LOG_ORIGIN: `example.com/${name}`,
        MCP_LOG_PEERS: JSON.stringify([peer]),
      });
      own.behind.api = started.api;
      return started;
    };
    const log = await startOn(here, 'eu');
    let witness = await startOn(there, 'us');
    const witnessed = async (size: number) => {
      const { note } = await log.api.checkpoint(call());
      return openCheckpoint(note, keysOf(await log.api.checkpoint(call())).log).size === size
        ? signatures(note, 'example.com/us/witness')
        : 0;
    };
    await log.api.append({ entries: texts(0, 5) }, call());
    await expect.poll(() => witnessed(5), SOON).toBe(1);

    const known = () =>
      JSON.parse(readFileSync(join(there, 'transparency-log', 'witness', 'peers.json'), 'utf8'));
    const keysKnown = () => known()['example.com/eu'].log_keys.length;
    await rotate(log.api);
    // The checkpoint that was cosigned has the signature of the new key, too.
    await expect
      .poll(async () => signatures((await log.api.checkpoint(call())).note, 'example.com/eu'))
      .toBe(2);
    expect(await witnessed(5)).toBe(1);
    await witness.stop();
    witness = await startOn(there, 'us');
    await expect.poll(keysKnown, SOON).toBe(2);
    const key_id = (await log.api.checkpoint(call())).log_key_history?.keys[0]?.key_id ?? '';
    await change(log.api, { change: 'revoke', key_id, reason: 'it leaked', dry_run: false });
    await log.api.append({ entries: texts(5, 9) }, call());
    await expect.poll(() => witnessed(9), SOON).toBe(1);
    expect(signatures((await log.api.checkpoint(call())).note, 'example.com/eu')).toBe(1);

    // Another log of the name with the first key, which was rotated to something else.
    const forged = await start(scratch(), undefined, { MCP_LOG_ORIGIN: 'example.com/eu' });
    await rotate(forged.api);
    await rotate(forged.api);
    await witness.stop();
    const before = known();
    eu.behind.api = forged.api;
    eu.behind.asked = 0;
    witness = await startOn(there, 'us');
    await forged.api.append({ entries: texts(0, 1) }, call());
    await expect.poll(() => eu.behind.asked, SOON).toBeGreaterThan(0);
    const { note } = await forged.api.checkpoint(call());
    expect(await witness.api.cosign({ submission: `old 9\n\n${note}` }, call())).toMatchObject({
      status: 403,
    });
    await witness.stop();
    expect(known()).toEqual(before);
  });
});
