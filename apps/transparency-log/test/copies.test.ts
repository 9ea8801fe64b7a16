import { spawn } from 'node:child_process';
import { hash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Principal } from '@mcp/contracts';
import {
  decodeVerifier,
  encodeVerifier,
  folderDisk,
  openCheckpoint,
  provesConsistency,
  rebuildLog,
  TransparencyLog,
} from '@mcp/provenance/tlog';
import { connectBus, createLogger } from '@mcp/service-kit';
import { callerHeaders, failure, freePort, type NatsServer, startNats, testIdentities } from '@mcp/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ENTRIES_STREAM, ENTRIES_SUBJECT } from '../manifest.ts';
import { encodeBatch } from '../src/copies/batch.ts';
import { Cosigners } from '../src/cosigners.ts';
import { LogKeeper } from '../src/keeper.ts';
import { signerFrom } from '../src/key.ts';
import { LogKeys } from '../src/log-keys.ts';
import { Peers } from '../src/peers.ts';
import { logId } from '../src/witness.ts';
import { call, gateway, scratch, start, texts } from './support.ts';

const SOON = { timeout: 30_000, interval: 50 };
const ORIGIN = 'example.com/eu';
const LOG = logId(ORIGIN);
const SELF: Principal = { id: 'service:core', kind: 'service', name: 'core', scopes: [] };
const SECRET = 'a secret of the transparency log for tests';

/** Two regions whose event buses are linked; the copy of the log of `eu` is kept in `us`. */
async function regions(more: Readonly<Record<string, string>> = {}) {
  const [eu, us, link] = [await gateway(), await gateway(), await freePort()];
  const bus = (name: string, leaf: string) => `jetstream { domain: "${name}" }\nleafnodes { ${leaf} }\n`;
  const euBus = await startNats({ config: bus('eu', `listen: "127.0.0.1:${link}"`) });
  const [port, store_dir] = [await freePort(), scratch()];
  const dialling = {
    config: bus('us', `reconnect: 1, remotes: [{ urls: ["nats-leaf://127.0.0.1:${link}"] }]`),
    port,
    store_dir,
  };
  const buses: { us: NatsServer } = { us: await startNats(dialling) };
  onTestFinished(async () => {
    await buses.us.close();
    await euBus.close();
  });
  // The server looks again for a stream that it did not find only after ten seconds: in a platform that runs it is there.
  const { manager } = await busAt(euBus.url);
  await manager.streams.add({
    name: ENTRIES_STREAM,
    subjects: [ENTRIES_SUBJECT],
    discard: 'new',
    allow_direct: true,
    max_bytes: 1_200_000,
  });
  const settings = (name: string, peer: object) => ({
    ...more,
    MCP_LOG_ORIGIN: `example.com/${name}`,
    MCP_LOG_PEERS: JSON.stringify([peer]),
  });
  const ofEu = settings('eu', { origin: 'example.com/us', url: us.url, region: 'us', keeps_ours: true });
  const startEu = async (dir: string) => {
    const started = await start(dir, euBus.url, ofEu);
    eu.behind.api = started.api;
    return started;
  };
  const startUs = async (dir: string) => {
    const peer = { origin: ORIGIN, url: eu.url, region: 'eu', kept_here: true };
    const started = await start(dir, buses.us.url, settings('us', peer));
    us.behind.api = started.api;
    return started;
  };
  const cut = () => buses.us.stop();
  const join_ = async () => {
    buses.us = await startNats(dialling);
  };
  return { startEu, startUs, us, cut, join: join_, eu_nats: euBus.url, eu_env: ofEu };
}

type Started = Awaited<ReturnType<typeof start>>;

const copied = async ({ api }: Started) => {
  try {
    return (await api.copied({ log: LOG }, call())).size;
  } catch {
    return undefined;
  }
};

async function all<T>(given: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of given) items.push(item);
  return items;
}

/** Every file of tiles and bundles under a folder. */
function tilesIn(folder: string): Map<string, string> {
  const names = readdirSync(join(folder, 'tile'), { recursive: true, encoding: 'utf8' });
  const full = names.filter((name) => /\d{3}$/.test(name) && !name.includes('.p'));
  return new Map(full.map((name) => [name, hash('sha256', readFileSync(join(folder, 'tile', name)))]));
}

/** The service in a process of its own, to be killed while it works. */
async function startProcess(dir: string, env: Readonly<Record<string, string>>) {
  const port = await freePort();
  const child = spawn(process.execPath, ['apps/transparency-log/src/main.ts'], {
    stdio: 'ignore',
    env: {
      PATH: process.env.PATH,
      ...testIdentities(),
      MCP_DATA: dir,
      MCP_HOST: '127.0.0.1',
      MCP_TRANSPARENCY_LOG_PORT: String(port),
      MCP_METRICS_PORT: '0',
      MCP_LOG_LEVEL: 'silent',
      MCP_LOG_SIGNING_SECRET: SECRET,
      ...env,
    },
  });
  const gone = new Promise<void>((done) => child.once('exit', () => done()));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await gone;
  });
  const append = async (entries: string[]) => {
    const headers = await callerHeaders('core', 'transparency-log', SELF);
    return fetch(`http://127.0.0.1:${port}/internal/entries`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ entries }),
    }).catch(() => undefined);
  };
  await expect
    .poll(async () => (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined))?.status, SOON)
    .toBe(200);
  return {
    append,
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}

describe('the copy of a log in another region', () => {
  it('has every entry once and in order, after the log was killed and the link was cut', async () => {
    const { startEu, startUs, cut, join: joined, eu_nats, eu_env } = await regions();
    const [here, there] = [scratch(), scratch()];
    let us = await startUs(there);
    const killed = await startProcess(here, { ...eu_env, MCP_NATS_URL: eu_nats });
    let acknowledged = 0;
    const appending = (async () => {
      for (let n = 0; n < 2000; n += 20) {
        if ((await killed.append(texts(n, n + 20)))?.status !== 201) return;
        acknowledged = n + 20;
      }
    })();
    await expect.poll(() => acknowledged, SOON).toBeGreaterThan(40);
    await sleep(100);
    await killed.kill();
    await appending;

    const eu = await startEu(here);
    const { size } = await eu.api.append({ entries: texts(0, 300) }, call());
    expect(size).toBeGreaterThanOrEqual(acknowledged + 300);
    await expect.poll(() => copied(us), SOON).toBe(size);
    await us.stop();
    us = await startUs(there);
    await expect.poll(() => copied(us), SOON).toBe(size);

    await cut();
    await eu.api.append({ entries: texts(0, 500) }, call());
    expect(await copied(us)).toBe(size);
    const lag =
      /transparency_log_copy_lag_entries\{service="transparency-log",peer="example.com\/us"\} (\d+)/;
    const lagOf = async () => Number(lag.exec(await eu.kit.metrics.text())?.[1]);
    await expect.poll(lagOf, SOON).toBe(500);
    await joined();
    await expect.poll(() => copied(us), SOON).toBe(size + 500);
    await expect.poll(lagOf, SOON).toBe(0);
    const own = tilesIn(join(here, 'transparency-log'));
    expect(own.size).toBeGreaterThan(4);
    expect(tilesIn(join(there, 'transparency-log', 'copies', LOG))).toEqual(own);
    expect(await us.kit.metrics.text()).not.toMatch(/copy_messages_total\{.*(broken|two_histories)/);

    // The region is lost with its disk.
    const before = await eu.api.checkpoint(call());
    const [key = ''] = before.log_keys;
    await eu.stop();
    const again = scratch();
    const rebuilt = await rebuildLog({
      disk: folderDisk(join(again, 'transparency-log')),
      log: decodeVerifier(key),
      checkpoint: (await us.api.copied({ log: LOG }, call())).note,
      known: [before.note, (await us.api.cosigned({ log: LOG }, call())).note],
      bundle: async (path) => Buffer.concat(await all(us.api.copiedTile({ log: LOG, path }, call()))),
    });
    expect(rebuilt).toBe(size + 500);
    const next = await startEu(again);
    expect((await next.api.append({ entries: texts(0, 3) }, call())).indexes[0]).toBe(rebuilt);
    const { hashes } = await next.api.consistency({ from: before.size, to: rebuilt + 3 }, call());
    const { note } = await next.api.inclusion({ index: rebuilt + 2, size: rebuilt + 3 }, call());
    const [old, current] = [before.note, note].map((one) => openCheckpoint(one, decodeVerifier(key)));
    const proof = hashes.map((one) => Buffer.from(one, 'base64'));
    expect(provesConsistency(proof, { old, current } as never)).toBe(true);
    await expect.poll(() => copied(us), SOON).toBe(rebuilt + 3);
  });

  it('takes nothing that the log has not signed, and sees a log that has signed something else before', async () => {
    const { startEu, startUs, eu_nats } = await regions();
    const eu = await startEu(scratch());
    const us = await startUs(scratch());
    await eu.api.append({ entries: texts(0, 10) }, call());
    await expect.poll(() => copied(us), SOON).toBe(10);
    await eu.stop();
    const count = async (status: string) => {
      const line = new RegExp(`copy_messages_total\\{.*status="${status}"\\} (\\d+)`);
      return Number(line.exec(await us.kit.metrics.text())?.[1] ?? 0);
    };
    const bus = await busAt(eu_nats);
    const send = async (message: Uint8Array) => void (await bus.jetstream.publish(ENTRIES_SUBJECT, message));
    const log = await logOf(texts(0, 12));
    const [entries, checkpoint] = [await log.entries(10, 12), await log.checkpointAt(12)];
    const wrong: Uint8Array[] = [
      Buffer.from('no message of entries'),
      encodeBatch({ from: 10, entries: entries.toReversed(), checkpoint }),
      encodeBatch({ from: 10, entries: entries.slice(1), checkpoint }),
      encodeBatch({ from: 10, entries, checkpoint: checkpoint.replace('\n12\n', '\n13\n') }),
    ];
    for (const [n, message] of wrong.entries()) {
      await send(message);
      await expect.poll(() => count('broken'), SOON).toBe(n + 1);
    }
    await send(encodeBatch({ from: 11, entries: entries.slice(1), checkpoint }));
    await expect.poll(() => count('gap'), SOON).toBe(1);
    expect([await copied(us), await count('two_histories')]).toEqual([10, 0]);
    const rewritten = await logOf(texts(100, 110));
    const others = await rewritten.entries(0, 10);
    await send(encodeBatch({ from: 0, entries: others, checkpoint: rewritten.checkpoint }));
    await expect.poll(() => count('two_histories'), SOON).toBe(1);
    expect(await us.kit.metrics.text()).toMatch(/witnessed_two_histories\{.*\} 1\n/);
    await send(encodeBatch({ from: 10, entries, checkpoint }));
    await expect.poll(() => copied(us), SOON).toBe(12);
  });

  it('waits in a stream of a bound, begins anew where it is lost, and makes no log that was put back go on', async () => {
    const { startEu, startUs, us: gate, eu_nats } = await regions({ MCP_LOG_COPY_STREAM_BYTES: '1200000' });
    const [here, there] = [scratch(), scratch()];
    const eu = await startEu(here);
    const behind = await startUs(there);
    const old = scratch();
    await eu.api.append({ entries: texts(0, 10) }, call());
    await expect.poll(() => copied(behind), SOON).toBe(10);
    await eu.stop();
    cpSync(join(here, 'transparency-log'), join(old, 'transparency-log'), { recursive: true });

    const large = (n: number) =>
      Array.from({ length: 10 }, (_, at) => `${10 * n + at} ${'x'.repeat(50_000)}`);
    let again = await startEu(here);
    gate.behind.api = undefined;
    for (let n = 0; n < 6; n++) await again.api.append({ entries: large(n) }, call());
    const bus = await busAt(eu_nats);
    const stored = async () => (await bus.find(ENTRIES_STREAM))?.state;
    await expect.poll(async () => (await stored())?.bytes ?? 0, SOON).toBeGreaterThan(500_000);
    await sleep(500);
    expect((await stored())?.bytes).toBeLessThanOrEqual(1_200_000);
    expect(await copied(behind)).toBeLessThan(70);
    gate.behind.api = behind.api;
    await expect.poll(() => copied(behind), SOON).toBe(70);

    // A new folder there, and nothing in the stream that would fill it.
    await behind.stop();
    await again.stop();
    await bus.manager.streams.purge(ENTRIES_STREAM);
    const fresh = await startUs(scratch());
    again = await startEu(here);
    await expect.poll(() => copied(fresh), SOON).toBe(70);
    await again.stop();

    const { kit } = await startEu(old);
    const readOnly = /transparency_log_read_only\{service="transparency-log"\} 1\n/;
    await expect.poll(() => kit.metrics.text(), SOON).toMatch(readOnly);
    expect(await copied(fresh)).toBe(70);
  });

  it('is waited for by witnesses, as what they have seen alone could not be restored', async () => {
    const { behind, url } = await gateway();
    const signer = signerFrom(SECRET, 'example.com/held');
    const watched = { MCP_LOG_WITNESSED: JSON.stringify([encodeVerifier(signer)]) };
    const { api } = await start(scratch(), undefined, watched);
    behind.api = api;
    const { witness_key: key } = await api.identity(call());
    const { kit } = await start(scratch(), undefined, { MCP_LOG_WITNESSES: JSON.stringify([{ url, key }]) });
    const keeper = await LogKeeper.open({
      kit,
      folder: scratch(),
      keysOn: (disk) => LogKeys.open({ kit, disk, secret: SECRET, first: signer }),
    });
    onTestFinished(() => keeper.close());
    await keeper.append(texts(0, 9));
    await keeper.publish();
    let settled: number | undefined = 4;
    const peers = await Peers.open({ kit, disk: keeper.disk });
    const cosigners = await Cosigners.open({ kit, keeper, peers, settled: () => settled });
    onTestFinished(() => cosigners.close());
    const cosigned = async () =>
      (await api.cosigned({ log: logId(signer.name) }, call())).note.split('\n')[1];
    const sizes = async () => [cosigners.newest?.size, await cosigned().catch(() => undefined)];
    await expect.poll(sizes, SOON).toEqual([4, '4']);
    settled = 6;
    await expect.poll(sizes, SOON).toEqual([6, '6']);
    // A copy that begins anew takes nothing back, and one that is not heard of keeps nothing back.
    settled = 0;
    await sleep(600);
    expect(await sizes()).toEqual([6, '6']);
    settled = undefined;
    await expect.poll(sizes, SOON).toEqual([9, '9']);
  });

  it('is kept nowhere but where the log is told to send it', async () => {
    const { startUs, eu_nats } = await regions();
    const us = await startUs(scratch());
    const settings = {
      MCP_LOG_ORIGIN: ORIGIN,
      MCP_LOG_PEERS: JSON.stringify([{ origin: 'example.com/us', url: 'http://127.0.0.1:9', region: 'us' }]),
    };
    const eu = await start(scratch(), eu_nats, settings);
    await eu.api.append({ entries: texts(0, 10) }, call());
    await expect.poll(async () => (await eu.api.checkpoint(call())).size, SOON).toBe(10);
    await sleep(300);
    expect((await (await busAt(eu_nats)).find(ENTRIES_STREAM))?.state.messages).toBe(0);
    expect(await failure(us.api.copied({ log: logId('example.com/asia') }, call()))).toMatchObject({
      code: 'not_found',
    });
  });
});

/** The log of `eu` as whoever has its key may write it. */
async function logOf(entries: readonly string[]): Promise<TransparencyLog> {
  const disk = folderDisk(scratch());
  const log = await TransparencyLog.open({ disk, signer: signerFrom(SECRET, ORIGIN) });
  onTestFinished(() => log.close());
  await Promise.all(entries.map((entry) => log.append(Buffer.from(entry))));
  await log.publish();
  return log;
}

async function busAt(url: string) {
  const signal = new AbortController().signal;
  const bus = await connectBus(url, {
    service: 'test',
    replicas: 1,
    log: createLogger('test', 'silent'),
    signal,
  });
  onTestFinished(() => bus.close());
  return bus;
}
