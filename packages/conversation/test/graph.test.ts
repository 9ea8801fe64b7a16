import type { Decision, LogRecord, LogRecordV1, LogRecordV2, StepKind } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerOf, isFinished, newStepIds, stateOf, stepsOf, turnsIn } from '../src/index.ts';

const uuid = (n: number) => `0194f0c2-0000-7000-8000-${String(n).padStart(12, '0')}`;

function base(seq: number) {
  return {
    seq,
    content: `content ${seq}`,
    at: '2026-11-23T12:00:00.000Z',
    trace_id: 'f'.repeat(32),
    pii_tags: [],
    message_id: uuid(seq),
    hash_prev: 'a'.repeat(64),
    hash: 'b'.repeat(64),
  };
}

function decisionFor(message_id: string): Decision {
  return {
    chosen: 'modelA',
    message_id,
    reason: 'It is better.',
    method: 'composite',
    divergence: null,
    safety_delta: null,
    weights: { semantic: 0.4, coherence: 0.3, safety: 0.3 },
    candidates: [],
    critique_turn: false,
    duration_ms: 1,
  };
}

/** What happens in a conversation, in the order of its records. */
type Event =
  | { readonly kind: 'system' | 'turn' | 'critique' | 'cut' | 'summary'; readonly by: 'modelA' | 'modelB' }
  | { readonly kind: 'question' }
  | { readonly kind: 'decision'; readonly of: number };

const events: fc.Arbitrary<Event[]> = fc
  .array(
    fc.oneof(
      fc.record({ kind: fc.constant('question' as const) }),
      fc.record({
        kind: fc.constantFrom('turn' as const, 'critique' as const, 'cut' as const, 'summary' as const),
        by: fc.constantFrom('modelA' as const, 'modelB' as const),
      }),
      fc.record({ kind: fc.constant('decision' as const), of: fc.nat(20) }),
    ),
    { maxLength: 20 },
  )
  .map((list) => [
    { kind: 'system', by: 'modelA' },
    { kind: 'system', by: 'modelB' },
    { kind: 'question' },
    ...list,
  ]);

const CUT = { unified: 'cancelled', raw: null } as const;
const WHOLE = { unified: 'stop', raw: 'stop' } as const;

/** The same conversation in both versions; version 1 knows neither critiques nor summaries. */
function recordsOf(list: readonly Event[]): { v1: LogRecordV1[]; v2: LogRecordV2[] } {
  const v1: LogRecordV1[] = [];
  const v2: LogRecordV2[] = [];
  const add = (kind: StepKind, role: LogRecordV1['role'], more: Partial<LogRecordV2>) => {
    const seq = v2.length;
    v2.push({ ...base(seq), role, step: `s${seq}`, kind, parents: [], ...more });
    const { participant: _, ...rest } = more;
    if (kind !== 'summary')
      v1.push({ ...base(v1.length), ...rest, content: `content ${seq}`, message_id: uuid(seq), role });
  };
  for (const event of list) {
    if (event.kind === 'question') add('question', 'user', {});
    else if (event.kind === 'decision')
      add('decision', 'decision', { decision: decisionFor(uuid(Math.min(event.of, v2.length))) });
    else if (event.kind === 'system')
      add('system', 'system', { participant: event.by, prompt: { name: 'p', sha256: 'x' } });
    else if (event.kind === 'summary') add('summary', event.by, { participant: event.by });
    else {
      const kind = event.kind === 'cut' ? 'turn' : event.kind;
      const finish_reason = event.kind === 'cut' ? CUT : WHOLE;
      add(kind, event.by, { participant: event.by, model: event.by.toLowerCase(), finish_reason });
    }
  }
  return { v1, v2 };
}

/** What a state says, without the names of steps, which version 1 has others for. */
function meaning(records: readonly LogRecord[]) {
  const { earlier, question, turns, decision } = stateOf(records);
  return {
    earlier: earlier.map((one) => [one.question.content, one.answer?.content]),
    question: question.content,
    turns: turns.map(({ step: _, ...turn }) => turn),
    decision: decision?.decision,
    answer: answerOf({ turns, decision }),
    count: turnsIn(records),
  };
}

describe('the steps of a log', () => {
  it('are those that version 2 names', () => {
    fc.assert(
      fc.property(events, (list) => {
        const { v2 } = recordsOf(list);
        expect(stepsOf(v2)).toEqual(
          v2.map(({ step, kind, parents, participant }) =>
            participant === undefined
              ? { id: step, kind, parents }
              : { id: step, kind, parents, participant },
          ),
        );
      }),
    );
  });

  it('are read from the roles of version 1, each with a name of its own', () => {
    fc.assert(
      fc.property(events, (list) => {
        const { v1 } = recordsOf(list);
        const steps = stepsOf(v1);
        expect(new Set(steps.map(({ id }) => id)).size).toBe(v1.length);
        for (const [at, { kind, participant, parents }] of steps.entries()) {
          const { role } = v1[at] ?? { role: 'system' };
          expect(parents).toEqual([]);
          if (role === 'modelA' || role === 'modelB') expect([kind, participant]).toEqual(['turn', role]);
          else if (role !== 'system')
            expect([kind, participant]).toEqual([
              { user: 'question', decision: 'decision' }[role],
              undefined,
            ]);
        }
        expect(steps.slice(0, 2).map(({ participant }) => participant)).toEqual(['modelA', 'modelB']);
      }),
    );
  });

  it('of a recorded completion have no participant where the system message is its own', () => {
    const own: LogRecordV1 = { ...base(0), role: 'system' };
    expect(stepsOf([own])).toEqual([{ id: 's0', kind: 'system', parents: [] }]);
  });

  it('get new names that none of them has, each once', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.nat(50).map((n) => `s${n}`),
            fc.constantFrom('plan', 's', 'sx', '7', 's-1'),
          ),
        ),
        fc.integer({ min: 1, max: 20 }),
        (known, count) => {
          const next = newStepIds(known.map((id) => ({ id })));
          const made = Array.from({ length: count }, next);
          expect(new Set([...known, ...made]).size).toBe(new Set(known).size + count);
        },
      ),
    );
    expect(newStepIds([])()).toBe('s0');
  });
});

describe('the state of a conversation', () => {
  it('is the same in both versions', () => {
    fc.assert(
      fc.property(events, (list) => {
        const { v1, v2 } = recordsOf(list);
        expect(meaning(v1)).toEqual(meaning(v2));
      }),
    );
  });

  it('has the current question, its whole turns and its decision, and before it each question once', () => {
    fc.assert(
      fc.property(events, (list) => {
        const { v2 } = recordsOf(list);
        const state = stateOf(v2);
        const questions = v2.filter(({ kind }) => kind === 'question');
        expect(state.question.content).toBe(questions.at(-1)?.content);
        expect(state.earlier.map(({ question }) => question.step)).toEqual(
          questions.slice(0, -1).map(({ step }) => step),
        );
        const since = v2.slice(v2.findLastIndex(({ kind }) => kind === 'question') + 1);
        const whole = since.filter(
          ({ kind, finish_reason }) =>
            (kind === 'turn' || kind === 'critique') && finish_reason?.unified !== 'cancelled',
        );
        expect(state.turns.map(({ step }) => step)).toEqual(whole.map(({ step }) => step));
        expect(state.decision?.step).toBe(since.findLast(({ kind }) => kind === 'decision')?.step);
        const chosen = whole.find(({ message_id }) => message_id === state.decision?.decision.message_id);
        expect(answerOf(state)).toBe((chosen ?? whole.at(-1))?.content ?? '');
      }),
    );
  });

  it('is finished with a decision and as many whole turns as were asked for', () => {
    fc.assert(
      fc.property(events, fc.integer({ min: 1, max: 6 }), (list, exchanges) => {
        const { v2 } = recordsOf(list);
        const { turns, decision } = stateOf(v2);
        expect(isFinished(v2, exchanges)).toBe(turns.length >= exchanges && decision !== undefined);
      }),
    );
  });

  it('is empty without records', () => {
    expect(stateOf([])).toEqual({
      earlier: [],
      question: { step: '', content: '' },
      turns: [],
      decision: undefined,
    });
    expect(turnsIn([])).toBe(0);
  });
});
