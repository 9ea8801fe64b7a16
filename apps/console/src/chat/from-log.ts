import type { Conversation, LogRecord } from '@mcp/contracts';
import {
  type ChatPhase,
  type ChatState,
  IDLE_CHAT,
  isCut,
  type RoundState,
  type TurnState,
} from './state.ts';

/** A conversation as it was recorded, in the shape the first page shows while streaming. */
export function chatFromLog(conversation: Conversation): ChatState {
  const rounds = conversation.messages.reduce<RoundState[]>(addRecord, []);
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

function addRecord(rounds: RoundState[], record: LogRecord): RoundState[] {
  // A summary is for the model of the turn that follows.
  if (record.role === 'system' || record.role === 'summary') return rounds;
  if (record.role === 'user') return [...rounds, { question: record.content, turns: [], decision: null }];
  const last = rounds[rounds.length - 1] ?? { question: null, turns: [], decision: null };
  const before = rounds.slice(0, -1);
  if (record.role === 'decision')
    return record.decision === undefined ? rounds : [...before, { ...last, decision: record.decision }];
  // What follows a turn that was cut is that turn again.
  const whole = last.turns.filter((turn) => turn.status === 'finished');
  return [...before, { ...last, turns: [...whole, turnOf(record, record.role, whole.length)] }];
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
  };
}
