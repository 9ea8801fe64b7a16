import { Retention } from '@mcp/contracts';
import { failure } from '@mcp/testkit';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { anyDueBefore, dueBefore } from '../src/retention/terms.ts';
import { ADMIN, ALICE, BOB, type Core, callOf, chat, cleanUp, idOf, startCore, tamper } from './harness.ts';

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

  it('finds nothing due that is due for nobody', () => {
    const days = fc.integer({ min: 1, max: 1000 });
    const owners = fc.dictionary(
      fc.constantFrom('a', 'b', 'c'),
      fc.record({ conversation_days: fc.option(days) }),
    );
    fc.assert(
      fc.property(fc.option(days, { nil: undefined }), owners, (conversation_days, own) => {
        const policy = Retention.parse({ conversation_days, owners: own });
        const any = anyDueBefore(policy, 1e12);
        for (const owner of ['a', 'b', 'c', 'd'])
          expect(dueBefore(policy, owner, 1e12) ?? '').toSatisfy((due: string) => due <= (any ?? ''));
      }),
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
