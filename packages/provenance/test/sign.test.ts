import type { ConversationLog, LogRecord } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signatureOf, signLog, verifyLog } from '../src/index.ts';
import { draftOf, drafts, HEADER_V1, headerOf, logOf, OTHER_SECRET, SECRET, versions } from './logs.ts';

type Open = ConversationLog & { messages: (LogRecord & Record<string, unknown>)[] };

const LAWFUL = new Set(['unchanged', 'reordered keys', 'through JSON']);

/** Things that happen to a log; the record at `i` is meant. */
const CHANGES: Readonly<Record<string, (log: Open, i: number) => void>> = {
  unchanged: () => undefined,
  'through JSON': (log) => Object.assign(log, JSON.parse(JSON.stringify(log))),
  'reordered keys': (log, i) => {
    log.messages[i] = Object.fromEntries(Object.entries(log.messages[i] ?? {}).toReversed()) as LogRecord;
  },
  edit: (log, i) => Object.assign(log.messages[i] ?? {}, { content: `${log.messages[i]?.content}!` }),
  remove: (log, i) => log.messages.splice(i, 1),
  repeat: (log, i) => log.messages.splice(i, 0, structuredClone(log.messages[i]) as LogRecord),
  swap: (log, i) => {
    const from = Math.max(0, i - 1);
    log.messages.splice(from, 2, ...log.messages.slice(from, from + 2).toReversed());
  },
  truncate: (log) => log.messages.pop(),
  'extra field of a record': (log, i) => Object.assign(log.messages[i] ?? {}, { note: 'slipped in' }),
  'extra field of the log': (log) => Object.assign(log, { note: 'slipped in' }),
  'another role': (log, i) => {
    const record = log.messages[i];
    if (record !== undefined) Object.assign(record, { role: record.role === 'user' ? 'modelA' : 'user' });
  },
  'another owner': (log) => Object.assign(log, { owner: 'key:2' }),
  'other models': (log) => Object.assign(log, { models: log.models.map((model) => `${model}!`) }),
  'another version': (log) => Object.assign(log, { version: log.version === 1 ? 2 : 1 }),
  'another mac': (log) => Object.assign(log, { mac: log.mac.replace(/^./, (c) => (c === '0' ? '1' : '0')) }),
  'no mac': (log) => Object.assign(log, { mac: '' }),
  'another head': (log) => Object.assign(log, { head: log.messages[0]?.hash_prev }),
  'signed by somebody else': (log) => Object.assign(log, resigned(log, OTHER_SECRET)),
  'cut and signed by somebody else': (log) => {
    log.messages.pop();
    Object.assign(log, resigned(log, OTHER_SECRET));
  },
};

function resigned(log: ConversationLog, secret: string): ConversationLog {
  const { messages, head: _head, mac: _mac, ...header } = log;
  return signLog(header, messages, secret);
}

describe('a signed log', () => {
  it.each(Object.keys(CHANGES))('verifies as it was written and in no other way: %s', (name) => {
    fc.assert(
      fc.property(drafts, versions, fc.nat(), (list, version, pick) => {
        const log = logOf(list, version) as Open;
        CHANGES[name]?.(log, pick % log.messages.length);
        const verdict = verifyLog(log, { secret: SECRET });
        if (LAWFUL.has(name))
          expect(verdict).toMatchObject({ status: 'ok', records: list.length, reason: null });
        else {
          expect(verdict).toMatchObject({ ok: false, status: 'broken', head: null });
          expect(verdict.reason).toMatch(/\w/);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('verifies with as few records as it may have', () => {
    for (const version of [1, 2, 3] as const)
      expect(verifyLog(logOf([], version), { secret: SECRET })).toMatchObject({ status: 'ok', records: 0 });
  });

  it('is checked as far as that goes without the secret: its chain, and not who signed it', () => {
    fc.assert(
      fc.property(drafts, versions, (list, version) => {
        const rebuilt = resigned(logOf(list, version), OTHER_SECRET);
        expect(verifyLog(rebuilt, { secret: undefined }).ok).toBe(true);
        expect(verifyLog(rebuilt, { secret: SECRET }).reason).toContain('signature');
        expect(verifyLog(rebuilt, { secret: OTHER_SECRET }).ok).toBe(true);
      }),
    );
  });

  it('has the signature that its last record gives it', () => {
    fc.assert(
      fc.property(drafts, versions, (list, version) => {
        const log = logOf(list, version);
        expect(log.mac).toBe(signatureOf(headerOf(version), log.messages.at(-1), SECRET));
        expect(log.mac).not.toBe(signatureOf(headerOf(version), log.messages.at(-1), OTHER_SECRET));
        expect(log.mac).toMatch(/^[0-9a-f]{64}$/);
      }),
    );
  });
});

describe('a verdict', () => {
  const three = () => logOf(['one', 'two', 'three'].map(draftOf), 2);

  it('names the record that was changed', () => {
    fc.assert(
      fc.property(drafts, versions, fc.nat(), (list, version, pick) => {
        const log = logOf(list, version);
        const at = pick % log.messages.length;
        const record = log.messages[at];
        if (record !== undefined) record.content += '!';
        expect(verifyLog(log, { secret: SECRET })).toMatchObject({
          broken_at: at,
          reason: `Record ${at} was changed after it was written.`,
        });
      }),
    );
  });

  it.each([
    ['removed', [0, 2], 1, /^Record 1 is missing or out of order/],
    ['swapped', [0, 2, 1], 1, /^Record 1 is missing or out of order/],
    ['cut off', [0, 1], 2, /^Records at the end are missing/],
    ['all gone', [], 0, /^Records at the end are missing/],
  ])('says where records were %s', (_, order, broken_at, reason) => {
    const log = three();
    const messages = order.flatMap((i) => log.messages[i] ?? []);
    expect(verifyLog({ ...log, messages }, { secret: SECRET })).toMatchObject({
      ok: false,
      broken_at,
      reason: expect.stringMatching(reason),
    });
  });

  it('says when records belong to another log', () => {
    const { messages } = logOf(['one'].map(draftOf), 1);
    const other = signLog({ ...HEADER_V1, owner: 'key:2' }, messages, SECRET);
    expect(verifyLog(other, { secret: SECRET })).toMatchObject({
      broken_at: 0,
      reason: 'The header was changed, or the first record belongs to another log.',
    });
  });

  it.each([
    ['a cycle', (log: ConversationLog) => log],
    ['a bigint', () => 1n],
  ])('is given on what no JSON holds: %s', (_, value) => {
    const log = three() as Open;
    Object.assign(log.messages[0] ?? {}, { self: value(log) });
    expect(verifyLog(log, { secret: SECRET })).toMatchObject({
      status: 'broken',
      reason: 'This is not JSON: it cannot be hashed.',
    });
  });

  it('is given on anything at all', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(verifyLog(value, { secret: SECRET })).toMatchObject({ ok: false, status: 'broken' });
      }),
    );
  });

  it.each([0, 4, '2', null])('is given on a log of the version %j, which there is not', (version) => {
    expect(verifyLog({ ...three(), version }, { secret: SECRET })).toMatchObject({ status: 'broken' });
  });
});
