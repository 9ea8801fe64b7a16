import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChainVerdict } from '@mcp/contracts';
import { failure, startNats } from '@mcp/testkit';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { ADMIN, type Core, callOf, chat, cleanUp, idOf, startCore, tamper } from './harness.ts';

afterEach(cleanUp);

const verify = (core: Core, id: string) => core.api.verifyConversation(id, callOf());

/** A core whose bus is its own, to be taken from it. */
async function startWithBus() {
  const nats = await startNats();
  onTestFinished(() => nats.close());
  const env = { MCP_NATS_URL: nats.url };
  return { nats, env, core: await startCore({ env }) };
}

/** Looks until the verdict is this one: what was pending is made up for by the next sweep. */
async function becomes(core: Core, id: string, status: ChainVerdict['status']): Promise<void> {
  await expect
    .poll(async () => (await verify(core, id)).status, { timeout: 15_000, interval: 200 })
    .toBe(status);
}

/** The row of a conversation as SQL that puts it back. */
async function snapshot(core: Core, id: string): Promise<(file: boolean) => Promise<void>> {
  const log = await core.api.exportLog(id, callOf());
  const path = join(core.dir, 'logs', 'conversations', `${id}.json`);
  const file = core.sqlite ? readFileSync(path) : undefined;
  return async (with_file) => {
    const records = log.messages.length;
    await tamper(core, `delete from records where conversation_id = '${id}' and seq >= ${records}`);
    await tamper(
      core,
      `update conversations set records = ${records}, turns = 2, head = '${log.head}', mac = '${log.mac}' where id = '${id}'`,
    );
    if (with_file && file !== undefined) writeFileSync(path, file);
  };
}

describe('the head of a log, kept on the event bus', () => {
  it('shows that an earlier state was restored, signed file and rows alike, and which records are missing', async () => {
    const core = await startCore();
    const id = idOf(await chat(core, { message: 'First.' }));
    const restore = await snapshot(core, id);
    await chat(core, { conversation_id: id, message: 'Never happened.' });
    expect(await verify(core, id)).toMatchObject({ ok: true, status: 'ok', records: 10 });
    await restore(true);
    const verdict = await verify(core, id);
    expect(verdict).toMatchObject({ ok: false, status: 'broken', records: 6, broken_at: 6 });
    expect(verdict.reason).toMatch(/^Records 6 to 9 are missing: the event bus keeps the head of 10 records/);
    // Nor can it be gone on with, so that the head would move over what is missing.
    expect(await failure(core.api.chat({ conversation_id: id, message: 'On.' }, callOf()))).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('does not verify'),
    });
    // Nor does a restart, with its sweep, make it fit.
    await tamper(
      core,
      `update conversations set unsealed = 1, anchored = 0, lease_until = '' where id = '${id}'`,
    );
    await core.stop();
    const again = await startCore({ dir: core.dir });
    expect(await verify(again, id)).toMatchObject({ status: 'broken', broken_at: 6 });
  });

  it('shows that records were rewritten with the secret', async () => {
    const core = await startCore();
    const id = idOf(await chat(core, { message: 'One.' }));
    const other = await core.api.exportLog(idOf(await chat(core, { message: 'Two.' })), callOf());
    const at = other.messages.length - 1;
    await tamper(
      core,
      `update records set body = '${JSON.stringify(other.messages[at]).replaceAll("'", "''")}' where conversation_id = '${id}' and seq = ${at}`,
    );
    expect(await verify(core, id)).toMatchObject({ status: 'broken', broken_at: at });
  });

  it('raises no alarm while runs are committed that it looks at', async () => {
    const core = await startCore();
    const id = idOf(await chat(core, { message: 'First.', exchanges: 1 }));
    const broken: ChainVerdict[] = [];
    let over = false;
    const look = async () => {
      while (!over) {
        const verdict = await verify(core, id);
        if (verdict.status === 'broken') broken.push(verdict);
      }
    };
    const looking = Promise.all(Array.from({ length: 4 }, look));
    for (let n = 0; n < 12; n++) await chat(core, { conversation_id: id, message: 'On.', exchanges: 1 });
    over = true;
    await looking;
    expect(broken).toEqual([]);
  });

  it('that was deleted there, or is gone while others are not, is a broken log', async () => {
    const { core } = await startWithBus();
    const [one, two, kept] = [
      idOf(await chat(core, { message: 'Hi', exchanges: 1 })),
      idOf(await chat(core, { message: 'Hi', exchanges: 1 })),
      idOf(await chat(core, { message: 'Hi', exchanges: 1 })),
    ];
    const bus = await core.kit.bus();
    const bucket = await bus.bucket('mcp_log_heads', {});
    await bucket.delete(one);
    await bus.manager.streams.purge('KV_mcp_log_heads', { filter: `$KV.mcp_log_heads.${two}` });
    expect(await verify(core, one)).toMatchObject({
      status: 'broken',
      reason: expect.stringContaining('deleted'),
    });
    expect(await verify(core, two)).toMatchObject({
      status: 'broken',
      reason: expect.stringContaining('gone'),
    });
    expect(await verify(core, kept)).toMatchObject({ status: 'ok' });
  });

  it('only ever moves forward', async () => {
    const core = await startCore();
    const id = idOf(await chat(core, { message: 'Hi', exchanges: 1 }));
    const bucket = await (await core.kit.bus()).bucket('mcp_log_heads', {});
    const before = await bucket.get(id);
    expect(before?.json()).toMatchObject({ records: 5 });
    await tamper(core, `update conversations set unsealed = 1, lease_until = '' where id = '${id}'`);
    await core.stop();
    const again = await startCore({ dir: core.dir });
    expect((await (await (await again.kit.bus()).bucket('mcp_log_heads', {})).get(id))?.revision).toBe(
      before?.revision,
    );
    await chat(again, { conversation_id: id, message: 'On.', exchanges: 1 });
    expect((await (await (await again.kit.bus()).bucket('mcp_log_heads', {})).get(id))?.json()).toMatchObject(
      {
        records: 8,
      },
    );
  });
});

describe('without the event bus', () => {
  it('conversations go on; their logs are unconfirmed, never ok, until it is back', async () => {
    const { nats, core } = await startWithBus();
    const before = idOf(await chat(core, { message: 'Hi', exchanges: 1 }));
    expect(await verify(core, before)).toMatchObject({ status: 'ok' });
    await nats.stop();
    const during = idOf(await chat(core, { message: 'Hi', exchanges: 1 }));
    for (const id of [before, during])
      expect(await verify(core, id)).toMatchObject({
        ok: false,
        status: 'unconfirmed',
        reason: expect.stringContaining('event bus'),
      });
    const back = await startNats({ port: nats.port, store_dir: nats.store_dir });
    onTestFinished(() => back.close());
    await becomes(core, before, 'ok');
    await becomes(core, during, 'ok');
  });

  it('a core starts, and works', async () => {
    const core = await startCore({ env: { MCP_NATS_URL: 'nats://127.0.0.1:9' } });
    const id = idOf(await chat(core, { message: 'Hi', exchanges: 1 }));
    expect(await verify(core, id)).toMatchObject({ status: 'unconfirmed' });
  });

  it('that comes back without what it had, heads are written again, and it is said', async () => {
    const { nats, core } = await startWithBus();
    const id = idOf(await chat(core, { message: 'Hi', exchanges: 1 }));
    await nats.close();
    const fresh = await startNats({ port: nats.port });
    onTestFinished(() => fresh.close());
    await becomes(core, id, 'ok');
    await chat(core, { conversation_id: id, message: 'On.', exchanges: 1 });
    expect(await verify(core, id)).toMatchObject({ status: 'ok', records: 8 });
  });
});

describe('the check of all logs', () => {
  const all = callOf({ principal: ADMIN });
  /** Batches until the pass is complete. */
  async function pass(core: Core) {
    for (let checked = 0; ; ) {
      const batch = await core.api.checkLogs(all);
      checked += batch.checked;
      if (batch.complete) return { ...batch, checked };
    }
  }

  it('finds what was changed and what was removed, keeps it over a restart, and lets it go once mended', async () => {
    const { core, env } = await startWithBus();
    const ids: string[] = [];
    for (let i = 0; i < 4; i++) ids.push(idOf(await chat(core, { message: `No. ${i}`, exchanges: 1 })));
    const [changed = '', removed = ''] = ids;
    expect(await pass(core)).toMatchObject({ checked: 4, unconfirmed: 0, failures: [] });
    const { mac } = await core.api.exportLog(changed, callOf());
    await tamper(core, `update conversations set mac = '${'0'.repeat(64)}' where id = '${changed}'`);
    await tamper(core, `delete from records where conversation_id = '${removed}'`);
    await tamper(core, `delete from conversations where id = '${removed}'`);
    const found = [
      { id: changed, status: 'broken', reason: expect.stringContaining('signature') },
      { id: removed, status: 'broken', reason: expect.stringContaining('removed') },
    ];
    expect((await pass(core)).failures).toMatchObject(found);
    await core.stop();
    const again = await startCore({ dir: core.dir, env });
    expect((await again.api.checkLogs(all)).failures).toMatchObject(found);
    await tamper(core, `update conversations set mac = '${mac}' where id = '${changed}'`);
    await pass(again);
    expect((await pass(again)).failures).toMatchObject([{ id: removed }]);
  });

  it('goes on, in another process, from where it stopped', async () => {
    const { core, env } = await startWithBus();
    const id = idOf(await chat(core, { message: 'Hi', exchanges: 1 }));
    // More than one batch: copies of a row, to be found not to verify.
    const copies = Array.from({ length: 250 }, () => randomUUID());
    const columns =
      'owner, mode, version, participants, models, title, status, exchanges, settings, trace_id, created_at, updated_at, lease_token, lease_until, unsealed, turns, records, head, mac, anchored';
    await tamper(
      core,
      copies
        .map(
          (copy) =>
            `insert into conversations (id, ${columns}) select '${copy}', ${columns} from conversations where id = '${id}'`,
        )
        .join(';'),
    );
    expect(await core.api.checkLogs(all)).toMatchObject({ checked: 200, complete: false });
    await core.stop();
    const again = await startCore({ dir: core.dir, env });
    expect(await again.api.checkLogs(all)).toMatchObject({ checked: 51, complete: false });
    // The heads, then the transparency log.
    expect(await again.api.checkLogs(all)).toMatchObject({ checked: 0, complete: false });
    const last = await again.api.checkLogs(all);
    expect(last).toMatchObject({ complete: true });
    expect(last.failures.map((one) => one.id).sort()).toEqual([...copies].sort());
  });

  it('is for administrators', async () => {
    const core = await startCore();
    await expect(core.api.checkLogs(callOf())).rejects.toMatchObject({ code: 'forbidden' });
  });
});
