import type { LogRecordV2, Participant } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LogHeader, type NewRecord, roleOf, signLog, verifyLog } from '../src/index.ts';
import { chained, drafts, HEADER_V2, logOf, recordOf, SECRET } from './logs.ts';

type Unchained = Omit<LogRecordV2, 'seq' | 'hash' | 'hash_prev'>;

/** A log that is chained and signed as it should be: only where its steps come from may be wrong. */
function verdictOf(records: readonly NewRecord[], header: LogHeader = HEADER_V2) {
  return verifyLog(signLog(header, chained(header, records), SECRET), { secret: SECRET });
}

/** Ways in which the step at `i` cannot have come about, and what is said of it; null where `i` cannot. */
const FLAWS: Readonly<
  Record<
    string,
    (list: readonly Unchained[], i: number) => { change: Partial<Unchained>; reason: RegExp } | null
  >
> = {
  'made from a later step': (list, i) => {
    const later = list[i + 1]?.step;
    return later === undefined
      ? null
      : { change: { parents: [later] }, reason: /was made from step s\d+, which no/ };
  },
  'made from itself': (list, i) => ({
    change: { parents: [list[i]?.step ?? ''] },
    reason: /was made from step s\d+, which no record before it is/,
  }),
  'made from a step of another log': () => ({
    change: { parents: ['nowhere'] },
    reason: /was made from step nowhere/,
  }),
  'made from one step twice': (list, i) =>
    i === 0
      ? null
      : { change: { parents: [list[0]?.step ?? '', list[0]?.step ?? ''] }, reason: /a parent twice/ },
  'a step that there was': (list, i) =>
    i === 0
      ? null
      : { change: { step: list[0]?.step ?? '', parents: [] }, reason: /is step s0, which an earlier/ },
  'by somebody else': () => ({
    change: { kind: 'turn', participant: 'stranger', role: 'stranger' },
    reason: /is by stranger, who is not among the participants/,
  }),
  'by nobody': () => ({
    change: { kind: 'turn', participant: undefined, role: 'modelA' },
    reason: /has the role modelA, which does not fit a turn/,
  }),
  'under the name of another': () => ({
    change: { kind: 'turn', participant: 'modelA', role: 'modelB' },
    reason: /has the role modelB, which does not fit a turn/,
  }),
  'a decision that looks like a turn': () => ({
    change: { kind: 'decision', participant: undefined, role: 'modelA' },
    reason: /which does not fit a decision/,
  }),
};

describe('where steps come from', () => {
  it('verifies for every log whose steps are made from steps before them', () => {
    fc.assert(
      fc.property(drafts, (list) => {
        expect(verifyLog(logOf(list, 2), { secret: SECRET })).toMatchObject({ status: 'ok' });
      }),
    );
  });

  it.each(Object.keys(FLAWS))('does not verify, though chain and signature hold: %s', (name) => {
    fc.assert(
      fc.property(drafts, fc.nat(), (list, pick) => {
        const records = list.map((one, at) => recordOf(one, at, 2) as Unchained);
        const at = pick % records.length;
        const flaw = FLAWS[name]?.(records, at) ?? null;
        fc.pre(flaw !== null);
        const changed = records.map((record, i) => (i === at ? { ...record, ...flaw?.change } : record));
        expect(verdictOf(changed)).toMatchObject({
          status: 'broken',
          broken_at: at,
          reason: expect.stringMatching(flaw?.reason ?? /never/),
        });
      }),
      { numRuns: 40 },
    );
  });

  const named = (id: string, model: string): Participant => ({ id, model, prompt: null });
  const headed = (participants: Participant[], models: string[]): LogHeader => ({
    ...HEADER_V2,
    participants,
    models,
  });

  it.each([
    [
      'two by the same id',
      headed([named('a', 'm'), named('a', 'n')], ['m', 'n']),
      /two participants by the same id/,
    ],
    ['other models', headed([named('a', 'm')], ['n']), /models of the header are not those/],
    ['models of others', headed([named('a', 'm')], ['m', 'n']), /models of the header are not those/],
    [
      'models in another order',
      headed([named('a', 'm'), named('b', 'n')], ['n', 'm']),
      /models of the header/,
    ],
    ['none', headed([], []), /not a conversation log/],
    ['one by a name of the log', headed([named('user', 'm')], ['m']), /not a conversation log/],
  ])('does not verify with participants in its header that cannot be: %s', (_, header, reason) => {
    const verdict = verdictOf([], header);
    expect(verdict).toMatchObject({ status: 'broken', reason: expect.stringMatching(reason) });
  });

  it('lets nothing be slipped into a participant', () => {
    const log = structuredClone(logOf([], 2));
    if (log.version === 2) Object.assign(log.participants[0] ?? {}, { note: 'slipped in' });
    expect(verifyLog(log, { secret: SECRET }).status).toBe('broken');
  });
});

describe('the role of a step', () => {
  it.each([
    ['system', undefined, 'system'],
    ['system', 'modelA', 'system'],
    ['question', undefined, 'user'],
    ['turn', 'critic-1', 'critic-1'],
    ['critique', 'modelB', 'modelB'],
    ['summary', 'modelB', 'summary'],
    ['decision', undefined, 'decision'],
  ] as const)('of a %s by %s is %s', (kind, participant, role) => {
    expect(roleOf(participant === undefined ? { kind } : { kind, participant })).toBe(role);
  });
});
