import type { Decision, LogRecord, Side } from '@mcp/contracts';
import type { PastQuestion, PastTurn } from '@mcp/conversation';

/** A finished turn on the current question, as its record. */
export type TurnRecord = LogRecord & { readonly role: Side; readonly model: string };

/** Where a conversation stands, read from its records alone. */
export interface ConversationState {
  readonly earlier: readonly PastQuestion[];
  readonly question: string;
  /** Whole turns on the current question; cancelled and failed ones do not count. */
  readonly turns: readonly TurnRecord[];
  readonly decision: Decision | undefined;
}

/** Reads the state of a conversation, so that any process can go on with it. */
export function stateOf(records: readonly LogRecord[]): ConversationState {
  const earlier: PastQuestion[] = [];
  let question: string | undefined;
  let turns: TurnRecord[] = [];
  let decision: Decision | undefined;
  for (const record of records) {
    if (record.role === 'user') {
      if (question !== undefined) earlier.push({ question, answer: answerOf(turns, decision) });
      question = record.content;
      turns = [];
      decision = undefined;
    } else if (isWhole(record)) turns.push(record);
    else if (record.role === 'decision') decision = record.decision;
  }
  return { earlier, question: question ?? '', turns, decision };
}

/** Whether the current question has its turns and its decision. */
export function isFinished(records: readonly LogRecord[], exchanges: number): boolean {
  const { decision, turns } = stateOf(records);
  return decision !== undefined && turns.length >= exchanges;
}

/** Content of the turn that the decision chose; without one, the last turn's. */
export function answerOf(turns: readonly TurnRecord[], decision: Decision | undefined): string {
  return (turns.find(({ message_id }) => message_id === decision?.message_id) ?? turns.at(-1))?.content ?? '';
}

export function pastOf(turns: readonly TurnRecord[]): PastTurn[] {
  return turns.map(({ role, content }) => ({ side: role, content }));
}

function isWhole(record: LogRecord): record is TurnRecord {
  const spoke = record.role === 'modelA' || record.role === 'modelB';
  const reason = record.finish_reason?.unified;
  return spoke && record.model !== undefined && reason !== 'cancelled' && reason !== 'error';
}
