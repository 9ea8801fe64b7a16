import type { ChatResponse, ConversationSummary, LogRecord, Side } from '@mcp/contracts';
import type { Saying } from '../log/recorder.ts';
import { answerOf, stateOf } from './history.ts';
import type { TurnResult } from './turn.ts';

/** What is known of a conversation to answer with it. */
type Known = Pick<ConversationSummary, 'id' | 'trace_id' | 'mode' | 'models'> & {
  readonly records: readonly LogRecord[];
};

/** What `POST /chat` answers: the whole turns on the current question, the decision, and what they used. */
export function responseOf(known: Known, status: ChatResponse['status']): ChatResponse {
  const none = { input_tokens: 0, output_tokens: 0 };
  const { turns, decision } = stateOf(known.records);
  return {
    id: known.id,
    trace_id: known.trace_id,
    mode: known.mode,
    models: pair(known.models),
    messages: turns.map((turn, i) => ({
      message_id: turn.message_id,
      turn: i,
      role: turn.role,
      model: turn.model,
      content: turn.content,
      finish_reason: turn.finish_reason ?? { unified: 'other', raw: null },
      usage: turn.usage ?? none,
    })),
    answer: answerOf(turns, decision),
    decision: decision ?? null,
    usage: turns.reduce(
      (sum, { usage = none }) => ({
        input_tokens: sum.input_tokens + usage.input_tokens,
        output_tokens: sum.output_tokens + usage.output_tokens,
      }),
      none,
    ),
    status,
  };
}

/** A turn as it is recorded, hidden reasoning included. */
export function sayingOf(result: TurnResult, who: { role: Side; model: string }): Saying {
  return {
    ...who,
    content: result.text,
    trace_id: result.trace_id,
    message_id: result.message_id,
    finish_reason: result.finish,
    usage: result.usage,
    budget: result.budget,
    ...(result.reasoning === '' ? {} : { reasoning: result.reasoning }),
  };
}

/** Both sides' models; a recorded completion has one. */
export function pair(models: readonly string[]): [string, string] {
  const [a = '', b = a] = models;
  return [a, b];
}
