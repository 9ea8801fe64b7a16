import { randomUUID } from 'node:crypto';
import { failure } from '@mcp/testkit';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { cursorOf, placeOf } from '../src/store/cursor.ts';
import { ADMIN, ALICE, type Core, callOf, cleanUp, planOf, startCore, tamper } from './harness.ts';

afterEach(cleanUp);

const at = (i: number) => new Date(Date.UTC(2026, 0, 1) + i * 1000).toISOString();

/** Conversations of owners, straight into the store. */
async function fill(core: Core, rows: readonly { id: string; owner: string; updated_at: string }[]) {
  const values = rows.map(
    ({ id, owner, updated_at }) =>
      `('${id}', '${owner}', 'debate', '["alpha"]', 'A title', 'completed', 2, '{}', '', '${updated_at}', '${updated_at}', '')`,
  );
  for (let i = 0; i < values.length; i += 500)
    await tamper(
      core,
      `insert into conversations (id, owner, mode, models, title, status, exchanges, settings, trace_id, created_at, updated_at, lease_until) values ${values.slice(i, i + 500).join(',')}`,
    );
}

async function walk(core: Core, principal: typeof ALICE, limit: number): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await core.api.listConversations({ limit, cursor }, callOf({ principal }));
    expect(page.conversations.length).toBeLessThanOrEqual(limit);
    ids.push(...page.conversations.map(({ id }) => id));
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return ids;
}

describe('the list', () => {
  it('gives each conversation once, the newest first, whatever the page and however many share a time', async () => {
    const core = await startCore();
    const rows = Array.from({ length: 60 }, (_, i) => ({
      id: randomUUID(),
      owner: i % 3 === 0 ? 'key:bob' : ALICE.id,
      updated_at: at(Math.floor(i / 7)),
    }));
    await fill(core, rows);
    const newest = (list: typeof rows) =>
      list.toSorted((a, b) => (a.updated_at + a.id < b.updated_at + b.id ? 1 : -1)).map(({ id }) => id);
    for (const limit of [1, 7, 40, 60, 200])
      expect(await walk(core, ALICE, limit)).toEqual(newest(rows.filter(({ owner }) => owner === ALICE.id)));
    expect(await walk(core, ADMIN, 13)).toEqual(newest(rows));
  });

  it('is read from an index, page by page, for an owner and for an administrator', async () => {
    const core = await startCore();
    await fill(
      core,
      Array.from({ length: 3000 }, (_, i) => ({
        id: randomUUID(),
        owner: `key:${i % 2}`,
        updated_at: at(i),
      })),
    );
    const owner = { ...ALICE, id: 'key:1' };
    for (const [principal, index] of [
      [owner, 'conversations_of_owner'],
      [ADMIN, 'conversations_of_all'],
    ] as const)
      for (const cursor of [undefined, cursorOf({ updated_at: at(1500), id: randomUUID() })]) {
        const plan = await planOf(core, (store) => store.pageQuery(principal, { limit: 50, cursor }));
        expect(plan).toMatch(new RegExp(`Index Scan (Backward )?using ${index}|USING INDEX ${index}`));
        expect(plan).not.toMatch(/Seq Scan|SCAN conversations\b(?! USING)|Sort|TEMP B-TREE/);
      }
  });

  it('refuses what is not a cursor of its own', async () => {
    const core = await startCore();
    for (const cursor of [
      '',
      'x',
      '2026-01-01T00:00:00.000Z',
      Buffer.from('["a","b"]').toString('base64url'),
      'é',
    ])
      expect(await failure(core.api.listConversations({ limit: 1, cursor }, callOf()))).toMatchObject({
        code: 'invalid_request',
        param: 'cursor',
      });
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        expect(() => placeOf(text)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
      }),
    );
  });

  it('cursors give back the place they were made of', () => {
    fc.assert(
      fc.property(
        fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }),
        fc.uuid(),
        (date, id) => {
          const place = { updated_at: date.toISOString(), id };
          expect(placeOf(cursorOf(place))).toEqual([place.updated_at, place.id]);
        },
      ),
    );
  });
});
