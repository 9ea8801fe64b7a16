/** Where a conversation stands, read from its records alone: any process can go on with it. */
import type { Confidence, Decision, FinishReason, LogRecord, Usage } from '@mcp/contracts';
import type { PastQuestion } from '../turns/turns.ts';
import { stepsOf } from './steps.ts';

/** A finished turn on the current question. */
export interface FinishedTurn {
  readonly step: string;
  readonly participant: string;
  readonly model: string;
  readonly message_id: string;
  readonly content: string;
  readonly finish_reason: FinishReason;
  readonly usage: Usage;
  /** Of a node of a graph. */
  readonly confidence?: Confidence;
}

export interface ConversationState {
  readonly earlier: readonly PastQuestion[];
  readonly question: { readonly step: string; readonly content: string };
  /** Whole turns and critiques on the current question; cancelled and failed ones do not count. */
  readonly turns: readonly FinishedTurn[];
  readonly decision: { readonly step: string; readonly decision: Decision } | undefined;
}

/** Reads the state of a conversation. Its question is empty while there is none. */
export function stateOf(records: readonly LogRecord[]): ConversationState {
  const steps = stepsOf(records);
  const earlier: PastQuestion[] = [];
  let question: ConversationState['question'] | undefined;
  let turns: FinishedTurn[] = [];
  let decision: ConversationState['decision'];
  for (const [at, record] of records.entries()) {
    const { id: step, kind, participant } = steps[at] ?? { id: '', kind: 'system' };
    switch (kind) {
      case 'question':
        if (question !== undefined)
          earlier.push(pastQuestion(question, answerTurn(turns, decision?.decision)));
        question = { step, content: record.content };
        turns = [];
        decision = undefined;
        break;
      case 'turn':
      case 'critique': {
        const turn = finished(record, step, participant);
        if (turn !== undefined) turns.push(turn);
        break;
      }
      case 'decision':
        if (record.decision !== undefined) decision = { step, decision: record.decision };
        break;
      case 'system':
      case 'summary':
        break;
      default:
        kind satisfies never;
    }
  }
  return { earlier, question: question ?? { step: '', content: '' }, turns, decision };
}

/** Whether the current question has its turns and its decision. */
export function isFinished(records: readonly LogRecord[], exchanges: number): boolean {
  const { decision, turns } = stateOf(records);
  return decision !== undefined && turns.length >= exchanges;
}

/** Content of the turn that the decision chose; without one, the last turn's. */
export function answerOf({ turns, decision }: Pick<ConversationState, 'turns' | 'decision'>): string {
  return answerTurn(turns, decision?.decision)?.content ?? '';
}

/** How many of the records are turns, whole or cut short. */
export function turnsIn(records: readonly LogRecord[]): number {
  return stepsOf(records).filter(({ kind }) => kind === 'turn' || kind === 'critique').length;
}

function answerTurn(
  turns: readonly FinishedTurn[],
  decision: Decision | undefined,
): FinishedTurn | undefined {
  return turns.find(({ message_id }) => message_id === decision?.message_id) ?? turns.at(-1);
}

function pastQuestion(
  question: ConversationState['question'],
  answer: FinishedTurn | undefined,
): PastQuestion {
  return {
    question,
    answer: answer === undefined ? undefined : { step: answer.step, content: answer.content },
  };
}

function finished(
  record: LogRecord,
  step: string,
  participant: string | undefined,
): FinishedTurn | undefined {
  const { model, message_id, content, usage = { input_tokens: 0, output_tokens: 0 } } = record;
  const finish_reason = record.finish_reason ?? { unified: 'other', raw: null };
  const cut = finish_reason.unified === 'cancelled' || finish_reason.unified === 'error';
  if (cut || participant === undefined || model === undefined) return undefined;
  const confidence = 'confidence' in record ? record.confidence : undefined;
  const turn = { step, participant, model, message_id, content, finish_reason, usage };
  return confidence === undefined ? turn : { ...turn, confidence };
}
