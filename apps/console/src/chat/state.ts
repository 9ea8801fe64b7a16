import type {
  ChatEvent,
  ChatResponse,
  ChatTurn,
  Confidence,
  ConversationMode,
  Decision,
  FinishReason,
  Participant,
  Usage,
} from '@mcp/contracts';

/** One participant's turn on the screen. */
export interface TurnState {
  readonly turn: number;
  readonly attempt: number;
  readonly message_id: string;
  /** Id of the participant. */
  readonly role: string;
  readonly model: string;
  readonly text: string;
  /** `stopped`: it ended without a `message.end`, by cancel, fault or a lost connection. */
  readonly status: 'streaming' | 'finished' | 'stopped';
  readonly finish_reason: FinishReason | null;
  readonly usage: Usage | null;
  /** Of a node of a graph. */
  readonly confidence?: Confidence | undefined;
}

/** A question and what the participants made of it. A conversation has one round per question. */
export interface RoundState {
  readonly question: string | null;
  /** Ascending by `turn`, each turn once. */
  readonly turns: readonly TurnState[];
  readonly decision: Decision | null;
  /** Nodes of a graph that say nothing. */
  readonly left_out?: readonly LeftOut[];
}

type LeftOut = Pick<Extract<ChatEvent, { type: 'node' }>, 'participant' | 'state' | 'reason'>;

export interface ChatProblem {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly trace_id: string | null;
  readonly retry_after_ms: number | null;
}

export type ChatPhase =
  | 'idle'
  | 'connecting'
  | 'streaming'
  /** A conversation that another client began, as it goes on. */
  | 'following'
  | 'cancelling'
  | 'completed'
  | 'cancelled'
  | 'interrupted'
  | 'failed'
  /** As `following`, while its events do not come. */
  | 'elsewhere';

export interface ChatState {
  readonly phase: ChatPhase;
  readonly conversation_id: string | null;
  readonly trace_id: string | null;
  readonly mode: ConversationMode | null;
  readonly participants: readonly Participant[];
  /** Turns asked for in the current round. */
  readonly exchanges: number;
  readonly rounds: readonly RoundState[];
  /** Highest `seq` taken in; anything at or below it is a repeat. */
  readonly last_seq: number;
  readonly problem: ChatProblem | null;
}

export type ChatAction =
  | { readonly type: 'ask'; readonly question: string; readonly fresh: boolean }
  | { readonly type: 'resume' }
  | { readonly type: 'attach' }
  | { readonly type: 'events'; readonly events: readonly ChatEvent[] }
  | { readonly type: 'cancelling' }
  | { readonly type: 'closed'; readonly by: 'user' | 'network' }
  | { readonly type: 'refused'; readonly problem: ChatProblem }
  | { readonly type: 'load'; readonly state: ChatState }
  | { readonly type: 'clear' };

export const IDLE_CHAT: ChatState = {
  phase: 'idle',
  conversation_id: null,
  trace_id: null,
  mode: null,
  participants: [],
  exchanges: 0,
  rounds: [],
  last_seq: -1,
  problem: null,
};

const ACTIVE: ReadonlySet<ChatPhase> = new Set(['connecting', 'streaming', 'following', 'cancelling']);

/** True for a conversation whose participants are the nodes of a graph of agents, and take no turns. */
export function isGraph(mode: ChatState['mode']): boolean {
  return mode?.startsWith('mcp/') === true;
}

/** True while events are awaited. */
export function isActive(phase: ChatPhase): boolean {
  return ACTIVE.has(phase);
}

/** True while this page's own conversation is awaited: nothing else may take its place. */
export function isOwn(phase: ChatPhase): boolean {
  return isActive(phase) && phase !== 'following';
}

/** True when the platform can take the conversation up where it stopped. */
export function canResume(state: ChatState): boolean {
  if (state.conversation_id === null) return false;
  // A conflict is another client at work on it just now.
  if (state.phase === 'failed')
    return state.problem?.retryable === true || state.problem?.code === 'conflict';
  return state.phase === 'interrupted' || state.phase === 'cancelled';
}

/** True for a turn that did not come to its own end; when the conversation is resumed, its model begins it anew. */
export function isCut(reason: FinishReason): boolean {
  return reason.unified === 'cancelled' || reason.unified === 'error';
}

/** The whole life of a conversation on the screen, as a pure function. */
export function reduceChat(state: ChatState, action: ChatAction): ChatState {
  switch (action.type) {
    case 'ask':
      return beginRound(action.fresh ? IDLE_CHAT : state, action.question);
    case 'resume':
      return { ...settle(state), phase: 'connecting', last_seq: -1, problem: null };
    case 'attach':
      return { ...state, phase: 'following', last_seq: -1 };
    case 'events':
      return action.events.reduce(takeEvent, state);
    case 'cancelling':
      return isActive(state.phase) ? { ...state, phase: 'cancelling' } : state;
    case 'closed':
      return close(state, action.by);
    case 'refused':
      return state.phase === 'following'
        ? { ...settle(state), phase: 'elsewhere' }
        : { ...settle(state), phase: 'failed', problem: action.problem };
    case 'load':
      return action.state;
    case 'clear':
      return IDLE_CHAT;
    default:
      return action satisfies never;
  }
}

function beginRound(state: ChatState, question: string): ChatState {
  const settled = settle(state);
  return {
    ...settled,
    phase: 'connecting',
    last_seq: -1,
    problem: null,
    rounds: [...settled.rounds, { question, turns: [], decision: null }],
  };
}

function close(state: ChatState, by: 'user' | 'network'): ChatState {
  if (!isActive(state.phase)) return state;
  if (by === 'user' || state.phase === 'cancelling') return { ...settle(state), phase: 'cancelled' };
  if (state.phase === 'following') return { ...settle(state), phase: 'elsewhere' };
  const problem: ChatProblem = {
    code: 'connection_lost',
    message: 'The connection to the gateway broke off before the conversation was complete.',
    retryable: true,
    trace_id: state.trace_id,
    retry_after_ms: null,
  };
  return { ...settle(state), phase: state.conversation_id === null ? 'failed' : 'interrupted', problem };
}

function takeEvent(state: ChatState, event: ChatEvent): ChatState {
  if (!isActive(state.phase) || event.seq <= state.last_seq) return state;
  const seen: ChatState = { ...state, last_seq: event.seq };
  switch (event.type) {
    case 'start':
      return {
        ...seen,
        phase: seen.phase === 'connecting' ? 'streaming' : seen.phase,
        conversation_id: event.conversation_id,
        trace_id: event.trace_id,
        mode: event.mode,
        participants: event.participants,
        exchanges: event.exchanges,
      };
    case 'message.start':
      return inLastRound(seen, (round) => startTurn(round, event));
    case 'delta':
      return inLastRound(seen, (round) =>
        changeTurn(round, event, (turn) =>
          turn.status === 'streaming' ? { ...turn, text: turn.text + event.text } : turn,
        ),
      );
    case 'stream_resumed':
    case 'truncated':
      // Why it ended is in its message.end.
      return seen;
    case 'message.end':
      return inLastRound(seen, (round) =>
        changeTurn(round, event, (turn) => ({
          ...turn,
          status: isCut(event.finish_reason) ? 'stopped' : 'finished',
          text: event.content,
          finish_reason: event.finish_reason,
          usage: event.usage,
          confidence: event.confidence,
        })),
      );
    case 'node':
      return inLastRound(seen, (round) => ({ ...round, left_out: [...(round.left_out ?? []), event] }));
    case 'decision':
      return inLastRound(seen, (round) => ({ ...round, decision: event.decision }));
    case 'done':
      return finish(seen, event.response);
    case 'error':
      return fail(seen, event);
    default:
      return event satisfies never;
  }
}

function fail(state: ChatState, event: Extract<ChatEvent, { type: 'error' }>): ChatState {
  const conversation_id = event.conversation_id ?? state.conversation_id;
  const { code, message, retryable, retry_after_ms } = event;
  const problem = { code, message, retryable, retry_after_ms, trace_id: event.trace_id ?? state.trace_id };
  const settled: ChatState = { ...settle(state), conversation_id };
  if (code === 'cancelled') return { ...settled, phase: 'cancelled' };
  return { ...settled, phase: retryable && conversation_id !== null ? 'interrupted' : 'failed', problem };
}

/** The final response is the truth: it repairs whatever the stream left open. */
function finish(state: ChatState, response: ChatResponse): ChatState {
  const merged = response.messages.reduce(mergeTurn, state);
  const decided =
    response.decision === null
      ? merged
      : inLastRound(merged, (round) => ({ ...round, decision: response.decision }));
  return {
    ...settle(decided),
    phase: response.status,
    conversation_id: response.id,
    trace_id: response.trace_id,
    mode: response.mode,
    participants: response.participants,
  };
}

function mergeTurn(state: ChatState, message: ChatTurn): ChatState {
  const { turn, message_id, role, model, finish_reason, usage, content, confidence } = message;
  const known = state.rounds.findIndex((round) => round.turns.some((kept) => kept.message_id === message_id));
  const at = known < 0 ? state.rounds.length - 1 : known;
  const rounds = (state.rounds.length === 0 ? [EMPTY_ROUND] : state.rounds).map((round, index) => {
    if (index !== Math.max(0, at)) return round;
    const before = round.turns.find((kept) => kept.message_id === message_id);
    const place = before?.turn ?? turn;
    const attempt = before?.attempt ?? round.turns.find((kept) => kept.turn === place)?.attempt ?? 1;
    return putTurn(round, {
      turn: place,
      attempt,
      message_id,
      role,
      model,
      text: content,
      status: 'finished',
      finish_reason,
      usage,
      confidence,
    });
  });
  return { ...state, rounds };
}

const EMPTY_ROUND: RoundState = { question: null, turns: [], decision: null };

function startTurn(round: RoundState, event: Extract<ChatEvent, { type: 'message.start' }>): RoundState {
  const { turn, attempt, message_id, role, model } = event;
  const before = round.turns.find((kept) => kept.turn === turn);
  // What comes is older than what is known: an attempt given up, a turn that is on record.
  if (before?.status === 'streaming' && before.attempt > attempt) return round;
  if (before?.status === 'finished' && before.message_id === message_id) return round;
  return putTurn(round, {
    turn,
    attempt,
    message_id,
    role,
    model,
    text: '',
    status: 'streaming',
    finish_reason: null,
    usage: null,
  });
}

function changeTurn(
  round: RoundState,
  at: { readonly turn: number; readonly message_id: string },
  change: (turn: TurnState) => TurnState,
): RoundState {
  const turns = round.turns.map((kept) =>
    kept.turn === at.turn && kept.message_id === at.message_id ? change(kept) : kept,
  );
  return { ...round, turns };
}

function putTurn(round: RoundState, turn: TurnState): RoundState {
  const others = round.turns.filter((kept) => kept.turn !== turn.turn);
  return { ...round, turns: [...others, turn].sort((a, b) => a.turn - b.turn) };
}

function inLastRound(state: ChatState, change: (round: RoundState) => RoundState): ChatState {
  const rounds = state.rounds.length === 0 ? [EMPTY_ROUND] : state.rounds;
  const last = rounds[rounds.length - 1] ?? EMPTY_ROUND;
  return { ...state, rounds: [...rounds.slice(0, -1), change(last)] };
}

/** No turn goes on streaming once nothing more can come. */
function settle(state: ChatState): ChatState {
  const rounds = state.rounds.map((round) => ({
    ...round,
    turns: round.turns.map((turn) =>
      turn.status === 'streaming' ? { ...turn, status: 'stopped' as const } : turn,
    ),
  }));
  return { ...state, rounds };
}
