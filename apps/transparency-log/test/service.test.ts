import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LogInclusion, Principal } from '@mcp/contracts';
import {
  decodeVerifier,
  leafHash,
  openCheckpoint,
  provesConsistency,
  provesInclusion,
} from '@mcp/provenance/tlog';
import { callerHeaders, failure, startNats } from '@mcp/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { call, scratch, start, texts } from './support.ts';

const CALLER: Principal = { id: 'key:1', kind: 'key', name: 'someone', scopes: ['chat'] };

async function all<T>(given: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of given) items.push(item);
  return items;
}

describe('the transparency log of a region', () => {
  it('answers with proofs that hold, over HTTP and after a restart', async () => {
    const dir = scratch();
    const first = await start(dir);
    const post = async (entries: string[]) =>
      first.app.request('/internal/entries', {
        method: 'POST',
        headers: {
          ...(await callerHeaders('core', 'transparency-log', CALLER)),
          'content-type': 'application/json',
        },
        body: JSON.stringify({ entries }),
      });
    const answer = await post(texts(0, 300));
    expect(answer.status).toBe(201);
    expect(await answer.json()).toMatchObject({ indexes: texts(0, 300).map((_, n) => n), size: 300 });
    expect((await post([])).status).toBe(400);
    expect((await post(['x'.repeat(65_536)])).status).toBe(400);
    const old = await first.api.inclusion({ index: 299 }, call());
    await first.stop();

    const { api } = await start(dir);
    await api.append({ entries: texts(300, 520) }, call());
    const checked = async (given: LogInclusion, text: string) => {
      const { log_keys } = await api.checkpoint(call());
      const log = decodeVerifier(log_keys[0] ?? '');
      const { size, root } = openCheckpoint(given.note, log);
      expect([size, root.toString('base64')]).toEqual([given.size, given.root]);
      const hashes = given.hashes.map((hash) => Buffer.from(hash, 'base64'));
      const claim = { leaf: leafHash(Buffer.from(text)), index: given.index, size, root };
      expect(provesInclusion(hashes, claim)).toBe(true);
      return { size, root };
    };
    const current = await api.inclusion({ index: 519 }, call());
    const [before, after] = [
      await checked(old, texts(299, 300)[0] ?? ''),
      await checked(current, texts(519, 520)[0] ?? ''),
    ];
    expect([before.size, after.size]).toEqual([300, 520]);
    const { hashes } = await api.consistency({ from: 300, to: 520 }, call());
    const proof = hashes.map((hash) => Buffer.from(hash, 'base64'));
    expect(provesConsistency(proof, { old: before, current: after })).toBe(true);
    expect(await api.entry({ index: 42 }, call())).toEqual({ index: 42, entry: '{"n":42}' });
    expect(await failure(api.inclusion({ index: 520 }, call()))).toMatchObject({ code: 'not_found' });
    expect(await failure(api.consistency({ from: 9, to: 8 }, call()))).toMatchObject({
      code: 'invalid_request',
    });
  });

  it('gives its tiles, also a part of one that has become full', async () => {
    const { api } = await start(scratch());
    const read = async (path: string) => Buffer.concat(await all(api.tile({ path }, call())));
    await api.append({ entries: texts(0, 200) }, call());
    await api.inclusion({ index: 199 }, call());
    const [tile, bundle] = [await read('tile/0/000.p/200'), await read('tile/entries/000.p/200')];
    expect(tile.length).toBe(200 * 32);
    await api.append({ entries: texts(200, 256) }, call());
    await api.inclusion({ index: 255 }, call());
    expect((await read('tile/0/000')).length).toBe(256 * 32);
    expect(await read('tile/0/000.p/200')).toEqual(tile);
    expect(await read('tile/entries/000.p/200')).toEqual(bundle);
    expect((await read('tile/1/000.p/1')).length).toBe(32);
    for (const path of [
      'tile/0/001',
      'tile/0/../../lock.db',
      'checkpoint',
      'tile/0/000.p/256',
      'tile/64/000',
    ])
      expect(await failure(read(path)), path).toMatchObject({ code: 'not_found' });
  });

  it('signs over what is durable by itself', async () => {
    const { api, kit } = await start(scratch());
    await api.append({ entries: texts(0, 3) }, call());
    await expect.poll(async () => (await api.checkpoint(call())).size, { timeout: 10_000 }).toBe(3);
    expect(await kit.metrics.text()).toMatch(/transparency_log_entries\{service="transparency-log"\} 3\n/);
  });

  it('has one writer', async () => {
    const dir = scratch();
    const { stop } = await start(dir);
    await expect(start(dir)).rejects.toThrow(/Another process writes to the transparency log/);
    await stop();
    await start(dir);
  });

  it('takes no entries where its files were changed, and none after a restart until somebody looked', async () => {
    const dir = scratch();
    const first = await start(dir);
    await first.api.append({ entries: texts(0, 20) }, call());
    await first.stop();
    const wal = join(dir, 'transparency-log', 'wal', '0'.repeat(16));
    const good = readFileSync(wal);
    writeFileSync(wal, good.subarray(0, 100));
    const changed = await start(dir);
    const refusal = {
      code: 'unavailable',
      retryable: false,
      message: expect.stringContaining('its checkpoint was signed over 20'),
    };
    expect(await failure(changed.api.append({ entries: texts(0, 1) }, call()))).toMatchObject(refusal);
    expect(await failure(changed.api.checkpoint(call()))).toMatchObject(refusal);
    expect(await changed.kit.metrics.text()).toMatch(
      /transparency_log_read_only\{service="transparency-log"\} 1\n/,
    );
    expect((await changed.app.request('/readyz')).status).toBe(200);
    await changed.stop();
    writeFileSync(wal, good);
    const restored = await start(dir);
    expect((await restored.api.checkpoint(call())).size).toBe(20);
    expect(await failure(restored.api.append({ entries: texts(0, 1) }, call()))).toMatchObject(refusal);
    await restored.stop();
    rmSync(join(dir, 'transparency-log', 'read-only.json'));
    const cleared = await start(dir);
    expect((await cleared.api.append({ entries: texts(20, 21) }, call())).indexes).toEqual([20]);
  });

  it('sees from the event bus that its folder was rolled back, or that there is another log of its name', async () => {
    const nats = await startNats();
    onTestFinished(() => nats.close());
    const dir = scratch();
    const folder = join(dir, 'transparency-log');
    const first = await start(dir, nats.url);
    await first.api.append({ entries: texts(0, 10) }, call());
    await first.stop();
    const old = join(dir, 'old');
    cpSync(folder, old, { recursive: true });
    const second = await start(dir, nats.url);
    await second.api.append({ entries: texts(10, 20) }, call());
    const kept = async () => {
      const kv = await (await second.kit.bus()).bucket('mcp_log_checkpoints', {});
      const key = (await all(await kv.keys())).find((one) => !one.endsWith('.keys')) ?? '';
      return key === '' ? '' : (await kv.get(key))?.string();
    };
    await expect.poll(kept, { timeout: 20_000 }).toContain('example.com/test\n20\n');
    await second.stop();
    const refused = async (at: string, reason: string) => {
      const { api, kit, stop } = await start(at, nats.url);
      await expect
        .poll(() => kit.metrics.text(), { timeout: 20_000 })
        .toMatch(/transparency_log_read_only\{service="transparency-log"\} 1\n/);
      expect(await failure(api.append({ entries: texts(7, 8) }, call()))).toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining(reason),
      });
      await stop();
    };
    rmSync(folder, { recursive: true });
    cpSync(old, folder, { recursive: true });
    await refused(dir, 'It was rolled back');
    const other = scratch();
    const forged = await start(other);
    await forged.api.append({ entries: texts(100, 130) }, call());
    await forged.stop();
    await refused(other, 'there are two logs of one name');
  });

  it('sees while it runs that an entry was changed on its disk, and lets nothing in any more', async () => {
    const dir = scratch();
    const { api, kit } = await start(dir, 'nats://127.0.0.1:9', { MCP_LOG_SELF_CHECK_MS: '50' });
    await api.append({ entries: texts(0, 300) }, call());
    await api.inclusion({ index: 299 }, call());
    const checks = (status: string) => new RegExp(`transparency_log_checks_total{.*status="${status}"} \\d`);
    await expect.poll(() => kit.metrics.text(), { timeout: 30_000 }).toMatch(checks('ok'));
    await api.append({ entries: texts(300, 301) }, call());
    const bundle = join(dir, 'transparency-log', 'tile', 'entries', '000');
    const bytes = readFileSync(bundle);
    bytes[4] = (bytes[4] ?? 0) ^ 1;
    writeFileSync(bundle, bytes);
    await expect.poll(() => kit.metrics.text(), { timeout: 30_000 }).toMatch(checks('broken'));
    const refused = await failure(api.append({ entries: texts(301, 302) }, call()));
    expect(refused).toMatchObject({ code: 'unavailable', message: expect.stringContaining('Entry 0 ') });
  });
});
