/** The state of a conversation on the screen against a model that only knows what a person may expect of it. */
import type { ChatEvent } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ChatAction,
  type ChatPhase,
  type ChatState,
  canResume,
  IDLE_CHAT,
  isActive,
  isOwn,
  reduceChat,
} from '../src/chat/state.ts';
import { idOf, participantsOf, STOP, TRACE } from './support/samples.ts';

const CONVERSATION = idOf(7);

/** What a person may expect: per round, the words of each turn, and whether something is awaited. */
interface Expected {
  phase: ChatPhase;
  conversation: boolean;
  rounds: { question: string; turns: { text: string; attempt: number; open: boolean }[]; decided: boolean }[];
}

interface Real {
  state: ChatState;
  /** The next number of the stream that is open. */
  seq: number;
}

const participants = participantsOf(3);
const roleAt = (turn: number) => participants[turn % participants.length]?.id ?? '';
const messageId = (round: number, turn: number, attempt: number) =>
  idOf(round * 10_000 + turn * 100 + attempt);

/** One thing that may happen. `when` says whether it can happen now. */
interface Happening {
  readonly name: string;
  readonly when: (expected: Expected) => boolean;
  readonly expect: (expected: Expected) => void;
  readonly action: (real: Real, expected: Expected) => ChatAction;
}

class Happens implements fc.Command<Expected, Real> {
  readonly what: Happening;
  constructor(what: Happening) {
    this.what = what;
  }
  check(expected: Readonly<Expected>): boolean {
    return this.what.when(expected);
  }
  run(expected: Expected, real: Real): void {
    const action = this.what.action(real, expected);
    this.what.expect(expected);
    real.state = reduceChat(real.state, action);
    compare(expected, real.state);
  }
  toString(): string {
    return this.what.name;
  }
}

function compare(expected: Expected, state: ChatState): void {
  expect(state.phase).toBe(expected.phase);
  expect(state.conversation_id !== null).toBe(expected.conversation);
  expect(
    state.rounds.map(({ question, turns, decision }) => ({
      question,
      turns: turns.map(({ text, attempt, status }) => ({ text, attempt, open: status === 'streaming' })),
      decided: decision !== null,
    })),
  ).toEqual(expected.rounds);
  expect(isOwn(state.phase)).toBe(isActive(state.phase) && state.phase !== 'following');
  if (canResume(state)) expect(isActive(state.phase) || state.conversation_id === null).toBe(false);
}

const last = (expected: Expected) => expected.rounds[expected.rounds.length - 1];
const lastTurn = (expected: Expected) => last(expected)?.turns.at(-1);
const close = (expected: Expected) => {
  for (const round of expected.rounds) for (const turn of round.turns) turn.open = false;
};
const flows = ({ phase }: Expected) => phase === 'streaming' || phase === 'cancelling';
const isWriting = (expected: Expected) => flows(expected) && lastTurn(expected)?.open === true;
/** Where the event of the turn that is being written belongs. */
function head(expected: Expected) {
  const turn = (last(expected)?.turns.length ?? 0) - 1;
  const attempt = lastTurn(expected)?.attempt ?? 1;
  const message_id = messageId(expected.rounds.length, turn, attempt);
  return { turn, message_id, step: `s${turn}`, participant: roleAt(turn) };
}
const sent = (real: Real, event: object): ChatAction => ({
  type: 'events',
  events: [{ ...event, seq: real.seq++ } as ChatEvent],
});

const ask = (question: string): Happening => ({
  name: `ask ${question}`,
  when: ({ phase, rounds, conversation }) =>
    !isActive(phase) && rounds.length < 4 && (rounds.length === 0 || conversation),
  expect: (expected) => {
    expected.phase = 'connecting';
    expected.rounds.push({ question, turns: [], decided: false });
  },
  action: (real, expected) => {
    real.seq = 0;
    return { type: 'ask', question, fresh: expected.rounds.length === 0 };
  },
});

const starts: Happening = {
  name: 'starts',
  when: ({ phase }) => phase === 'connecting',
  expect: (expected) => {
    expected.phase = 'streaming';
    expected.conversation = true;
  },
  action: (real) =>
    sent(real, {
      type: 'start',
      conversation_id: CONVERSATION,
      trace_id: TRACE,
      mode: 'debate',
      participants,
      models: [],
      exchanges: 3,
    }),
};

const beginsTurn: Happening = {
  name: 'begins a turn',
  when: (expected) =>
    flows(expected) && lastTurn(expected)?.open !== true && (last(expected)?.turns.length ?? 9) < 5,
  expect: (expected) => {
    last(expected)?.turns.push({ text: '', attempt: 1, open: true });
  },
  action: (real, expected) => {
    const turn = last(expected)?.turns.length ?? 0;
    const message_id = messageId(expected.rounds.length, turn, 1);
    return sent(real, {
      type: 'message.start',
      turn,
      message_id,
      attempt: 1,
      role: roleAt(turn),
      model: 'm',
    });
  },
};

const beginsAgain: Happening = {
  name: 'gives an attempt up for the next',
  when: (expected) => isWriting(expected) && (lastTurn(expected)?.attempt ?? 9) < 3,
  expect: (expected) => {
    const turn = lastTurn(expected);
    if (turn !== undefined) Object.assign(turn, { text: '', attempt: turn.attempt + 1 });
  },
  action: (real, expected) => {
    const { turn } = head(expected);
    const attempt = (lastTurn(expected)?.attempt ?? 0) + 1;
    const message_id = messageId(expected.rounds.length, turn, attempt);
    return sent(real, { type: 'message.start', turn, message_id, attempt, role: roleAt(turn), model: 'm' });
  },
};

const staleWords: Happening = {
  name: 'words of an attempt given up',
  when: (expected) => isWriting(expected) && (lastTurn(expected)?.attempt ?? 1) > 1,
  expect: () => undefined,
  action: (real, expected) =>
    sent(real, {
      ...head(expected),
      type: 'delta',
      message_id: messageId(expected.rounds.length, head(expected).turn, 1),
      text: 'stale',
    }),
};

const writes = (text: string): Happening => ({
  name: `writes ${JSON.stringify(text)}`,
  when: isWriting,
  expect: (expected) => {
    const turn = lastTurn(expected);
    if (turn !== undefined) turn.text += text;
  },
  action: (real, expected) => sent(real, { type: 'delta', ...head(expected), text }),
});

const repeats: Happening = {
  name: 'says its last event again',
  when: isWriting,
  expect: () => undefined,
  action: (real, expected) => ({
    type: 'events',
    events: [{ type: 'delta', ...head(expected), text: 'twice', seq: real.seq - 1 } as ChatEvent],
  }),
};

const endsTurn: Happening = {
  name: 'ends a turn',
  when: isWriting,
  expect: (expected) => {
    const turn = lastTurn(expected);
    if (turn !== undefined) Object.assign(turn, { text: 'whole', open: false });
  },
  action: (real, expected) =>
    sent(real, {
      type: 'message.end',
      ...head(expected),
      content: 'whole',
      finish_reason: STOP,
      usage: { input_tokens: 1, output_tokens: 1 },
    }),
};

const decides: Happening = {
  name: 'decides',
  when: (expected) => expected.phase === 'streaming' && lastTurn(expected)?.open === false,
  expect: (expected) => {
    const round = last(expected);
    if (round !== undefined) round.decided = true;
  },
  action: (real) => sent(real, { type: 'decision', step: 'd', decision: { chosen: 'modelA' } }),
};

const completes: Happening = {
  name: 'is done',
  when: flows,
  expect: (expected) => {
    close(expected);
    Object.assign(expected, { phase: 'completed', conversation: true });
  },
  action: (real) =>
    sent(real, {
      type: 'done',
      response: {
        id: CONVERSATION,
        trace_id: TRACE,
        mode: 'debate',
        participants,
        messages: [],
        decision: null,
        status: 'completed',
      },
    }),
};

const cancels: Happening = {
  name: 'is cancelled by the reader',
  when: ({ phase }) => isActive(phase),
  expect: (expected) => {
    expected.phase = 'cancelling';
  },
  action: () => ({ type: 'cancelling' }),
};

const closes = (by: 'user' | 'network'): Happening => ({
  name: `is closed by the ${by}`,
  when: () => true,
  expect: (expected) => {
    if (!isActive(expected.phase)) return;
    close(expected);
    if (by === 'user' || expected.phase === 'cancelling') expected.phase = 'cancelled';
    else expected.phase = expected.conversation ? 'interrupted' : 'failed';
  },
  action: () => ({ type: 'closed', by }),
});

const fails = (code: string, retryable: boolean): Happening => ({
  name: `fails with ${code}`,
  when: flows,
  expect: (expected) => {
    close(expected);
    expected.conversation = true;
    expected.phase = code === 'cancelled' ? 'cancelled' : retryable ? 'interrupted' : 'failed';
  },
  action: (real) =>
    sent(real, {
      type: 'error',
      code,
      message: 'It broke.',
      retryable,
      conversation_id: CONVERSATION,
      trace_id: TRACE,
      retry_after_ms: null,
    }),
});

const resumes: Happening = {
  name: 'is resumed',
  when: ({ phase, conversation }) => conversation && (phase === 'interrupted' || phase === 'cancelled'),
  expect: (expected) => {
    expected.phase = 'connecting';
  },
  action: (real) => {
    expect(canResume(real.state)).toBe(true);
    real.seq = 0;
    return { type: 'resume' };
  },
};

const clears: Happening = {
  name: 'is put away',
  when: ({ phase }) => !isActive(phase),
  expect: (expected) => {
    Object.assign(expected, { phase: 'idle', conversation: false, rounds: [] });
  },
  action: () => ({ type: 'clear' }),
};

const HAPPENINGS = [starts, beginsTurn, beginsAgain, staleWords, repeats, endsTurn, decides];
const ENDINGS = [cancels, closes('user'), closes('network'), resumes, clears];
const FAULTS = [
  fails('upstream_interrupted', true),
  fails('invalid_request', false),
  fails('cancelled', false),
];

describe('the state of a conversation', () => {
  it('is what a person may expect after anything that may happen, in any order in which it may', () => {
    const happened = new Set<string>();
    const oneOf = (...all: readonly Happening[]) =>
      fc.constantFrom(...all).map(
        (what) =>
          new Happens({
            ...what,
            expect: (expected) => {
              happened.add(what.name);
              what.expect(expected);
            },
          }),
      );
    const steps = [
      ...HAPPENINGS.map((what) => oneOf(what)),
      oneOf(completes, ...ENDINGS, ...FAULTS),
      fc.stringMatching(/^[a-z ]{1,6}$/).map((text) => new Happens(writes(text))),
      oneOf(ask('Why?'), ask('And then?')),
    ];
    fc.assert(
      fc.property(fc.commands(steps, { maxCommands: 80, size: 'max' }), (commands) => {
        const setup = () => ({
          model: { phase: 'idle', conversation: false, rounds: [] } as Expected,
          real: { state: IDLE_CHAT, seq: 0 },
        });
        fc.modelRun(setup, commands);
      }),
      { numRuns: 150 },
    );
    const possible = [...HAPPENINGS, completes, ...ENDINGS, ...FAULTS, ask('Why?'), ask('And then?')];
    expect([...happened].sort()).toEqual(possible.map(({ name }) => name).sort());
  });

  it('takes nothing in once it has ended, until something new is asked', () => {
    for (const phase of ['idle', 'completed', 'cancelled', 'interrupted', 'failed', 'elsewhere'] as const) {
      const state: ChatState = { ...IDLE_CHAT, phase };
      const event = { type: 'decision', seq: 5, step: 'd', decision: {} } as unknown as ChatEvent;
      expect(reduceChat(state, { type: 'events', events: [event] })).toBe(state);
      expect(reduceChat(state, { type: 'cancelling' })).toBe(state);
      expect(reduceChat(state, { type: 'closed', by: 'network' })).toBe(state);
    }
  });

  it.each([
    ['overloaded', true, true],
    ['conflict', false, true],
    ['invalid_request', false, false],
  ])('refused with %s (retryable: %s) can be resumed: %s', (code, retryable, expected) => {
    const problem = { code, message: 'No.', retryable, trace_id: null, retry_after_ms: null };
    const known: ChatState = { ...IDLE_CHAT, phase: 'connecting', conversation_id: CONVERSATION };
    const state = reduceChat(known, { type: 'refused', problem });
    expect(state).toMatchObject({ phase: 'failed', problem });
    expect(canResume(state)).toBe(expected);
    expect(canResume({ ...state, conversation_id: null })).toBe(false);
  });
});
