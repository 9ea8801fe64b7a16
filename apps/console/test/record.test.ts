/** What is on record and what was decided, in the words and the order that a page shows. */
import type { Decision, FinishReason, LogRecord } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explainDecision, explainFinish } from '../src/chat/explain.ts';
import { chatFromLog } from '../src/chat/from-log.ts';
import { columnsOf, labelOf, toneOf } from '../src/chat/participants.ts';
import { canResume, isActive } from '../src/chat/state.ts';
import { conversation, decision, participantsOf, record, STOP } from './support/samples.ts';

/** What makes a record one of version 2. */
const graph = (seq: number, role: string) => {
  const kinds = new Map([
    ['system', 'system'],
    ['user', 'question'],
    ['summary', 'summary'],
    ['decision', 'decision'],
  ]);
  return { step: `s${seq}`, kind: kinds.get(role) ?? 'turn', parents: seq === 0 ? [] : [`s${seq - 1}`] };
};

type Version = 1 | 2;
/** Roles in order → records of a version. */
function recordsOf(
  version: Version,
  roles: readonly string[],
  more: (seq: number) => object = () => ({}),
): LogRecord[] {
  return roles.map((role, seq) =>
    record(seq, role, {
      ...(version === 2 ? graph(seq, role) : {}),
      ...(role.startsWith('model') ? { finish_reason: STOP, model: role } : {}),
      ...(role === 'decision' ? { decision: decision(2) } : {}),
      ...more(seq),
    }),
  );
}

describe.each([1, 2] as const)('a record of version %i', (version) => {
  const roles = fc.array(
    fc.constantFrom(
      'system',
      'user',
      'modelA',
      'modelB',
      'decision',
      ...(version === 2 ? ['summary', 'critic'] : []),
    ),
    { maxLength: 14 },
  );

  it('has a round for each question, and each finished turn in it once, in order', () => {
    fc.assert(
      fc.property(roles, (list) => {
        const messages = recordsOf(version, ['user', ...list], () => ({ finish_reason: STOP }));
        const { rounds } = chatFromLog(conversation(1, { messages }));
        const said = messages.filter(({ role }) => !['system', 'user', 'decision', 'summary'].includes(role));
        expect(rounds).toHaveLength(messages.filter(({ role }) => role === 'user').length);
        expect(rounds.flatMap(({ turns }) => turns.map((turn) => turn.message_id))).toEqual(
          said.map(({ message_id }) => message_id),
        );
        for (const { turns } of rounds)
          expect(turns.map(({ turn }) => turn)).toEqual(turns.map((_, at) => at));
      }),
    );
  });

  it('shows no system prompt and no summary as a turn, and no word of its own', () => {
    fc.assert(
      fc.property(roles, (list) => {
        const messages = recordsOf(version, list);
        const shown = JSON.stringify(chatFromLog(conversation(1, { messages })).rounds);
        for (const { role, content } of messages)
          expect(shown.includes(`"${content}"`)).toBe(
            role !== 'system' && role !== 'summary' && role !== 'decision',
          );
      }),
    );
  });

  it('gives each round its own decision, and the last one that of the conversation where it has none', () => {
    const messages = recordsOf(version, ['user', 'modelA', 'decision', 'user', 'modelB']);
    const whole = decision(3);
    const decisions = (more: object) =>
      chatFromLog(conversation(1, { messages, ...more })).rounds.map(
        (round) => round.decision?.chosen ?? null,
      );
    expect(decisions({ decision: whole })).toEqual(['modelB', 'modelC']);
    expect(decisions({ decision: null })).toEqual(['modelB', null]);
    const decided = recordsOf(version, ['user', 'modelA', 'decision']);
    expect(
      chatFromLog(conversation(1, { messages: decided, decision: whole })).rounds[0]?.decision?.chosen,
    ).toBe('modelB');
  });

  it.each([
    ['running', 'elsewhere', false],
    ['completed', 'completed', false],
    ['cancelled', 'cancelled', true],
    ['interrupted', 'interrupted', true],
    ['failed', 'failed', false],
  ] as const)('of a %s conversation is shown as %s; it can be resumed: %s', (status, phase, resumable) => {
    const state = chatFromLog(conversation(1, { status }));
    expect([state.phase, canResume(state), isActive(state.phase)]).toEqual([phase, resumable, false]);
  });

  it.each(['cancelled', 'error'] as const)(
    'with a turn that ended as %s shows it until it was begun anew',
    (unified) => {
      const cut: FinishReason = { unified, raw: null };
      const until = (roles: readonly string[]) => {
        const messages = recordsOf(version, roles, (seq) => (seq === 2 ? { finish_reason: cut } : {}));
        const [round] = chatFromLog(conversation(1, { messages })).rounds;
        return round?.turns.map((turn) => [turn.turn, turn.text, turn.status]);
      };
      expect(until(['user', 'modelA', 'modelB'])).toEqual([
        [0, 'modelA says 1', 'finished'],
        [1, 'modelB says 2', 'stopped'],
      ]);
      expect(until(['user', 'modelA', 'modelB', 'modelB'])).toEqual([
        [0, 'modelA says 1', 'finished'],
        [1, 'modelB says 3', 'finished'],
      ]);
    },
  );
});

describe('participants', () => {
  it('are told apart: from one to eight, each has a name and a tone of its own', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), (count) => {
        const all = participantsOf(count);
        expect(new Set(all.map(({ id }) => labelOf(id))).size).toBe(count);
        expect(new Set(all.map(({ id }) => toneOf(id, all))).size).toBe(count);
        expect(columnsOf(all)).toBe(count === 2 || count === 3 ? count : 1);
      }),
    );
  });

  it.each([
    ['modelA', 'A'],
    ['modelH', 'H'],
    ['modelI', 'modelI'],
    ['modelAB', 'modelAB'],
    ['critic', 'critic'],
    ['', ''],
  ])('%s is called %s', (id, expected) => expect(labelOf(id)).toBe(expected));

  it('that are not of the conversation still have a tone', () => {
    expect(toneOf('stranger', participantsOf(3))).toBe('a');
    expect(toneOf('stranger', [])).toBe('a');
  });
});

describe('a decision in words', () => {
  const words = (made: Decision) => explainDecision(made).join(' ');

  it('between two to eight candidates names the weights and the margin to the best of the others', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 2, maxLength: 8 }),
        fc.nat(7),
        (hundredths, pick) => {
          const base = decision(hundredths.length);
          const candidates = base.candidates.map((candidate, at) => ({
            ...candidate,
            composite: (hundredths[at] ?? 0) / 100,
          }));
          const at = pick % hundredths.length;
          const text = words({ ...base, candidates, chosen: candidates[at]?.role ?? '' });
          const best = Math.max(...hundredths.filter((_, other) => other !== at));
          const margin = (Math.abs((hundredths[at] ?? 0) - best) / 100).toFixed(2);
          expect(text).toContain(`${hundredths.length > 2 ? ' to the next' : 'margin'} is ${margin}`);
          expect(text).toContain('0.50 × semantic + 0.30 × coherence + 0.20 × safety');
          // At 0.03 itself the last digit of a binary fraction decides.
          if (margin !== '0.03') expect(text.includes('a close call')).toBe(Number(margin) < 0.03);
        },
      ),
    );
  });

  it('of any kind ends its sentences and shows no number that is none', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 8 }),
        fc.constantFrom<Decision['method']>(
          'composite',
          'fastest-successful',
          'only-candidate',
          'disabled',
          'shadow',
        ),
        fc.boolean(),
        fc.option(fc.float({ min: 0, max: 2, noNaN: true })),
        (count, method, critique_turn, divergence) => {
          const made: Decision = { ...decision(Math.max(1, count)), method, critique_turn, divergence };
          const sentences = explainDecision(count === 0 ? { ...made, candidates: [] } : made);
          expect(sentences.length).toBeGreaterThan(0);
          for (const sentence of sentences) expect(sentence).toMatch(/^[A-Z].*\.$/);
          expect(sentences.join(' ')).not.toMatch(/NaN|undefined|null|Infinity/);
          expect(sentences.join(' ').includes('critique turn')).toBe(critique_turn);
          expect(sentences.join(' ').includes('unknown')).toBe(divergence === null && count > 1);
        },
      ),
    );
  });
});

describe('why a turn ended', () => {
  const reasons: [FinishReason['unified'], string | null, string][] = [
    ['stop', 'end_turn', 'complete'],
    ['length', null, 'cut at the token limit'],
    ['tool_calls', null, 'asks for a tool'],
    ['content_filter', null, 'withheld by a content filter'],
    ['cancelled', null, 'cancelled'],
    ['error', 'E1', 'broke off'],
    ['other', 'pause_turn', 'pause_turn'],
    ['other', null, 'ended'],
  ];
  it.each(reasons)('%s (%s) is said as "%s"', (unified, raw, expected) =>
    expect(explainFinish({ unified, raw })).toBe(expected),
  );
});
