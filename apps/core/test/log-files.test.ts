import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ConversationLog } from '@mcp/contracts';
import { signLog, verifyLog } from '@mcp/provenance';
import { failure } from '@mcp/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { type Core, callOf, chat, cleanUp, idOf, SECRET, startCore, tempDir, the } from './harness.ts';

afterEach(cleanUp);

function logPath(core: Pick<Core, 'dir'>, id: string): string {
  return `${core.dir}/logs/conversations/${id}.json`;
}

/** A path under a file cannot be written by anybody, root included. */
function block(dir: string): () => void {
  const logs = dirname(dirname(logPath({ dir }, 'x')));
  rmSync(logs, { recursive: true, force: true });
  writeFileSync(logs, 'in the way');
  return () => rmSync(logs);
}

describe('the log file beside SQLite', () => {
  it('is there, signed, once a run is over, and is written anew when it goes on', async () => {
    const core = await startCore();
    const there: boolean[] = [];
    const id = idOf(
      await chat(
        core,
        { message: 'Hi' },
        { seen: ({ type }) => void (type === 'message.end' && there.push(existsSync(`${core.dir}/logs`))) },
      ),
    );
    // A turn adds its record to the store and writes no file.
    expect(there).toEqual([false, false]);
    const read = () => verifyLog(JSON.parse(readFileSync(logPath(core, id), 'utf8')), { secret: SECRET });
    // Order and signature say so much; what was said is encrypted there.
    expect(read()).toMatchObject({
      status: 'unconfirmed',
      records: 6,
      reason: expect.stringContaining('hold'),
    });
    expect(readFileSync(logPath(core, id), 'utf8')).not.toContain('says');
    const log = await core.api.exportLog(id, callOf());
    expect(verifyLog(log, { secret: SECRET })).toMatchObject({ status: 'ok', head: log.head, records: 6 });
    expect(JSON.parse(readFileSync(logPath(core, id), 'utf8'))).toMatchObject({
      head: log.head,
      mac: log.mac,
    });
    await chat(core, { conversation_id: id, message: 'And on.' });
    expect(read()).toMatchObject({ status: 'unconfirmed', records: 10 });
    expect(await core.api.verifyConversation(id, callOf())).toMatchObject({ status: 'ok', records: 10 });
  });

  it('that cannot be written holds up no conversation: what was said is in the store, and in the file later', async () => {
    const core = await startCore();
    const clear = block(core.dir);
    const id = idOf(await chat(core, { message: 'Hi' }));
    expect(await core.api.getConversation(id, callOf())).toMatchObject({ status: 'completed', turns: 2 });
    expect(await core.api.verifyConversation(id, callOf())).toMatchObject({
      ok: false,
      status: 'unconfirmed',
      records: 6,
    });
    expect(await core.kit.metrics.text()).toMatch(/conversation_log_writes_total\{.*status="failed".*\} 1/);
    clear();
    await core.stop();
    const again = await startCore({ dir: core.dir });
    expect(await again.api.verifyConversation(id, callOf())).toMatchObject({ ok: true, records: 6 });
    const rest = await chat(again, { conversation_id: id, message: 'And on.' });
    expect(the(rest, 'done').response.status).toBe('completed');
  });

  it.each([
    ['cut short', (text: string) => text.slice(0, text.length / 2)],
    ['edited', moved],
    ['missing', () => undefined],
  ])('that is %s does not verify, and is not written over', async (kind, change) => {
    const core = await startCore();
    const id = idOf(await chat(core, { message: 'Hi' }));
    const path = logPath(core, id);
    const changed = change(readFileSync(path, 'utf8'));
    if (changed === undefined) rmSync(path);
    else writeFileSync(path, changed);
    const verdict = await core.api.verifyConversation(id, callOf());
    expect(verdict).toMatchObject({ id, status: 'broken', reason: expect.stringContaining('log file') });
    if (kind === 'edited') expect(verdict.broken_at).toBe(3);
    expect(await core.kit.metrics.text()).toMatch(/provenance_verifications_total\{.*status="broken".*\} 1/);
    expect(await failure(core.api.chat({ conversation_id: id, message: 'Go on.' }, callOf()))).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('does not verify'),
    });
    if (changed === undefined) return;
    await core.stop();
    await startCore({ dir: core.dir });
    expect(readFileSync(path, 'utf8')).toBe(changed);
  });

  it('is for its owner alone to read', async () => {
    const core = await startCore();
    const id = idOf(await chat(core, { message: 'Hi', exchanges: 1 }));
    expect(statSync(logPath(core, id)).mode & 0o077).toBe(0);
    expect(statSync(dirname(logPath(core, id))).mode & 0o077).toBe(0);
  });
});

/** A record in the place of the one behind it. */
function moved(text: string): string {
  const log = JSON.parse(text);
  log.messages[3].encrypted = log.messages[2].encrypted;
  return JSON.stringify(log);
}

/** The schema of version 0.1.0, as its migrations left it. */
const SCHEMA_002 = `
  create table conversations (id text primary key, owner text not null, mode text not null, models text not null,
    title text not null, status text not null, exchanges integer not null, settings text not null,
    trace_id text not null, created_at text not null, updated_at text not null, lease_until text not null,
    unsealed integer not null default 0);
  create table records (conversation_id text not null references conversations (id), seq integer not null,
    role text not null, body text not null, primary key (conversation_id, seq));
  create index conversations_by_owner on conversations (owner, updated_at);
  create index conversations_by_state on conversations (status, unsealed);
  create table kysely_migration (name varchar(255) not null primary key, timestamp varchar(255) not null);
  insert into kysely_migration values ('001-conversations', '1'), ('002-unsealed', '2');`;

describe('a data directory from before logs were in the store', () => {
  /** Conversations as an earlier version left them: rows without a signature, the signature in the file. */
  function leave(dir: string, logs: readonly { log: ConversationLog; in_file: number }[]): void {
    mkdirSync(dirname(logPath({ dir }, 'x')), { recursive: true });
    mkdirSync(`${dir}/core`);
    const db = new DatabaseSync(`${dir}/core/core.db`);
    db.exec(SCHEMA_002);
    const settings = '{"promptA":"base_system","promptB":"critic_mode","max_tokens_per_turn":64}';
    for (const { log, in_file } of logs) {
      const { messages, id, created_at: at } = log;
      db.prepare(
        `insert into conversations values (?, ?, 'debate', ?, 'Old', 'completed', 1, ?, '', ?, ?, '', 0)`,
      ).run(id, log.owner, JSON.stringify(log.models), settings, at, at);
      for (const one of messages)
        db.prepare('insert into records values (?, ?, ?, ?)').run(id, one.seq, one.role, JSON.stringify(one));
      const { messages: _records, head: _head, mac: _mac, ...header } = log;
      writeFileSync(
        logPath({ dir }, id),
        JSON.stringify(signLog(header, messages.slice(0, in_file), SECRET)),
      );
    }
    db.close();
  }

  const fixture = (name: string) =>
    ConversationLog.parse(
      JSON.parse(readFileSync(join(import.meta.dirname, 'version-1', `${name}.json`), 'utf8')),
    );

  it('is taken over: what its files signed is signed, and what they did not is not', async () => {
    const whole = fixture('interrupted');
    const longer = fixture('two-questions');
    const dir = tempDir();
    leave(dir, [
      { log: whole, in_file: whole.messages.length },
      { log: longer, in_file: 3 },
    ]);
    const core = await startCore({ dir });
    expect(await core.api.verifyConversation(whole.id, callOf())).toMatchObject({
      status: 'ok',
      records: whole.messages.length,
    });
    expect(await core.api.getConversation(whole.id, callOf())).toMatchObject({ turns: 1, title: 'Old' });
    expect(await core.api.verifyConversation(longer.id, callOf())).toMatchObject({ status: 'broken' });
    await chat(core, { conversation_id: whole.id, message: 'On.' });
    expect(await core.api.verifyConversation(whole.id, callOf())).toMatchObject({
      status: 'ok',
      records: whole.messages.length + 3,
    });
  });
});
