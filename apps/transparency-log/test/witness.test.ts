import { generateKeyPairSync } from 'node:crypto';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TransparencyLogApi } from '@mcp/contracts';
import { encodeProof, keysOf } from '@mcp/provenance';
import {
  encodeSubmission,
  encodeVerifier,
  folderDisk,
  openProof,
  type Signer,
  signerOf,
  TransparencyLog,
} from '@mcp/provenance/tlog';
import { failure } from '@mcp/testkit';
import { describe, expect, it } from 'vitest';
import { call, gateway, scratch, start, texts } from './support.ts';

/** Two regions, each the other's witness. */
async function regions() {
  const [eu, us] = [await gateway(), await gateway()];
  const settings = (name: string, other: string, url: string) => ({
    MCP_LOG_ORIGIN: `example.com/${name}`,
    MCP_LOG_PEERS: JSON.stringify([{ origin: `example.com/${other}`, url }]),
  });
  const startEu = async (dir: string) => {
    const started = await start(dir, undefined, settings('eu', 'us', us.url));
    eu.behind.api = started.api;
    return started;
  };
  const startUs = async (dir: string) => {
    const started = await start(dir, undefined, settings('us', 'eu', eu.url));
    us.behind.api = started.api;
    return started;
  };
  return { startEu, startUs, us };
}

/** Who has witnessed an entry, as whoever holds its proof finds. */
async function witnessesOf(api: TransparencyLogApi, index: number): Promise<readonly string[]> {
  const [{ hashes, note }, { entry }, keys] = await Promise.all([
    api.inclusion({ index }, call()),
    api.entry({ index }, call()),
    api.checkpoint(call()),
  ]);
  const decoded = hashes.map((hash) => Buffer.from(hash, 'base64'));
  const proof = encodeProof({ index, hashes: decoded, checkpoint: note });
  return openProof(proof, Buffer.from(entry), keysOf(keys)).witnesses;
}

const SOON = { timeout: 30_000, interval: 100 };
const US = ['example.com/us/witness'];

describe('regions that witness each other', () => {
  it('prove by the other that an entry was there, go on without it, and catch up', async () => {
    const { startEu, startUs, us } = await regions();
    const [here, there] = [scratch(), scratch()];
    const first = await startEu(here);
    const witness = await startUs(there);
    await first.api.append({ entries: texts(0, 300) }, call());
    await expect.poll(() => witnessesOf(first.api, 299), SOON).toEqual(US);
    await witness.api.append({ entries: texts(0, 3) }, call());
    await expect.poll(() => witnessesOf(witness.api, 2), SOON).toEqual(['example.com/eu/witness']);

    us.behind.api = undefined;
    await first.api.append({ entries: texts(300, 310) }, call());
    expect(await witnessesOf(first.api, 305)).toEqual([]);
    expect(await witnessesOf(first.api, 299)).toEqual(US);
    const waits =
      /transparency_log_not_witnessed_seconds\{service="transparency-log"\} 0\.\d*[1-9]|transparency_log_not_witnessed_seconds\{service="transparency-log"\} [1-9]/;
    await expect.poll(() => first.kit.metrics.text(), SOON).toMatch(waits);
    await first.stop();

    us.behind.api = witness.api;
    const again = await startEu(here);
    expect(await witnessesOf(again.api, 299)).toEqual(US);
    await expect.poll(() => witnessesOf(again.api, 309), SOON).toEqual(US);
  });

  it.each([
    ['a folder that was rolled back', 5, 'It was rolled back'],
    ['another log of the name', 30, 'there are two logs of one name'],
  ])('find out %s', async (_, entries, reason) => {
    const { startEu, startUs } = await regions();
    const dir = scratch();
    await startUs(scratch());
    const first = await startEu(dir);
    await first.api.append({ entries: texts(0, 20) }, call());
    await expect.poll(() => witnessesOf(first.api, 19), SOON).toEqual(US);
    await first.stop();

    const other = scratch();
    const forged = await start(other, undefined, { MCP_LOG_ORIGIN: 'example.com/eu' });
    await forged.api.append({ entries: texts(entries === 5 ? 0 : 100, entries === 5 ? 5 : 130) }, call());
    await forged.stop();
    cpSync(join(dir, 'transparency-log', 'witness'), join(other, 'transparency-log', 'witness'), {
      recursive: true,
    });
    rmSync(dir, { recursive: true });
    const { api, kit } = await startEu(other);
    const readOnly = /transparency_log_read_only\{service="transparency-log"\} 1\n/;
    await expect.poll(() => kit.metrics.text(), SOON).toMatch(readOnly);
    expect(await failure(api.append({ entries: texts(0, 1) }, call()))).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(reason),
    });
  });
});

/** A log of somebody else, and another one by the same key. */
async function outside() {
  const signer: Signer = signerOf(generateKeyPairSync('ed25519').privateKey, {
    name: 'log.example/outside',
    algorithm: 'ed25519',
  });
  const grown = async (name: string, size: number) => {
    const log = await TransparencyLog.open({ disk: folderDisk(scratch()), signer });
    await Promise.all(Array.from({ length: size }, (_, n) => log.append(Buffer.from(`${name} ${n}`))));
    await log.publish();
    return log;
  };
  return { signer, grown };
}

describe('a witness', () => {
  it('answers as C2SP tlog-witness says, and remembers over a restart', async () => {
    const { signer, grown } = await outside();
    const dir = scratch();
    const settings = { MCP_LOG_WITNESSED: JSON.stringify([encodeVerifier(signer)]) };
    let { api, stop } = await start(dir, undefined, settings);
    const log = await grown('entry', 7);
    const add = async (submission: string) => await api.cosign({ submission }, call());
    const ask = async (given: TransparencyLog, old_size: number) => {
      const hashes = await given.consistency(Math.min(old_size, given.size), given.size);
      return await add(encodeSubmission({ old_size, hashes, checkpoint: given.checkpoint }));
    };
    expect(await ask(log, 3)).toMatchObject({ status: 409, body: '0\n', content_type: 'text/x.tlog.size' });
    const first = await ask(log, 0);
    expect(first).toMatchObject({
      status: 200,
      body: expect.stringMatching(/^\u2014 example\.com\/test\/witness \S+\n$/),
    });
    await Promise.all(Array.from({ length: 9 }, (_, n) => log.append(Buffer.from(`entry ${7 + n}`))));
    await log.publish();
    await stop();
    ({ api, stop } = await start(dir, undefined, settings));
    expect(await ask(log, 0)).toMatchObject({ status: 409, body: '7\n' });
    const proof = await log.consistency(7, 16);
    const { checkpoint } = log;
    const wrong = proof.with(0, Buffer.alloc(32));
    expect(await add(encodeSubmission({ old_size: 7, hashes: wrong, checkpoint }))).toMatchObject({
      status: 422,
    });
    expect(await ask(log, 17)).toMatchObject({ status: 400 });
    const twice = await Promise.all([ask(log, 7), ask(log, 7)]);
    expect(twice.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(await ask(log, 16)).toMatchObject({ status: 200 });

    const fork = await grown('another', 16);
    expect(await ask(fork, 16)).toMatchObject({ status: 422 });
    expect(await ask(await grown('another', 20), 16)).toMatchObject({ status: 422 });
    const stranger = await outside();
    expect(await ask(await stranger.grown('entry', 20), 16)).toMatchObject({ status: 403 });
    expect(
      await add(`old 16\n\n${checkpoint.replaceAll('log.example/outside', 'log.example/other')}`),
    ).toMatchObject({ status: 404 });
    for (const text of [
      '',
      'old 1',
      'old x\n\n',
      `old 01\n\n${checkpoint}`,
      `old 16\nshort\n\n${checkpoint}`,
      `old 0\n\n${checkpoint.slice(0, 40)}`,
    ])
      expect(await add(text), text).toMatchObject({ status: 400 });
    const { note } = await api.cosigned({ log: ID }, call());
    expect(note).toContain('log.example/outside\n16\n');
    for (const log of ['0'.repeat(64), '../checkpoint'])
      expect(await failure(api.cosigned({ log }, call()))).toMatchObject({ code: 'not_found' });
  });
});

/** SHA-256 of `log.example/outside`. */
const ID = '756e9496411fa9fbffb5d6fa0465fddbf2dafbe63261d692755b821652a5fc51';
