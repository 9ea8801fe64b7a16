/** What is at rest says nothing of what was said; who read it is known; and what is erased is gone, and still verifies. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConversationLog, LogRecordV3 } from '@mcp/contracts';
import { EncryptedLog, encryptedLogOf } from '@mcp/provenance';
import { PII_BUCKET, vaultKey } from '@mcp/safety/privacy';
import { failure, realKmsServers, startScriptedKms, type TestedKms } from '@mcp/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ADMIN,
  ALICE,
  BOB,
  type Core,
  callOf,
  chat,
  cleanUp,
  idOf,
  KMS_KEY,
  rowsOf,
  startCore,
  startReplica,
  tamper,
} from './harness.ts';

const MARKER = 'Quetzalcoatlus-4711';
const verify = (core: Core, id: string) => core.api.verifyConversation(id, callOf());
const verdictOf = async (core: Core, id: string) => (await verify(core, id)).status;

afterEach(cleanUp);

/** Everything that a core and its event bus keep, as bytes in one text. */
async function atRest(core: Core): Promise<string> {
  const files = readdirSync(core.dir, { recursive: true, encoding: 'utf8' })
    .map((name) => join(core.dir, name))
    .filter((path) => statSync(path).isFile());
  const { jetstream } = await core.kit.bus();
  const manager = await jetstream.jetstreamManager();
  const messages: string[] = [];
  for await (const { config, state } of manager.streams.list())
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      const message = await manager.streams.getMessage(config.name, { seq }).catch(() => null);
      messages.push(`${message?.subject ?? ''} ${message?.string() ?? ''}`);
    }
  const rows = core.sqlite ? [] : await rowsOf(core);
  return [...files.map((path) => readFileSync(path, 'latin1')), ...messages, ...rows].join('\n');
}

/** A conversation in whose question, answers, title and settings the marker is, with feedback and a stored answer. */
async function marked(core: Core): Promise<string> {
  core.models.script = (request) => ({ pieces: [`${request.model} has seen `, `${MARKER}.`] });
  const id = idOf(await chat(core, { message: `Is ${MARKER} a bird?`, exchanges: 1 }));
  await core.api.giveFeedback(id, { score: 0.5, comment: `${MARKER}!` }, callOf());
  await core.api.keepAnswer(
    {
      id: `resp_${id}`,
      kind: 'response',
      model: 'alpha',
      previous_id: null,
      metadata: {},
      input: JSON.stringify([MARKER]),
      output: JSON.stringify([MARKER]),
      body: JSON.stringify({ text: MARKER }),
      log: { in: 'conversation', conversation_id: id },
    },
    callOf(),
  );
  await expect.poll(() => verdictOf(core, id), { timeout: 20_000 }).toBe('ok');
  return id;
}

describe('what is stored', () => {
  it('has no word of what was said, in any file, row or message; and is read again', async () => {
    const core = await startCore();
    const id = await marked(core);
    expect(JSON.stringify(await core.api.exportLog(id, callOf()))).toContain(MARKER);
    expect((await core.api.getAnswer(`resp_${id}`, callOf())).input).toContain(MARKER);
    const kept = await atRest(core);
    expect(kept).toContain(id);
    expect(kept).toContain(`mcp.events.${id}`);
    expect(kept).not.toContain(MARKER);
  });

  it('cannot be moved to another place, nor have another key put under it', async () => {
    const core = await startCore();
    const [one = '', other = ''] = [await marked(core), await marked(core)];
    const copy = (seq: number) =>
      `(select body from records where conversation_id = '${one}' and seq = ${seq})`;
    await tamper(core, `update records set body = ${copy(2)} where conversation_id = '${one}' and seq = 1`);
    expect(await verify(core, one)).toMatchObject({ status: 'broken', broken_at: 1 });
    await core.stop();
    const again = await startReplica(core);
    const wrapped = `(select wrapped from data_keys where conversation_id = '${one}')`;
    await tamper(again, `update data_keys set wrapped = ${wrapped} where conversation_id = '${other}'`);
    expect(await verdictOf(again, other)).toBe('broken');
  });

  it('in the clear, from before, is encrypted by the sweep, and reads as before', async () => {
    const core = await startCore();
    const id = await marked(core);
    const log = await core.api.exportLog(id, callOf());
    await core.stop();
    for (const record of log.messages)
      await tamper(
        core,
        `update records set body = '${JSON.stringify(record).replaceAll("'", "''")}', hash = '', hash_prev = '' where conversation_id = '${id}' and seq = ${record.seq}`,
      );
    await tamper(
      core,
      `update conversations set key_id = '', title = '${MARKER}', settings = '{"max_tokens_per_turn":9}'`,
    );
    if (core.sqlite)
      writeFileSync(join(core.dir, 'logs', 'conversations', `${id}.json`), JSON.stringify(log));
    await tamper(core, `delete from data_keys`);
    await tamper(core, `delete from stored_answers`);
    await tamper(core, `update feedback set comment = '${MARKER}'`);
    expect(await atRestStopped(core)).toContain(MARKER);
    const again = await startReplica(core);
    await expect.poll(() => verdictOf(again, id), { timeout: 20_000 }).toBe('ok');
    expect((await again.api.exportLog(id, callOf())).messages).toEqual(log.messages);
    expect(await again.api.getConversation(id, callOf())).toMatchObject({ title: MARKER });
    expect(await atRest(again)).not.toContain(MARKER);
  });
});

async function atRestStopped(core: Core): Promise<string> {
  if (!core.sqlite) return (await rowsOf(core)).join('\n');
  return readFileSync(join(core.dir, 'core', 'core.db'), 'latin1');
}

/** As it is beside SQLite; elsewhere as it would be. */
async function fileOf(core: Core, id: string): Promise<EncryptedLog> {
  if (core.sqlite)
    return EncryptedLog.parse(
      JSON.parse(readFileSync(join(core.dir, 'logs', 'conversations', `${id}.json`), 'utf8')),
    );
  const rows = (await rowsOf(core)).flatMap((table) => JSON.parse(table));
  const bodyOf = (seq: number) =>
    rows.find((row) => row.conversation_id === id && row.seq === seq && 'hash_prev' in row)?.body;
  const log = ConversationLog.parse(await core.api.exportLog(id, callOf()));
  return encryptedLogOf(log, ({ seq }) => String(bodyOf(seq)));
}

describe('the file of a log', () => {
  it('is verified for whom may read it, and says nothing to others', async () => {
    const core = await startCore();
    const id = await marked(core);
    const log = await fileOf(core, id);
    const verdict = async (given: unknown, principal = ALICE) =>
      core.api.verifyLog(given, callOf({ principal }));
    expect(await verdict(log)).toMatchObject({ status: 'ok', records: log.messages.length });
    expect(await verdict(log, ADMIN)).toMatchObject({ status: 'ok' });
    expect(await verdict(log, BOB)).toMatchObject({ status: 'unconfirmed', broken_at: null });
    const changed = (encrypted: string) => {
      const messages = log.messages.map((one) => (one.seq === 1 ? { ...one, encrypted } : one));
      return { ...log, messages };
    };
    const [first, , third] = log.messages.map(({ encrypted }) => encrypted);
    for (const other of [first, third, '', '{}', 'mcp1.', 'not JSON'])
      expect(await verdict(changed(other ?? ''))).toMatchObject({ status: 'broken', broken_at: 1 });
    expect(await verdict({ ...log, messages: log.messages.slice(1) })).toMatchObject({ status: 'broken' });
    expect(await verdict({ ...log, added: 'beside' })).toMatchObject({ status: 'broken' });
    await core.api.eraseConversation(id, callOf());
    expect(await verdict(log)).toMatchObject({
      status: 'unconfirmed',
      reason: expect.stringMatching(/erased/),
    });
  });
});

describe('an erased conversation', () => {
  it('is gone for everybody, and its chain, signature and proofs hold', async () => {
    const core = await startCore();
    const id = await marked(core);
    const { records, transparency } = await verify(core, id);
    expect(await failure(core.api.eraseConversation(id, callOf({ principal: BOB })))).toMatchObject({
      code: 'not_found',
    });
    const [{ key_id } = { key_id: '' }] = LogRecordV3.array().parse(
      (await core.api.exportLog(id, callOf())).messages,
    );
    expect(await atRest(core)).toContain(`mcp1.${key_id}`);
    const vault = await (await core.kit.bus()).bucket(PII_BUCKET, { history: 1 });
    const [values, others] = [id, key_id].map((conversation_id) =>
      vaultKey({ owner: 'key:alice', conversation_id }),
    );
    for (const entry of [values, others]) await vault.put(entry ?? '', 'values behind names');
    const erasure = await core.api.eraseConversation(id, callOf());
    expect(erasure).toMatchObject({ id, erased_by: 'key:alice', records });
    expect(await core.api.eraseConversation(id, callOf())).toEqual(erasure);
    await expect.poll(() => verdictOf(core, id), { timeout: 20_000 }).toBe('erased');
    expect(await verify(core, id)).toMatchObject({
      ok: true,
      records,
      transparency: { origin: transparency?.origin },
    });
    for (const work of [
      () => core.api.getConversation(id, callOf()),
      () => core.api.exportLog(id, callOf({ principal: ADMIN })),
      () => core.api.getAnswer(`resp_${id}`, callOf()),
      () => chat(core, { conversation_id: id, message: 'Go on.' }),
    ])
      expect(await failure(work())).toMatchObject({ code: 'not_found' });
    expect((await core.api.listConversations({ limit: 10 }, callOf())).conversations).toEqual([]);
    await expect.poll(() => vault.get(values ?? ''), { timeout: 20_000 }).toBeNull();
    expect(await vault.get(others ?? '')).not.toBeNull();
    expect((await rowsOf(core)).join('')).not.toContain('"signature":"');
    await expect
      .poll(async () => (await atRest(core)).includes(`mcp1.${key_id}`), { timeout: 20_000 })
      .toBe(false);
  });

  it('is broken when its hashes are changed, and in order for the check of all logs otherwise', async () => {
    const core = await startCore();
    const id = await marked(core);
    await core.api.eraseConversation(id, callOf());
    await expect.poll(() => verdictOf(core, id), { timeout: 20_000 }).toBe('erased');
    const admin = callOf({ principal: ADMIN });
    for (let complete = false; !complete; ) {
      const check = await core.api.checkLogs(admin);
      expect(check.failures.filter((one) => one.id === id)).toEqual([]);
      complete = check.complete;
    }
    await tamper(
      core,
      `update records set hash = '${'0'.repeat(64)}' where conversation_id = '${id}' and seq = 1`,
    );
    expect(await verdictOf(core, id)).toBe('broken');
  });

  it('that was running is ended, and nothing more is written', async () => {
    const core = await startCore();
    core.models.script = () => ({ pieces: Array.from({ length: 400 }, () => 'word '), pause_ms: 20 });
    let id = '';
    const run = chat(
      core,
      { message: 'A long one.' },
      {
        seen: (event) => {
          if (event.type === 'start') id = event.conversation_id;
        },
      },
    );
    await expect.poll(() => core.models.asked.length, { timeout: 20_000 }).toBeGreaterThan(0);
    await core.api.eraseConversation(id, callOf());
    await run.catch(() => undefined);
    await expect.poll(() => verdictOf(core, id), { timeout: 20_000 }).toBe('erased');
  });
});

describe('who is shown what was said', () => {
  it('is recorded before, and listed for its owner', async () => {
    const core = await startCore();
    const id = await marked(core);
    const admin = (request_id: string) => callOf({ principal: ADMIN, request_id });
    await core.api.exportLog(id, admin('r-log'));
    await core.api.getConversation(id, admin('r-read'));
    await core.api.proveConversation(id, admin('r-proof'));
    await core.api.getConversation(id, callOf());
    const { accesses } = await core.api.accesses(id, callOf());
    expect(accesses.map(({ action, by, request_id }) => `${action} ${by} ${request_id}`).sort()).toEqual([
      'read key:root r-read',
      'show key:root r-log',
      'show key:root r-proof',
    ]);
    expect(await failure(core.api.accesses(id, callOf({ principal: BOB })))).toMatchObject({
      code: 'not_found',
    });
    await tamper(core, 'drop table accesses');
    for (const work of [
      () => core.api.exportLog(id, admin('r-2')),
      () => core.api.getConversation(id, admin('r-2')),
      () => core.api.proveConversation(id, admin('r-2')),
    ])
      expect(await failure(work())).toMatchObject({ code: 'unavailable' });
  });
});

describe('the key that wraps data keys', () => {
  it('is rotated without touching a conversation, and the old one is not needed after', async () => {
    const core = await startCore();
    const id = await marked(core);
    const log = await core.api.exportLog(id, callOf());
    await core.stop();
    const next = 'the key that comes after it, for the tests';
    const both = await startReplica(core, { env: { MCP_KMS_KEY: `${next},${KMS_KEY}` } });
    const admin = callOf({ principal: ADMIN });
    expect(await failure(both.api.rewrapKeys(callOf()))).toMatchObject({ code: 'forbidden' });
    expect(await both.api.rewrapKeys(admin)).toMatchObject({ rewrapped: 1, complete: true });
    expect(await both.api.rewrapKeys(admin)).toMatchObject({ rewrapped: 0, complete: true });
    await both.stop();
    const after = await startReplica(core, { env: { MCP_KMS_KEY: next } });
    expect(await after.api.exportLog(id, callOf())).toEqual(log);
  });
});

describe('a key management service that is away', () => {
  const start = realKmsServers(process.env).vault ?? (() => startScriptedKms('vault'));
  let kms: TestedKms;
  beforeEach(async () => {
    kms = await start();
  }, 90_000);
  afterEach(() => kms.close());

  const envOf = (more: Record<string, string>) => ({
    MCP_KMS: JSON.stringify(kms.settings),
    MCP_KMS_TOKEN: kms.token ?? '',
    ...more,
  });

  it('has new conversations refused, and those with a cached key go on; nothing is in the clear', async () => {
    const core = await startCore({ env: envOf({ MCP_KMS_ON_UNAVAILABLE: 'fail' }) });
    const id = await marked(core);
    await kms.enter('away');
    expect(await failure(chat(core, { message: `New ${MARKER}?` }))).toMatchObject({ code: 'unavailable' });
    expect(JSON.stringify(await core.api.exportLog(id, callOf()))).toContain(MARKER);
    await chat(core, { conversation_id: id, message: `And ${MARKER}?`, exchanges: 1 });
    expect((await core.api.listConversations({ limit: 10 }, callOf())).conversations).toHaveLength(1);
    expect(await atRest(core)).not.toContain(MARKER);
    await core.stop();
    const cold = await startReplica(core, { env: envOf({ MCP_KMS_ON_UNAVAILABLE: 'fail' }) });
    expect(await failure(cold.api.exportLog(id, callOf()))).toMatchObject({ code: 'unavailable' });
    expect(await verdictOf(cold, id)).toBe('unconfirmed');
    await expect.poll(() => cold.kit.metrics.text(), { timeout: 20_000 }).toMatch(/kms_up\{.*\} 0/);
    expect(await cold.kit.metrics.text()).toMatch(/data_keys_cached_until_timestamp_seconds\{.*\} 0/);
  });

  it('is waited for where that is configured', async () => {
    const core = await startCore({ env: envOf({ MCP_KMS_WAIT_MS: '30000' }) });
    const metrics = () => core.kit.metrics.text();
    await expect.poll(metrics, { timeout: 20_000 }).toMatch(/kms_up\{.*\} 1/);
    await kms.enter('away');
    const run = chat(core, { message: `Is there time for ${MARKER}?`, exchanges: 1 });
    await expect.poll(metrics, { timeout: 20_000 }).toMatch(/kind="wrap",.*status="unavailable"/);
    await kms.enter('up');
    const id = idOf(await run);
    await expect.poll(() => verdictOf(core, id), { timeout: 20_000 }).toBe('ok');
    expect(JSON.stringify(await core.api.exportLog(id, callOf()))).toContain(MARKER);
    expect(await atRest(core)).not.toContain(MARKER);
  });
});
