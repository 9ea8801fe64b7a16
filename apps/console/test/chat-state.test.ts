import { randomUUID } from 'node:crypto';
import type { ChatEvent, ChatResponse, LogRecord, LogRecordV2, StepKind } from '@mcp/contracts';
import { ChatEvent as ChatEventSchema } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chatFromLog } from '../src/chat/from-log.ts';
import {
  type ChatAction,
  type ChatState,
  canResume,
  IDLE_CHAT,
  isActive,
  reduceChat,
} from '../src/chat/state.ts';
import { decision as decisionOf } from './support/samples.ts';

const CONVERSATION = randomUUID();
const TRACE = 'a'.repeat(32);
const PARTICIPANTS = [
  { id: 'modelA', model: 'model-one', prompt: 'base_system' },
  { id: 'modelB', model: 'model-two', prompt: null },
  { id: 'critic', model: 'model-three', prompt: 'critic_mode' },
];
const MODELS = PARTICIPANTS.map(({ model }) => model);
const STOP = { unified: 'stop', raw: 'stop' } as const;

interface PlannedTurn {
  /** What each attempt writes, piece by piece; the last attempt stands. */
  readonly attempts: readonly (readonly string[])[];
}

const plannedTurn: fc.Arbitrary<PlannedTurn> = fc.record({
  attempts: fc.array(fc.array(fc.string({ maxLength: 12 }), { maxLength: 6 }), {
    minLength: 1,
    maxLength: 3,
  }),
});
const plan = fc.array(plannedTurn, { minLength: 1, maxLength: 6 });

function idAt(turn: number): string {
  return PARTICIPANTS[turn % PARTICIPANTS.length]?.id ?? '';
}

/** The events a gateway sends for a plan, checked against the contract. */
function script(turns: readonly PlannedTurn[]): { events: ChatEvent[]; texts: string[] } {
  const events: ChatEvent[] = [];
  const messages: ChatResponse['messages'] = [];
  const push = (event: object) => events.push(ChatEventSchema.parse({ ...event, seq: events.length }));
  push({
    type: 'start',
    conversation_id: CONVERSATION,
    trace_id: TRACE,
    mode: 'debate',
    participants: PARTICIPANTS,
    models: MODELS,
    exchanges: turns.length,
  });
  turns.forEach(({ attempts }, turn) => {
    attempts.forEach((pieces, index) => {
      const message_id = randomUUID();
      const head = { message_id, turn, step: `s${turn}`, participant: idAt(turn) };
      const model = MODELS[turn % MODELS.length] ?? '';
      push({ type: 'message.start', ...head, attempt: index + 1, role: idAt(turn), model });
      for (const text of pieces) push({ type: 'delta', ...head, text });
      if (index < attempts.length - 1) return;
      const content = pieces.join('');
      const end = { finish_reason: STOP, usage: { input_tokens: 5, output_tokens: pieces.length }, content };
      push({ type: 'message.end', ...head, ...end });
      messages.push({ ...head, role: idAt(turn), model, ...end });
    });
  });
  const decision = decisionOf(2, { chosen: 'modelA', message_id: messages[0]?.message_id ?? randomUUID() });
  push({ type: 'decision', step: 'last', decision });
  const usage = { input_tokens: 1, output_tokens: 1 };
  const response = {
    id: CONVERSATION,
    trace_id: TRACE,
    mode: 'debate',
    participants: PARTICIPANTS,
    models: MODELS,
    messages,
    usage,
  };
  push({ type: 'done', response: { ...response, answer: '', decision, status: 'completed' } });
  return { events, texts: messages.map((message) => message.content) };
}

function run(actions: readonly ChatAction[], from: ChatState = IDLE_CHAT): ChatState {
  return actions.reduce(reduceChat, from);
}

const ASK: ChatAction = { type: 'ask', question: 'Why?', fresh: true };
const take = (events: readonly ChatEvent[]): ChatAction => ({ type: 'events', events });

function textsOf(state: ChatState): string[] {
  return state.rounds.flatMap((round) => round.turns.map((turn) => turn.text));
}

/** What must hold in every state, whatever came before. */
function expectSound(state: ChatState): void {
  for (const round of state.rounds) {
    const order = round.turns.map((turn) => turn.turn);
    expect(order).toEqual([...new Set(order)].sort((a, b) => a - b));
  }
  if (!isActive(state.phase))
    expect(state.rounds.flatMap((round) => round.turns).every((turn) => turn.status !== 'streaming')).toBe(
      true,
    );
}

describe('a conversation on the screen', () => {
  it('ends with exactly what the models said, however its events are cut into batches and repeated', () => {
    fc.assert(
      fc.property(
        plan,
        fc.array(fc.nat(6), { maxLength: 40 }),
        fc.array(fc.nat(200), { maxLength: 10 }),
        (turns, cuts, repeats) => {
          const { events, texts } = script(turns);
          let state = run([ASK]);
          let at = 0;
          for (const size of [...cuts, events.length]) {
            const seen = take(events.slice(0, at + size));
            state = run([take(events.slice(at, at + size))], state);
            at += size;
            for (const back of repeats) state = run([take(events.slice(Math.max(0, at - back), at))], state);
            expect(state).toEqual(run([ASK, seen]));
          }
          expectSound(state);
          expect(state.phase).toBe('completed');
          expect(textsOf(state)).toEqual(texts);
          expect(state.rounds[0]?.decision?.chosen).toBe('modelA');
        },
      ),
    );
  });

  it('shows at every moment a prefix of the attempt that is running, never words of an earlier one', () => {
    fc.assert(
      fc.property(plan, (turns) => {
        const { events } = script(turns);
        let state = run([ASK]);
        const written = new Map<string, string>();
        for (const event of events) {
          state = run([take([event])], state);
          if (event.type === 'delta')
            written.set(event.message_id, (written.get(event.message_id) ?? '') + event.text);
          for (const turn of state.rounds[0]?.turns ?? [])
            expect(turn.text).toBe(written.get(turn.message_id) ?? '');
        }
      }),
    );
  });

  it('lets no late words of an earlier attempt into a later one', () => {
    const { events } = script([{ attempts: [['stale'], ['fresh']] }]);
    const late = events.find((event) => event.type === 'delta');
    const until = events.findIndex((event) => event.type === 'message.end');
    if (late === undefined) throw new Error('the script has words');
    const state = run([ASK, take(events.slice(0, until)), take([{ ...late, seq: 500 }])]);
    expect(textsOf(state)).toEqual(['fresh']);
  });

  it('is repaired by the final response when parts of the stream were lost', () => {
    fc.assert(
      fc.property(plan, fc.infiniteStream(fc.boolean()), (turns, lost) => {
        const { events, texts } = script(turns);
        const kept = events.filter((event) => event.type === 'done' || !lost.next().value);
        const state = run([ASK, take(kept)]);
        expectSound(state);
        expect(textsOf(state)).toEqual(texts);
      }),
    );
  });

  it('can be resumed wherever the connection breaks off after its start, and keeps finished turns', () => {
    fc.assert(
      fc.property(plan, fc.nat(), (turns, where) => {
        const { events, texts } = script(turns);
        const until = 1 + (where % (events.length - 1));
        const broken = run([ASK, take(events.slice(0, until)), { type: 'closed', by: 'network' }]);
        expectSound(broken);
        expect(broken.phase).toBe('interrupted');
        expect(canResume(broken)).toBe(true);
        const resumed = run([{ type: 'resume' }], broken);
        expect(resumed.phase).toBe('connecting');
        expectSound(resumed);
        const finished = broken.rounds[0]?.turns.filter((turn) => turn.status === 'finished') ?? [];
        expect(finished.map((turn) => turn.text)).toEqual(texts.slice(0, finished.length));
        const again = run([take(events)], resumed);
        expect(textsOf(again)).toEqual(texts);
      }),
    );
  });

  it('stays sound under events in any order, with any numbers', () => {
    const anyEvent = fc
      .tuple(plan, fc.nat(), fc.integer({ min: -2, max: 60 }))
      .map(([turns, pick, seq]): ChatEvent => {
        const { events } = script(turns);
        const event = events[pick % events.length] ?? events[0];
        if (event === undefined) throw new Error('a script has events');
        return { ...event, seq };
      });
    const anyAction = fc.oneof(
      { weight: 8, arbitrary: fc.array(anyEvent, { maxLength: 4 }).map(take) },
      fc.constantFrom<ChatAction>(
        ASK,
        { type: 'ask', question: 'And then?', fresh: false },
        { type: 'resume' },
        { type: 'attach' },
        { type: 'cancelling' },
        { type: 'closed', by: 'user' },
        { type: 'closed', by: 'network' },
        { type: 'clear' },
      ),
    );
    fc.assert(
      fc.property(fc.array(anyAction, { maxLength: 25 }), (actions) => {
        let state = IDLE_CHAT;
        for (const action of actions) {
          state = reduceChat(state, action);
          expectSound(state);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('puts a second question into its own round although turns count from zero again', () => {
    const first = script([{ attempts: [['one']] }]);
    const second = script([{ attempts: [['two']] }]);
    const state = run([
      ASK,
      take(first.events),
      { type: 'ask', question: 'More?', fresh: false },
      take(second.events),
    ]);
    expect(state.rounds.map((round) => [round.question, round.turns.map((turn) => turn.text)])).toEqual([
      ['Why?', ['one']],
      ['More?', ['two']],
    ]);
  });

  it('is cancelled, not broken, when the connection ends after a cancel', () => {
    const { events } = script([{ attempts: [['half', ' done']] }]);
    const state = run([
      ASK,
      take(events.slice(0, 3)),
      { type: 'cancelling' },
      { type: 'closed', by: 'network' },
    ]);
    expect(state.phase).toBe('cancelled');
    expect(state.problem).toBeNull();
    expect(textsOf(state)).toEqual(['half']);
  });

  it('offers to resume an interrupted conversation but not one that was refused for good', () => {
    const { events } = script([{ attempts: [['words']] }]);
    const error = (retryable: boolean): ChatEvent => ({
      type: 'error',
      seq: 90,
      code: retryable ? 'upstream_interrupted' : 'invalid_request',
      message: 'It broke.',
      retryable,
      conversation_id: CONVERSATION,
      trace_id: TRACE,
      retry_after_ms: null,
    });
    expect(canResume(run([ASK, take([...events.slice(0, 3), error(true)])]))).toBe(true);
    const refused = run([ASK, take([...events.slice(0, 3), error(false)])]);
    expect(refused.phase).toBe('failed');
    expect(canResume(refused)).toBe(false);
  });
});

describe('a conversation that goes on elsewhere', () => {
  const elsewhere = (known: ChatState): ChatState => ({ ...known, phase: 'elsewhere' });

  it('is followed from whatever is on record to exactly what the models said', () => {
    fc.assert(
      fc.property(plan, fc.nat(), fc.nat(), (turns, recorded, broken) => {
        const { events, texts } = script(turns);
        const before = run([ASK, take(events.slice(0, 1 + (recorded % events.length)))]);
        const some = events.slice(0, broken % events.length);
        const lost = run(
          [{ type: 'attach' }, take(some), { type: 'closed', by: 'network' }],
          elsewhere(before),
        );
        expectSound(lost);
        expect(lost.phase).toBe('elsewhere');
        const again = run([{ type: 'attach' }, take(events), { type: 'closed', by: 'network' }], lost);
        expectSound(again);
        expect(again.phase).toBe('completed');
        expect(textsOf(again)).toEqual(texts);
      }),
    );
  });

  it('keeps what is finished as it is while its events come again', () => {
    const { events } = script([{ attempts: [['one']] }, { attempts: [['two']] }]);
    const known = run([ASK, take(events.slice(0, 4))]);
    const state = run([{ type: 'attach' }, take(events.slice(0, 2))], elsewhere(known));
    expect(state.rounds[0]?.turns.map(({ text, status }) => [text, status])).toEqual([['one', 'finished']]);
  });

  it('is not called failed when its events are refused, and ends as cancelled when it was', () => {
    const problem = {
      code: 'overloaded',
      message: '',
      retryable: true,
      trace_id: null,
      retry_after_ms: null,
    };
    const following = run([ASK, { type: 'attach' }]);
    expect(run([{ type: 'refused', problem }], following).phase).toBe('elsewhere');
    expect(run([{ type: 'cancelling' }, { type: 'closed', by: 'user' }], following).phase).toBe('cancelled');
  });
});

describe('a conversation from the record', () => {
  const KINDS = new Map<string, StepKind>([
    ['system', 'system'],
    ['user', 'question'],
    ['summary', 'summary'],
  ]);
  const record = (seq: number, role: string, more: Partial<LogRecordV2>): LogRecord => ({
    seq,
    role,
    content: `${role} ${seq}`,
    at: '2026-11-23T10:00:00.000Z',
    trace_id: TRACE,
    pii_tags: [],
    message_id: randomUUID(),
    hash_prev: '0'.repeat(64),
    hash: '0'.repeat(64),
    step: `s${seq}`,
    kind: KINDS.get(role) ?? 'turn',
    parents: [],
    ...more,
  });
  const cancelled = { unified: 'cancelled', raw: null } as const;
  const base = {
    id: CONVERSATION,
    created_at: '2026-11-23T10:00:00.000Z',
    updated_at: '2026-11-23T10:00:00.000Z',
    mode: 'debate' as const,
    participants: PARTICIPANTS,
    models: MODELS,
    title: 'Why?',
    turns: 2,
    exchanges: 2,
    trace_id: TRACE,
    decision: null,
  };

  it('shows a turn that was cut and begun anew once, as it ended', () => {
    const messages = [
      record(0, 'system', {}),
      record(1, 'user', { content: 'Why?' }),
      record(2, 'modelA', { finish_reason: STOP }),
      record(3, 'modelB', { finish_reason: cancelled }),
      record(7, 'summary', {}),
      record(4, 'modelB', { finish_reason: STOP }),
      record(5, 'user', { content: 'And?' }),
      record(6, 'modelA', { finish_reason: cancelled }),
    ];
    const state = chatFromLog({ ...base, status: 'cancelled', messages });
    expectSound(state);
    expect(
      state.rounds.map((round) => round.turns.map((turn) => [turn.turn, turn.text, turn.status])),
    ).toEqual([
      [
        [0, 'modelA 2', 'finished'],
        [1, 'modelB 4', 'finished'],
      ],
      [[0, 'modelA 6', 'stopped']],
    ]);
    expect(canResume(state)).toBe(true);
    expect(canResume(chatFromLog({ ...base, status: 'completed', messages }))).toBe(false);
  });
});
