import {
  type ChatResponse,
  type Confidence,
  type ConversationSummary,
  type LogRecord,
  type Participant,
  type RiskVerdict,
  TurnMode,
} from '@mcp/contracts';
import { answerOf, stateOf } from '@mcp/conversation';
import type { NewStep } from '../log/recorder.ts';
import type { TurnResult } from './turn.ts';

/** What is known of a conversation to answer with it. */
type Known = Pick<ConversationSummary, 'id' | 'trace_id' | 'mode' | 'participants'> & {
  readonly records: readonly LogRecord[];
};

/** What `POST /chat` answers: the whole turns on the current question, the decision, and what they used. */
export function responseOf(known: Known, status: ChatResponse['status']): ChatResponse {
  const { id, trace_id, mode, participants } = known;
  const state = stateOf(known.records);
  return {
    id,
    trace_id,
    mode,
    participants,
    models: modelsOf(participants),
    messages: state.turns.map(({ participant, ...turn }, at) => ({
      ...turn,
      turn: turnNumber(known, participant, at),
      participant,
      role: participant,
    })),
    answer: answerOf(state),
    decision: state.decision?.decision ?? null,
    usage: state.turns.reduce(
      (sum, { usage }) => ({
        input_tokens: sum.input_tokens + usage.input_tokens,
        output_tokens: sum.output_tokens + usage.output_tokens,
      }),
      { input_tokens: 0, output_tokens: 0 },
    ),
    status,
  };
}

/** The number of a turn: how many came before it; of a node of a graph, its place there. */
export function turnNumber(
  { mode, participants }: Pick<ConversationSummary, 'mode' | 'participants'>,
  participant: string,
  before: number,
): number {
  return TurnMode.safeParse(mode).success ? before : participants.findIndex(({ id }) => id === participant);
}

export function modelsOf(participants: readonly Participant[]): string[] {
  return participants.map(({ model }) => model);
}

/** A risk as a field of an event or a record. */
export function riskOf(risk: RiskVerdict | undefined): { readonly risk?: RiskVerdict } {
  return risk === undefined ? {} : { risk };
}

/** A turn as it is recorded, hidden reasoning included; before it the summary that it was made from, where there is one. */
export function stepsOfTurn(
  result: TurnResult,
  turn: {
    id: string;
    kind: 'turn' | 'critique';
    participant: Participant;
    newStepId: () => string;
    confidence?: Confidence;
  },
): NewStep[] {
  const { id: participant } = turn.participant;
  const { summary, trace_id, model } = result;
  const { confidence } = turn;
  const before: NewStep[] =
    summary === undefined
      ? []
      : [{ ...summary, step: turn.newStepId(), kind: 'summary', participant, trace_id }];
  return [
    ...before,
    {
      step: turn.id,
      kind: turn.kind,
      parents: [...result.parents, ...before.map(({ step }) => step)],
      participant,
      model,
      content: result.text,
      trace_id,
      message_id: result.message_id,
      finish_reason: result.finish,
      usage: result.usage,
      ...(result.resumed === undefined ? {} : { resumed: [...result.resumed] }),
      budget: result.budget,
      ...(result.safety === undefined ? {} : { safety: result.safety }),
      ...riskOf(result.risk),
      ...(result.reasoning === '' ? {} : { reasoning: result.reasoning }),
      ...(confidence === undefined ? {} : { confidence }),
    },
  ];
}
