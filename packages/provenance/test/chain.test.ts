import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chainRecord, headerHash } from '../src/index.ts';
import { chained, drafts, HEADER_V1, HEADER_V2, HEADER_V3, headerOf, recordOf, versions } from './logs.ts';

const HASH = /^[0-9a-f]{64}$/;

describe('a chain', () => {
  it('numbers its records, and each carries the hash of the one before, the first that of the header', () => {
    fc.assert(
      fc.property(drafts, versions, (list, version) => {
        const header = headerOf(version);
        const records = chained(
          header,
          list.map((one, at) => recordOf(one, at, version)),
        );
        expect(records.map(({ seq }) => seq)).toEqual(list.map((_, at) => at));
        expect(records.map(({ hash_prev }) => hash_prev)).toEqual([
          headerHash(header),
          ...records.slice(0, -1).map(({ hash }) => hash),
        ]);
        expect(new Set(records.map(({ hash }) => hash)).size).toBe(records.length);
        for (const { hash } of records) expect(hash).toMatch(HASH);
      }),
    );
  });

  it('does not depend on the order of keys, nor on fields that are undefined', () => {
    fc.assert(
      fc.property(drafts, versions, (list, version) => {
        const [first] = list;
        if (first === undefined) throw new Error('there are two at least');
        const record = recordOf(first, 0, version);
        const turned = Object.fromEntries(Object.entries(record).toReversed()) as typeof record;
        const { hash } = chainRecord(headerOf(version), undefined, record);
        expect(chainRecord(headerOf(version), undefined, turned).hash).toBe(hash);
        const padded = { ...record, reasoning: undefined };
        const made = chainRecord(headerOf(version), undefined, padded as typeof record);
        expect(made.hash).toBe(hash);
        expect(Object.keys(made)).not.toContain('reasoning');
      }),
    );
  });

  it('changes from the record on in which anything is changed', () => {
    fc.assert(
      fc.property(drafts, versions, fc.nat(), (list, version, pick) => {
        const at = pick % list.length;
        const header = headerOf(version);
        const make = (change: string) =>
          chained(
            header,
            list.map((one, i) =>
              recordOf(i === at ? { ...one, content: one.content + change } : one, i, version),
            ),
          ).map(({ hash }) => hash);
        const [before, after] = [make(''), make('!')];
        for (const [i, hash] of before.entries()) expect(after[i] === hash).toBe(i < at);
      }),
    );
  });
});

describe('the hash of a header', () => {
  it.each([
    ['id', { id: '0194f0c2-0000-7000-8000-00000000000f' }],
    ['created_at', { created_at: '2026-11-23T12:00:00.001Z' }],
    ['owner', { owner: 'key:2' }],
    ['mode', { mode: 'answer' as const }],
    ['models', { models: ['b', 'a'] }],
  ])('covers %s', (_, change) => {
    for (const header of [HEADER_V1, HEADER_V2, HEADER_V3])
      expect(headerHash({ ...header, ...change })).not.toBe(headerHash(header));
  });

  it('covers of version 2 the participants, each field of each', () => {
    const { participants } = HEADER_V2;
    const changes = [{ id: 'other' }, { model: 'other' }, { prompt: 'other' }, { prompt: null }];
    const others = [
      participants.slice(1),
      participants.toReversed(),
      ...participants.flatMap((_, at) =>
        changes.map((change) => participants.map((one, i) => (i === at ? { ...one, ...change } : one))),
      ),
    ].map((list) => headerHash({ ...HEADER_V2, participants: list }));
    expect(new Set([headerHash(HEADER_V2), ...others]).size).toBe(others.length + 1);
  });

  it('is another in each version', () => {
    const { id, created_at, owner, mode, models } = HEADER_V1;
    const next = { id, created_at, owner, mode, models, version: 2 as const, participants: [] };
    expect(headerHash(next)).not.toBe(headerHash(HEADER_V1));
    expect(headerHash(HEADER_V3)).not.toBe(headerHash(HEADER_V2));
  });

  it('is what it was: version 1 by the code of commit 41183ba', () => {
    expect(headerHash(HEADER_V1)).toBe('32f4f00dae232c13f840289929d4199a05413898f2f21c448c6a9f479b31e611');
  });
});
