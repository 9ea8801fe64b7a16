import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareWithHead, headOf, LogHead } from '../src/index.ts';
import { drafts, logOf, versions } from './logs.ts';

describe('the head of a log', () => {
  it('is the number of its records and the hash of the last, which the log has as its head too', () => {
    fc.assert(
      fc.property(drafts, versions, (list, version) => {
        const log = logOf(list, version);
        expect(headOf(log)).toEqual({ records: list.length, head: log.head });
        expect(LogHead.parse(JSON.parse(JSON.stringify(headOf(log))))).toEqual(headOf(log));
      }),
    );
    expect(headOf({ messages: [] })).toBeUndefined();
  });

  it('tells what became of a log since it was taken', () => {
    fc.assert(
      fc.property(drafts, versions, fc.nat(), (list, version, pick) => {
        const { messages } = logOf(list, version);
        const count = 1 + (pick % messages.length);
        const kept = headOf({ messages: messages.slice(0, count) });
        if (kept === undefined) throw new Error('there is one record at least');
        expect(compareWithHead({ messages }, kept)).toBe(count === messages.length ? 'same' : 'longer');
        for (let length = 0; length < count; length++)
          expect(compareWithHead({ messages: messages.slice(0, length) }, kept)).toBe('cut');
      }),
    );
  });

  it('tells a log that was written anew, as long as it is, from one that went on', () => {
    fc.assert(
      fc.property(drafts, versions, fc.nat(), fc.nat(), (list, version, pick, changed) => {
        const { messages } = logOf(list, version);
        const at = changed % messages.length;
        const other = logOf(
          list.map((one, i) => (i === at ? { ...one, content: `${one.content}!` } : one)),
          version,
        );
        const count = 1 + (pick % messages.length);
        const kept = headOf({ messages: messages.slice(0, count) });
        if (kept === undefined) throw new Error('there is one record at least');
        const same = count === messages.length ? 'same' : 'longer';
        // A change after the record whose hash is kept is none that the head can show.
        expect(compareWithHead(other, kept)).toBe(at < count ? 'rewritten' : same);
      }),
    );
  });

  it.each([
    ['no record', { records: 0, head: 'a'.repeat(64) }],
    ['a part of a record', { records: 1.5, head: 'a'.repeat(64) }],
    ['no hash', { records: 1, head: 'A'.repeat(64) }],
    ['a short hash', { records: 1, head: 'a'.repeat(63) }],
  ])('is not read from %s', (_, value) => {
    expect(LogHead.safeParse(value).success).toBe(false);
  });
});
