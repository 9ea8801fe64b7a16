import type { ChatMessage, TurnMode } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alternate, type PastTurn, participantAt, planTurn, type TurnPlan } from '../src/index.ts';

const IDS = ['modelA', 'modelB', 'modelC', 'modelD', 'modelE', 'modelF', 'modelG', 'modelH'] as const;
const MODES: readonly TurnMode[] = ['debate', 'cross-check', 'answer'];

/** Turns in order, each with its number as content. */
function turnsOf(participants: readonly string[], count: number): PastTurn[] {
  return Array.from({ length: count }, (_, turn) => ({
    step: `t${turn}`,
    participant: participantAt(participants, turn),
    content: `words of turn ${turn}.`,
  }));
}

/** The plan of a turn after `turn` others. */
function planOf(change: Partial<TurnPlan> & { readonly turn: number; readonly count: number }): TurnPlan {
  const participants = IDS.slice(0, change.count);
  return {
    mode: 'debate',
    participants,
    participant: participantAt(participants, change.turn),
    system: { step: 'p', content: 'Be brief.' },
    earlier: [],
    question: { step: 'q', content: 'Why?' },
    past: turnsOf(participants, change.turn),
    ...change,
  };
}

const plans = fc
  .record({
    count: fc.integer({ min: 1, max: 8 }),
    turn: fc.nat(15),
    mode: fc.constantFrom(...MODES),
    critique: fc.boolean(),
    answered: fc.array(fc.boolean(), { maxLength: 3 }),
  })
  .map(({ answered, ...rest }) =>
    planOf({
      ...rest,
      earlier: answered.map((has, at) => ({
        question: { step: `q${at}`, content: `Question ${at}?` },
        answer: has ? { step: `a${at}`, content: `Answer ${at}.` } : undefined,
      })),
    }),
  );

const textOf = (message: ChatMessage | undefined) => String(message?.content);
const lastOf = (plan: TurnPlan) => textOf(planTurn(plan).messages.at(-1));

describe('participantAt', () => {
  it('gives each participant its turn before anyone has another, in the same order each time', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.nat(60), (count, turn) => {
        const all = IDS.slice(0, count);
        const round = Array.from({ length: count }, (_, at) =>
          participantAt(all, turn - (turn % count) + at),
        );
        expect(round).toEqual(all);
        expect(participantAt(all, turn + count)).toBe(participantAt(all, turn));
      }),
    );
    expect([0, 1, 2, 3].map((turn) => participantAt(['modelA', 'modelB'], turn))).toEqual([
      'modelA',
      'modelB',
      'modelA',
      'modelB',
    ]);
    expect(() => participantAt([], 0)).toThrow(RangeError);
  });
});

describe('planTurn', () => {
  it('names for each message the step that it shows, and shows that step', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const { messages, sources, question_at } = planTurn(plan);
        const contents = new Map<string | undefined, string>([
          [plan.system.step, plan.system.content],
          [plan.question.step, plan.question.content],
          ...plan.earlier.flatMap(({ question, answer }) =>
            [question, ...(answer === undefined ? [] : [answer])].map(
              ({ step, content }): [string, string] => [step, content],
            ),
          ),
          ...plan.past.map(({ step, content }): [string, string] => [step, content]),
        ]);
        expect(sources).toHaveLength(messages.length);
        expect(sources[question_at]).toBe('q');
        expect(new Set(sources).size).toBe(sources.length);
        for (const [at, source] of sources.entries())
          if (source !== undefined) expect(textOf(messages[at])).toContain(contents.get(source));
        // Only a task has no source, and it is last.
        expect(sources.slice(0, -1)).not.toContain(undefined);
      }),
    );
  });

  it('shows a model its own turns as the assistant, those of the others in quotes, and all of them in order', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const { messages, sources } = planTurn(plan);
        const first = !plan.past.some(({ participant }) => participant === plan.participant);
        const shown = plan.past.filter(({ step }) => sources.includes(step));
        expect(shown).toEqual(plan.mode === 'answer' && first ? [] : plan.past);
        expect(sources.filter((source) => source?.startsWith('t'))).toEqual(shown.map(({ step }) => step));
        for (const turn of shown) {
          const message = messages[sources.indexOf(turn.step)];
          if (turn.participant === plan.participant)
            expect(message).toEqual({ role: 'assistant', content: turn.content });
          else {
            expect(message?.role).toBe('user');
            expect(textOf(message)).toMatch(/^(Someone|Someone else|An? \w+ person) answered:\n\n"""\n/);
          }
        }
      }),
    );
  });

  it('begins with the system prompt and ends with a task or the question, which small models then answer', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const { messages, question_at } = planTurn(plan);
        expect(messages[0]).toEqual({ role: 'system', content: 'Be brief.' });
        expect(messages.filter(({ role }) => role === 'system')).toHaveLength(1);
        expect(messages.at(-1)?.role).toBe('user');
        expect(messages[question_at]).toMatchObject({
          role: 'user',
          content: expect.stringMatching(/^Why\?/),
        });
      }),
    );
  });

  it.each(MODES)('quotes each of the others under one name, which no other has, in mode %s', (mode) => {
    for (const count of [2, 3, 8]) {
      const plan = planOf({ mode, count, turn: 2 * count });
      const { messages, sources } = planTurn(plan);
      const names = new Map<string, Set<string>>();
      for (const { step, participant } of plan.past.filter((turn) => turn.participant !== plan.participant)) {
        const name = textOf(messages[sources.indexOf(step)]).split(' answered:')[0] ?? '';
        names.set(participant, (names.get(participant) ?? new Set()).add(name));
      }
      expect([...names.values()].every((all) => all.size === 1)).toBe(true);
      expect(new Set([...names.values()].flatMap((all) => [...all])).size).toBe(count - 1);
    }
  });

  // [mode, participants, turns before, what the task says]
  it.each([
    ['debate', 2, 0, /^Why\?$/],
    ['debate', 2, 1, /Someone answered:.*turn 0.*Say where it is right or wrong and what is missing, then/s],
    ['debate', 2, 2, /Someone else answered:.*turn 1.*If it shows a mistake of yours, correct it\./s],
    ['debate', 2, 3, /Someone answered:.*turn 2.*Say where it is right or wrong/s],
    ['cross-check', 2, 0, /^Why\?$/],
    ['cross-check', 2, 1, /Say for each fact whether it is right or wrong/],
    ['cross-check', 2, 2, /If it corrects a mistake of yours, take that over/],
    ['answer', 2, 0, /^Why\?$/],
    ['answer', 2, 1, /^Why\?$/],
    ['answer', 2, 2, /Someone else answered:.*turn 1.*Say which of the two answers is better/s],
    ['debate', 3, 1, /Say where it is right or wrong/],
    ['debate', 3, 2, /Say where each of them is right or wrong/],
    ['debate', 3, 3, /If they show a mistake of yours/],
    ['cross-check', 3, 2, /Say for each fact in them/],
    ['cross-check', 3, 3, /If they correct a mistake of yours/],
    ['answer', 3, 1, /^Why\?$/],
    ['answer', 3, 2, /^Why\?$/],
    ['answer', 3, 3, /Say which of the answers is the best/],
    ['answer', 3, 4, /Say which of the answers is the best/],
    ['debate', 1, 0, /^Why\?$/],
    ['debate', 1, 1, /^Look at your answer again\./],
    ['cross-check', 1, 1, /^Go through your answer fact by fact\./],
    ['answer', 1, 1, /^Look at your answer again\./],
  ] as const)(
    'in mode %s, of %i participants, after %i turns, ends with its task',
    (mode, count, turn, task) => {
      expect(lastOf(planOf({ mode, count, turn }))).toMatch(task);
    },
  );

  it('ends an extra turn with the task that it is given, whoever takes it and however many answered', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        expect(lastOf({ ...plan, task: 'Weigh them.' })).toMatch(/Weigh them\.$/);
      }),
    );
  });

  it('shows a digest instead of the turns so far', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const digest = { step: 's99', content: 'In short.' };
        const { sources } = planTurn({ ...plan, task: 'Think again.', digest });
        expect(sources).toContain('s99');
        for (const { step } of plan.past) expect(sources).not.toContain(step);
        expect(lastOf({ ...plan, task: 'Think again.', digest })).toBe('In short.\n\nThink again.');
      }),
    );
  });

  it('leaves out an earlier question without an answer nothing but that answer', () => {
    const { messages, sources, question_at } = planTurn(
      planOf({
        count: 2,
        turn: 0,
        earlier: [
          { question: { step: 'q1', content: 'first?' }, answer: { step: 'a1', content: 'one' } },
          { question: { step: 'q2', content: 'second?' }, answer: undefined },
        ],
      }),
    );
    expect(messages[question_at]?.content).toBe('Why?');
    expect(sources).toEqual(['p', 'q1', 'a1', 'q2', 'q']);
    expect(alternate(messages).map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user']);
  });
});

describe('alternate', () => {
  it('leaves no two messages of users or of assistants side by side, and loses no text', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const { messages } = planTurn(plan);
        const merged = alternate(messages);
        const roles = merged.map(({ role }) => role);
        expect(roles.filter((role, at) => role === roles[at - 1])).toEqual([]);
        expect(merged.map(textOf).join('\n\n')).toBe(messages.map(textOf).join('\n\n'));
        expect(alternate(merged)).toEqual(merged);
      }),
    );
  });
});
