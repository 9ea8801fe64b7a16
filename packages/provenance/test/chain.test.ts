import type { LogRecord } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chainRecord, type LogHeader, sealLog, verifyLog } from '../src/index.ts';

const SECRET = 'a secret of the platform, for this test alone';
const HEADER: LogHeader = {
  id: '0194f0c2-0000-7000-8000-000000000001',
  version: 1,
  created_at: '2026-11-23T12:00:00.000Z',
  owner: 'key:1',
  mode: 'debate',
  models: ['a', 'b'],
};

function logOf(contents: readonly string[]) {
  const records: LogRecord[] = [];
  for (const content of contents) {
    records.push(
      chainRecord(HEADER, records.at(-1), {
        role: 'user',
        content,
        at: '2026-11-23T12:00:00.000Z',
        trace_id: 'f'.repeat(32),
        pii_tags: [],
        message_id: '0194f0c2-0000-7000-8000-000000000002',
      }),
    );
  }
  return sealLog(HEADER, records, SECRET);
}

const contents = fc.array(fc.string(), { minLength: 2, maxLength: 12 });

describe('a sealed log', () => {
  it('verifies as written, also after a trip through JSON', () => {
    fc.assert(
      fc.property(contents, (texts) => {
        const log: unknown = JSON.parse(JSON.stringify(logOf(texts)));
        expect(verifyLog(log, { secret: SECRET })).toMatchObject({ ok: true, records: texts.length });
      }),
    );
  });

  it('does not verify when any record is edited, removed, swapped, cut off or added to', () => {
    fc.assert(
      fc.property(
        contents,
        fc.nat(),
        fc.constantFrom(
          'edit',
          'remove',
          'swap',
          'truncate',
          'reseal',
          'extra-field',
          'header',
          'extra-header',
          'mac',
        ),
        (texts, pick, kind) => {
          const log = logOf(texts);
          const i = pick % log.messages.length;
          const record = log.messages[i] as LogRecord & Record<string, unknown>;
          if (kind === 'edit') record.content += '!';
          if (kind === 'remove') log.messages.splice(i, 1);
          if (kind === 'swap')
            log.messages.splice(
              i === 0 ? 0 : i - 1,
              2,
              ...log.messages.slice(i === 0 ? 0 : i - 1, (i === 0 ? 0 : i - 1) + 2).reverse(),
            );
          if (kind === 'truncate') log.messages.pop();
          if (kind === 'reseal')
            Object.assign(log, sealLog(HEADER, log.messages.slice(0, -1), 'another secret'));
          if (kind === 'extra-field') record.note = 'slipped in';
          if (kind === 'header') log.owner = 'key:2';
          if (kind === 'extra-header') Object.assign(log, { note: 'slipped in' });
          if (kind === 'mac') log.mac = log.mac.replace(/^./, (first) => (first === '0' ? '1' : '0'));
          const verdict = verifyLog(log, { secret: SECRET });
          expect(verdict.ok).toBe(false);
          expect(verdict.reason).toMatch(/\w/);
        },
      ),
    );
  });

  it('names the record that was changed', () => {
    const log = logOf(['one', 'two', 'three']);
    (log.messages[1] as LogRecord).content = 'TWO';
    expect(verifyLog(log, { secret: SECRET })).toMatchObject({
      ok: false,
      broken_at: 1,
      reason: expect.stringContaining('Record 1 was changed'),
    });
  });

  it.each([
    ['removed', [0, 2], 1],
    ['swapped', [0, 2, 1], 1],
    ['cut off', [0, 1], 2],
  ])('says where records were %s', (_, order, broken_at) => {
    const log = logOf(['one', 'two', 'three']);
    log.messages = order.flatMap((i) => log.messages[i] ?? []);
    expect(verifyLog(log, { secret: SECRET })).toMatchObject({ ok: false, broken_at });
  });

  it('does not verify when a log of one owner is passed off as rebuilt by another', () => {
    const foreign = sealLog(
      { ...HEADER, owner: 'key:2' },
      logOf(['one', 'two']).messages,
      'the secret of somebody else, long enough',
    );
    expect(verifyLog(foreign, { secret: SECRET }).ok).toBe(false);
    const own = logOf(['one', 'two']);
    const rebuilt = sealLog(HEADER, own.messages, 'the secret of somebody else, long enough');
    expect(verifyLog(rebuilt, { secret: SECRET })).toMatchObject({
      ok: false,
      reason: expect.stringContaining('seal'),
    });
    expect(verifyLog(rebuilt, { secret: undefined }).ok).toBe(true);
  });

  it('gives a verdict on values that no JSON holds', () => {
    const log = logOf(['one']);
    const record = log.messages[0] as LogRecord & Record<string, unknown>;
    record.self = log;
    expect(verifyLog(log, { secret: SECRET })).toMatchObject({ ok: false });
    record.self = 1n;
    expect(verifyLog(log, { secret: SECRET })).toMatchObject({ ok: false });
  });

  it('gives a verdict on anything at all', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(verifyLog(value, { secret: SECRET }).ok).toBe(false);
      }),
    );
  });
});
