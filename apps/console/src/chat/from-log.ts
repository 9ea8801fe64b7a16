import type { Conversation, LogRecord } from '@mcp/contracts';
import {
  type ChatPhase,
  type ChatState,
  IDLE_CHAT,
  isCut,
  isGraph,
  type RoundState,
  type TurnState,
} from './state.ts';

/** A conversation as it was recorded, in the shape the first page shows while streaming. */
export function chatFromLog(conversation: Conversation): ChatState {
  const rounds = conversation.messages.reduce<RoundState[]>(
    (all, record) => addRecord(all, record, conversation),
    [],
  );
  const last = rounds[rounds.length - 1];
  if (last !== undefined && last.decision === null && conversation.decision !== null)
    rounds[rounds.length - 1] = { ...last, decision: conversation.decision };
  return {
    ...IDLE_CHAT,
    phase: phaseOf(conversation),
    conversation_id: conversation.id,
    trace_id: conversation.trace_id,
    mode: conversation.mode,
    participants: conversation.participants,
    exchanges: conversation.exchanges,
    rounds,
  };
}

function phaseOf(conversation: Conversation): ChatPhase {
  return conversation.status === 'running' ? 'elsewhere' : conversation.status;
}

function addRecord(rounds: RoundState[], record: LogRecord, known: Conversation): RoundState[] {
  // A summary is for the model of the turn that follows.
  if (record.role === 'system' || record.role === 'summary') return rounds;
  if (record.role === 'user') return [...rounds, { question: record.content, turns: [], decision: null }];
  const last = rounds[rounds.length - 1] ?? { question: null, turns: [], decision: null };
  const before = rounds.slice(0, -1);
  if (record.role === 'decision')
    return record.decision === undefined ? rounds : [...before, { ...last, decision: record.decision }];
  // What follows a turn that was cut is that turn again.
  const whole = last.turns.filter((turn) => turn.status === 'finished');
  const node = isGraph(known.mode) ? known.participants.findIndex(({ id }) => id === record.role) : -1;
  const others = node < 0 ? whole : last.turns.filter(({ turn }) => turn !== node);
  const said = turnOf(record, record.role, node < 0 ? whole.length : node);
  return [...before, { ...last, turns: [...others, said].sort((a, b) => a.turn - b.turn) }];
}

function turnOf(record: LogRecord, role: TurnState['role'], turn: number): TurnState {
  const cut = record.finish_reason !== undefined && isCut(record.finish_reason);
  return {
    turn,
    attempt: 1,
    message_id: record.message_id,
    role,
    model: record.model ?? 'unknown model',
    text: record.content,
    status: cut ? 'stopped' : 'finished',
    finish_reason: record.finish_reason ?? null,
    usage: record.usage ?? null,
    confidence: 'confidence' in record ? record.confidence : undefined,
  };
}
