import { randomUUID } from 'node:crypto';
import { Retention } from '@mcp/contracts';
import { failure } from '@mcp/testkit';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { dueBefore, dueByOwner } from '../src/retention/terms.ts';
import {
  ADMIN,
  ALICE,
  BOB,
  type Core,
  callOf,
  chat,
  cleanUp,
  idOf,
  selected,
  startCore,
  startReplica,
  tamper,
} from './harness.ts';

afterEach(cleanUp);

const admin = () => callOf({ principal: ADMIN });
const LONG_AGO = '2020-01-01T00:00:00.000Z';

/** A conversation that was last spoken in long ago, at rest. */
async function old(core: Core, principal = ALICE): Promise<string> {
  const id = idOf(await chat(core, { message: 'Is a tomato a fruit?' }, { call: callOf({ principal }) }));
  await expect.poll(() => verdict(core, id), { timeout: 20_000 }).toBe('ok');
  await tamper(core, `update conversations set updated_at = '${LONG_AGO}' where id = '${id}'`);
  return id;
}

async function verdict(core: Core, id: string): Promise<string> {
  return (await core.api.verifyConversation(id, admin())).status;
}

async function pass(core: Core) {
  const all = { conversations: 0, records: 0, held: 0 };
  for (;;) {
    const batch = await core.api.prune(admin());
    all.conversations += batch.conversations;
    all.records += batch.records;
    all.held += batch.held;
    if (batch.complete) return all;
  }
}

describe('retention', () => {
  it('erases what is too old and nothing else, counts it first, and the chain of its hashes verifies', async () => {
    const policy = { conversation_days: 30, owners: { [BOB.id]: { conversation_days: null } } };
    const core = await startCore({ env: { MCP_RETENTION: JSON.stringify(policy) } });
    const [gone, kept, held, young] = [
      await old(core),
      await old(core, BOB),
      await old(core),
      await old(core),
    ];
    await tamper(
      core,
      `update conversations set updated_at = '2999-01-01T00:00:00.000Z' where id = '${young}'`,
    );
    const log = await core.api.exportLog(gone, admin());
    const hold = await core.api.setLegalHold({ conversation_id: held, reason: 'Case 7/26' }, admin());

    expect(await pass(core)).toEqual({ conversations: 1, records: log.messages.length, held: 1 });
    expect(await failure(core.api.getConversation(gone, callOf()))).toMatchObject({ code: 'not_found' });
    for (const id of [kept, held, young]) expect(await verdict(core, id)).toBe('ok');
    await expect.poll(() => verdict(core, gone), { timeout: 20_000 }).toBe('erased');

    const report = await core.api.retentionReport({}, admin());
    const sum = (name: 'conversations' | 'records' | 'input_tokens' | 'output_tokens') =>
      report.statistics.reduce((total, one) => total + one[name], 0);
    const tokens = (name: 'input_tokens' | 'output_tokens') =>
      log.messages.reduce((total, { usage }) => total + (usage?.[name] ?? 0), 0);
    expect(report).toMatchObject({ holds: 1, passes: [{ conversations: 1, held: 1 }] });
    expect(sum('conversations')).toBe(1);
    expect(sum('records')).toBe(log.messages.length);
    expect(sum('output_tokens')).toBe(tokens('output_tokens'));
    expect(sum('input_tokens')).toBe(tokens('input_tokens'));

    expect(await failure(core.api.eraseConversation(held, callOf()))).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(hold.id),
    });
    await core.api.liftLegalHold(hold.id, admin());
    expect(await failure(core.api.liftLegalHold(hold.id, admin()))).toMatchObject({ code: 'conflict' });
    expect(await pass(core)).toMatchObject({ conversations: 1, held: 0 });
    expect((await core.api.listLegalHolds({ limit: 5 }, admin())).holds).toMatchObject([
      { id: hold.id, set_by: ADMIN.id, lifted_by: ADMIN.id },
    ]);
  });

  it('keeps conversations for good where nothing is said of them', async () => {
    const core = await startCore();
    const id = await old(core);
    expect(await pass(core)).toEqual({ conversations: 0, records: 0, held: 0 });
    expect(await verdict(core, id)).toBe('ok');
    expect(await failure(core.api.prune(callOf()))).toMatchObject({ code: 'forbidden' });
  });

  it('counts and erases each once, however many replicas work on the same pass', async () => {
    const env = { MCP_RETENTION: JSON.stringify({ conversation_days: 30 }) };
    const core = await startCore({ env });
    const ids = await Promise.all(Array.from({ length: 6 }, () => old(core)));
    const replica = await startReplica(core, { env });
    const found: Awaited<ReturnType<typeof pass>>[] = [];
    const sum = (name: 'conversations' | 'records') => found.reduce((total, one) => total + one[name], 0);
    // SQLite waits for whoever writes, and both would in this one process for each other: there they take turns.
    const both = async () =>
      core.sqlite ? [await pass(core), await pass(replica)] : Promise.all([core, replica].map(pass));
    for (let round = 0; round < 10 && sum('conversations') < ids.length; round++)
      found.push(...(await both()));
    expect(sum('conversations')).toBe(ids.length);
    const { statistics, passes } = await core.api.retentionReport({}, admin());
    const counted = (name: 'conversations' | 'records') =>
      statistics.reduce((total, one) => total + one[name], 0);
    for (const name of ['conversations', 'records'] as const) {
      expect(counted(name)).toBe(sum(name));
      expect(passes.reduce((total, one) => total + one[name], 0)).toBe(sum(name));
    }
  });

  it('forgets answers, feedback and jobs by the days of their owner, and none under a hold', async () => {
    const owners = {
      'key:long': { answer_days: 3650, feedback_days: 3650 },
      'key:ever': { answer_days: null, feedback_days: null },
      'key:short': { answer_days: 1, feedback_days: 1, job_days: 1 },
    };
    const env = { MCP_RETENTION: JSON.stringify({ answer_days: 30, feedback_days: 180, owners }) };
    const core = await startCore({ env });
    await core.api.setLegalHold({ owner: 'key:held', reason: 'Case 7/26' }, admin());
    const case_id = randomUUID();
    await core.api.setLegalHold({ conversation_id: case_id, reason: 'Case 8/26' }, admin());
    const days = [2, 40, 200] as const;
    for (const owner of ['key:long', 'key:ever', 'key:short', 'key:held', 'key:rest', 'key:case'])
      for (const ago of days) {
        const at = new Date(Date.now() - ago * 86_400_000).toISOString();
        const conversation_id = owner === 'key:case' ? case_id : randomUUID();
        await tamper(
          core,
          `insert into stored_answers values ('${owner} ${ago}', null, '${owner}', 'response', '${at}', '', '{}', '', '', '', 1, 0, 0, '${conversation_id}');
           insert into feedback values ('${conversation_id}', ${ago}, '${owner} ${ago}', '${owner}', '${at}', 1, null, null, '{}')`,
        );
      }
    const job = (owner: string, ago: number, conversation_ids: string[] = []) => ({
      id: randomUUID(),
      owner,
      conversation_ids,
      ended_at: new Date(Date.now() - ago * 86_400_000).toISOString(),
    });
    const due = [job('key:rest', 8), job('key:short', 2)];
    const jobs = [
      ...due,
      job('key:rest', 6),
      job('key:held', 8),
      job('key:held', 6),
      job('key:rest', 8, [case_id]),
    ];
    expect(await core.api.dueJobs({ jobs }, admin())).toEqual({ due: due.map(({ id }) => id), held: 2 });
    expect(await failure(core.api.dueJobs({ jobs }, callOf()))).toMatchObject({ code: 'forbidden' });
    // Its first sweep forgets them.
    await startReplica(core, { env });
    const left = async (table: string, name: string) =>
      Object.groupBy(
        (await selected(core, `select ${name} as name from ${table}`)).map(String).sort(),
        (one) => one.split(' ')[0] ?? '',
      );
    const kept = (owner: string, ...ago: number[]) => [owner, ago.map((one) => `${owner} ${one}`).sort()];
    const all = ['key:long', 'key:ever', 'key:held', 'key:case'].map((owner) => kept(owner, ...days));
    await expect
      .poll(() => left('stored_answers', 'id'), { timeout: 20_000 })
      .toEqual(Object.fromEntries([...all, kept('key:rest', 2)]));
    await expect
      .poll(() => left('feedback', 'hash'), { timeout: 20_000 })
      .toEqual(Object.fromEntries([...all, kept('key:rest', 2, 40)]));
  });

  it('finds nothing due that is due for nobody, and everything of those that it names', () => {
    const days = fc.integer({ min: 1, max: 1000 });
    const names = ['a', 'b', 'c', 'd'];
    const own = fc.record(
      { answer_days: fc.option(days), conversation_days: fc.option(days) },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        fc.option(days, { nil: undefined }),
        fc.dictionary(fc.constantFrom('a', 'b', 'c'), own),
        fc.constantFrom('conversation_days' as const, 'answer_days' as const),
        (conversation_days, owners, of) => {
          const policy = Retention.parse({ conversation_days, owners });
          const all = dueByOwner(policy, of, 1e12);
          for (const owner of names) {
            const before = dueBefore(policy, of, { owner, now_ms: 1e12 });
            const row = all?.owners.find((one) => one.owner === owner);
            expect(row === undefined ? all?.before : row.before).toBe(before);
            expect(before ?? '').toSatisfy((due: string) => due <= (all?.latest ?? ''));
          }
        },
      ),
    );
  });
});

describe('the data of one owner', () => {
  it('is exported to them, erased for them, and refused to others and under a hold', async () => {
    const core = await startCore();
    const [mine, theirs] = [await old(core), await old(core, BOB)];
    const page = await core.api.exportSubject(ALICE.id, {}, callOf());
    expect(page).toMatchObject({
      owner: ALICE.id,
      next_cursor: null,
      conversations: [{ log: { id: mine } }],
    });
    expect(page.conversations[0]?.log.messages.some(({ content }) => content.includes('tomato'))).toBe(true);
    const bob = callOf({ principal: BOB });
    for (const refused of [core.api.exportSubject(ALICE.id, {}, bob), core.api.eraseSubject(ALICE.id, bob)])
      expect(await failure(refused)).toMatchObject({ code: 'forbidden' });
    const hold = await core.api.setLegalHold({ owner: ALICE.id, reason: 'Case 7/26' }, admin());
    expect(await failure(core.api.eraseSubject(ALICE.id, callOf()))).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('legal hold'),
    });
    await core.api.liftLegalHold(hold.id, admin());
    expect(await core.api.eraseSubject(ALICE.id, admin())).toEqual({
      owner: ALICE.id,
      erased: 1,
      complete: true,
    });
    expect((await core.api.exportSubject(ALICE.id, {}, callOf())).conversations).toEqual([]);
    await expect.poll(() => verdict(core, mine), { timeout: 20_000 }).toBe('erased');
    expect(await verdict(core, theirs)).toBe('ok');
    const { accesses } = await core.api.accesses(mine, admin());
    expect(accesses.map(({ action }) => action)).toEqual(expect.arrayContaining(['export', 'erase']));
  });
});
