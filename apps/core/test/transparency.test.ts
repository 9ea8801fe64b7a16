import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ChainVerdict, type LogRecord, ProofBundle, TamperAlert } from '@mcp/contracts';
import { trustedKeys, VerifiedKeys, verifyBundle } from '@mcp/provenance';
import { failure } from '@mcp/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import {
  ADMIN,
  BOB,
  type Core,
  callOf,
  chat,
  cleanUp,
  idOf,
  SECRET,
  startCore,
  startReplica,
  tamper,
} from './harness.ts';

afterEach(cleanUp);

const verify = (core: Core, id: string) => core.api.verifyConversation(id, callOf());
const proof = (core: Core, id: string) => core.api.proveConversation(id, callOf());

/** What a whole pass of the check finds in the transparency log; the bus has heads of the other tests' stores. */
async function findings(core: Core): Promise<readonly ChainVerdict[]> {
  for (;;) {
    const { complete, failures } = await core.api.checkLogs(callOf({ principal: ADMIN }));
    if (complete) return failures.filter(({ id }) => id.startsWith('transparency-log/'));
  }
}

/** What the event bus was told of a conversation: alerts outlive who gave them. */
async function alertsOf(core: Core, id: string): Promise<TamperAlert[]> {
  const { manager } = await core.kit.bus();
  const { state } = await manager.streams.info('MCP_ALERTS');
  const alerts: TamperAlert[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const message = await manager.streams.getMessage('MCP_ALERTS', { seq });
    if (message !== null) alerts.push(TamperAlert.parse(message.json()));
  }
  return alerts.filter(({ conversation_id }) => conversation_id === id);
}

/** The state of a conversation by all that its platform keeps but the transparency log, to be put back later. */
async function snapshot(core: Core, id: string): Promise<() => Promise<void>> {
  const log = await core.api.exportLog(id, callOf());
  const path = join(core.dir, 'logs', 'conversations', `${id}.json`);
  const file = core.sqlite ? readFileSync(path) : undefined;
  const bucket = await (await core.kit.bus()).bucket('mcp_log_heads', {});
  const head = (await bucket.get(id))?.string() ?? '';
  return async () => {
    const records = log.messages.length;
    await tamper(core, `delete from records where conversation_id = '${id}' and seq >= ${records}`);
    await tamper(
      core,
      `delete from log_entries where conversation_id = '${id}' and (seq > ${records} or (seq = ${records} and type = 'record'))`,
    );
    await tamper(
      core,
      `update conversations set records = ${records}, logged = ${records}, turns = 2, head = '${log.head}', mac = '${log.mac}' where id = '${id}'`,
    );
    if (file !== undefined) writeFileSync(path, file);
    await bucket.put(id, head);
  };
}

describe('a conversation in the transparency log', () => {
  it('is proven by one file, which verifies offline and says nothing that is not in it', async () => {
    const core = await startCore();
    const id = idOf(await chat(core, { message: 'Is a tomato a fruit?' }));
    const verdict = await verify(core, id);
    expect(verdict).toMatchObject({
      status: 'ok',
      transparency: { origin: 'log.example/test', witnesses: [] },
    });
    const bundle = ProofBundle.parse(JSON.parse(JSON.stringify(await proof(core, id))));
    const keys = trustedKeys(bundle.log_keys);
    const history = VerifiedKeys.of((await core.api.logKeys(callOf())).history);
    expect(verifyBundle(bundle, { secret: SECRET, keys, history })).toEqual({
      ...verdict,
      transparency: { ...verdict.transparency, size: expect.any(Number) },
    });
    expect(await core.api.verifyLog(bundle, callOf())).toMatchObject({
      status: 'ok',
      transparency: { origin: 'log.example/test' },
    });
    // One session proves all of its records, and the log has their hashes alone.
    expect(bundle.entries).toHaveLength(1);
    const { messages } = bundle.log;
    for (const { entry } of bundle.entries)
      for (const { content } of messages) expect(entry).not.toContain(content);
    expect(await failure(core.api.proveConversation(id, callOf({ principal: BOB })))).toMatchObject({
      code: 'not_found',
    });
  });

  it('goes on being proven while it goes on, by each replica', async () => {
    const core = await startCore();
    const id = idOf(await chat(core, { message: 'One.' }));
    await chat(core, { conversation_id: id, message: 'Two.' });
    const replica = await startReplica(core);
    for (const one of [core, replica])
      expect(await verify(one, id)).toMatchObject({ status: 'ok', records: 10, transparency: {} });
    expect(await findings(replica)).toEqual([]);
  });

  it('of which an earlier state was put back everywhere but there is found by the check', async () => {
    const core = await startCore();
    const id = idOf(await chat(core, { message: 'First.' }));
    await verify(core, id);
    const restore = await snapshot(core, id);
    await chat(core, { conversation_id: id, message: 'Never happened.' });
    await verify(core, id);
    expect(await findings(core)).toEqual([]);
    await restore();
    const [first, ...more] = await findings(core);
    expect(first).toMatchObject({
      status: 'broken',
      broken_at: 6,
      reason: expect.stringContaining(`has record 6 of the conversation ${id}`),
    });
    // Three more records, and the end of the second run.
    expect(more).toHaveLength(4);
    // What was found goes on being found, and is no more once the truth is back.
    expect(await findings(core)).toHaveLength(5);
    // Chain, signature, head and archive are in order: the log alone says otherwise, and nobody goes on with it.
    const resumed = await failure(chat(core, { conversation_id: id, message: 'And on.' }));
    expect(resumed).toMatchObject({ code: 'conflict', message: expect.stringContaining('has record 6') });
    expect(await alertsOf(core, id)).toHaveLength(5);
  });

  it('that was removed wholly, or rewritten with the secret, is found by the check', async () => {
    const core = await startCore();
    const [gone, other] = [
      idOf(await chat(core, { message: 'Gone.', exchanges: 1 })),
      idOf(await chat(core, { message: 'Other.', exchanges: 1 })),
    ];
    for (const id of [gone, other]) await verify(core, id);
    await tamper(core, `delete from records where conversation_id = '${gone}'`);
    await tamper(core, `delete from log_entries where conversation_id = '${gone}'`);
    await tamper(core, `delete from conversations where id = '${gone}'`);
    await tamper(
      core,
      `update log_entries set entry = replace(entry, '"hash":"', '"hash":"0'), log_index = null where conversation_id = '${other}' and seq = 1`,
    );
    const reasons = (await findings(core)).map(({ reason }) => reason);
    expect(reasons).toContainEqual(expect.stringContaining(`record 0 of the conversation ${gone}`));
    expect(reasons).toContainEqual(expect.stringContaining(`another record 1 of the conversation ${other}`));
  });

  it('whose entries are of another log is broken', async () => {
    const core = await startCore();
    const id = idOf(await chat(core, { message: 'Hi', exchanges: 1 }));
    await verify(core, id);
    await tamper(core, `update log_entries set log_index = 1000 where conversation_id = '${id}'`);
    expect(await verify(core, id)).toMatchObject({
      status: 'broken',
      reason: expect.stringContaining('an earlier state of the log was put back'),
    });
    await tamper(core, `update log_entries set log_index = 0 where conversation_id = '${id}'`);
    expect(await verify(core, id)).toMatchObject({
      status: 'broken',
      reason: expect.stringContaining('A proof does not hold'),
    });
  });

  it('is not asked for where it is switched off, and what was said meanwhile is made up for', async () => {
    const off = await startCore({ env: { TRANSPARENCY_LOG_ENABLED: 'false' } });
    const id = idOf(await chat(off, { message: 'Hi', exchanges: 1 }));
    const verdict = await verify(off, id);
    expect(verdict).toMatchObject({ status: 'ok' });
    expect(verdict).not.toHaveProperty('transparency');
    expect(await failure(proof(off, id))).toMatchObject({ code: 'unavailable' });
    await off.stop();
    const on = await startCore({ dir: off.dir });
    await expect
      .poll(async () => (await verify(on, id)).transparency, { timeout: 30_000 })
      .toMatchObject({ origin: 'log.example/test' });
  });

  it('waits in the store while the log is away, and is in it afterwards', async () => {
    const core = await startCore();
    core.log.away = true;
    const id = idOf(await chat(core, { message: 'Hi', exchanges: 1 }));
    expect(await verify(core, id)).toMatchObject({ ok: false, status: 'unconfirmed' });
    expect(await failure(proof(core, id))).toMatchObject({ code: 'unavailable' });
    core.log.away = false;
    await expect.poll(async () => (await verify(core, id)).status, { timeout: 30_000 }).toBe('ok');
  });

  it('from before there was one is entered when it rests', async () => {
    const core = await startCore();
    const id = idOf(await chat(core, { message: 'Hi', exchanges: 1 }));
    await verify(core, id);
    await core.stop();
    await tamper(core, `delete from log_entries where conversation_id = '${id}'`);
    await tamper(core, `update conversations set logged = 0 where id = '${id}'`);
    const again = await startCore({ dir: core.dir });
    await expect.poll(async () => (await verify(again, id)).status, { timeout: 30_000 }).toBe('ok');
    expect(await findings(again)).toEqual([]);
  });

  it('that was changed is found by samples, too, is told of once, and is not gone on with', async () => {
    const core = await startCore();
    const id = idOf(await chat(core, { message: 'Sample me.', exchanges: 1 }));
    await verify(core, id);
    const sample = () => core.api.sampleLogs({ conversations: 50 }, callOf({ principal: ADMIN }));
    expect(await failure(core.api.sampleLogs({ conversations: 1 }, callOf()))).toMatchObject({
      code: 'forbidden',
    });
    const { messages } = await core.api.exportLog(id, callOf());
    await tamper(core, putInClear(id, messages[2], ['Sample', 'Simple']));
    await expect
      .poll(async () => (await sample()).failures.map(({ id: found }) => found), { timeout: 30_000 })
      .toEqual([id]);
    await sample();
    expect(await alertsOf(core, id)).toMatchObject([
      { finding: id, broken_at: 2, reason: expect.stringContaining('Record 2 was changed') },
    ]);
    expect(await failure(chat(core, { conversation_id: id, message: 'On.' }))).toMatchObject({
      code: 'conflict',
    });
  });

  it('is checked by one replica at a time', async () => {
    const core = await startCore();
    const replica = await startReplica(core);
    const check = (one: Core) => one.api.checkLogs(callOf({ principal: ADMIN }));
    await check(core);
    await tamper(core, `update log_checks set lease_until = '9999'`);
    expect(await failure(check(replica))).toMatchObject({ code: 'overloaded' });
    await tamper(core, `update log_checks set lease_until = '2026-01-01T00:00:00.000Z'`);
    expect(await check(replica)).toMatchObject({ complete: expect.any(Boolean) });
  });

  it('has a lineage whose nodes say where they are in the log', async () => {
    const core = await startCore();
    const id = idOf(await chat(core, { message: 'Is a tomato a fruit?', exchanges: 2 }));
    await verify(core, id);
    const lineage = await core.api.lineage(id, callOf());
    expect(lineage).toMatchObject({ parents_known: true, integrity: { ok: true, faults: [] } });
    const { messages } = await core.api.exportLog(id, callOf());
    expect(lineage.nodes.filter(({ id: node }) => !node.includes('.')).map(({ hash }) => hash)).toEqual(
      messages.map(({ hash }) => hash),
    );
    expect(lineage.nodes.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['instruction', 'input', 'candidate', 'decision', 'output']),
    );
    for (const { log_index } of lineage.nodes) expect(log_index).toEqual(expect.any(Number));
    const prov = await core.api.lineageAsProv(id, callOf());
    expect(Object.keys(prov.entity)).toHaveLength(lineage.nodes.length);
    expect(await failure(core.api.lineage(id, callOf({ principal: BOB })))).toMatchObject({
      code: 'not_found',
    });
    await tamper(core, putInClear(id, messages[2], ['tomato', 'potato']));
    const [fault, ...more] = (await core.api.lineage(id, callOf())).integrity.faults;
    expect(fault).toMatchObject({ seq: 2, reason: 'Record 2 was changed after it was written.' });
    expect(more).toEqual([]);
  });
});

/** A statement that stores a record as nobody encrypted it, with a word changed. */
function putInClear(
  id: string,
  record: LogRecord | undefined,
  [from, to]: readonly [string, string],
): string {
  const body = JSON.stringify(record).replace(from, to).replaceAll("'", "''");
  return `update records set body = '${body}' where conversation_id = '${id}' and seq = ${record?.seq ?? -1}`;
}
