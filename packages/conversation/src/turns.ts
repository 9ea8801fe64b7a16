import type { ChatMessage, ConversationMode, Side } from '@mcp/contracts';

/** A finished turn, without its hidden reasoning. */
export interface PastTurn {
  readonly side: Side;
  readonly content: string;
}

/** An earlier question of the same conversation with the answer that was chosen. */
export interface PastQuestion {
  readonly question: string;
  readonly answer: string;
}

export interface TurnPlan {
  readonly mode: ConversationMode;
  readonly side: Side;
  /** Text of the system prompt of this side. */
  readonly system: string;
  readonly earlier: readonly PastQuestion[];
  readonly question: string;
  /** Turns on this question so far. */
  readonly past: readonly PastTurn[];
  /** The extra turn that settles a divergence. */
  readonly critique?: boolean;
}

/** Who speaks in a turn: A first, then B, then A … (blueprint 9.1). */
export function sideOf(turn: number): Side {
  return turn % 2 === 0 ? 'modelA' : 'modelB';
}

/** What one model is shown. */
export interface Context {
  readonly messages: readonly ChatMessage[];
  /** Index of the question that this turn is about. */
  readonly question_at: number;
}

/**
 * The messages one model sees in its turn: itself as the assistant, the other as a named participant.
 * In mode `answer` the first turn of each side sees the question alone, so that the two stay independent.
 */
export function planTurn(plan: TurnPlan): Context {
  const independent = plan.mode === 'answer' && plan.past.length < 2;
  const past = independent ? [] : plan.past;
  const messages: ChatMessage[] = [{ role: 'system', content: plan.system }];
  for (const { question, answer } of plan.earlier) {
    messages.push({ role: 'user', content: question });
    if (answer !== '') messages.push({ role: 'assistant', content: answer });
  }
  const question_at = messages.length;
  messages.push({ role: 'user', content: plan.question });
  for (const turn of past) {
    if (turn.side === plan.side) messages.push({ role: 'assistant', content: turn.content });
    else messages.push({ role: 'user', content: `The other participant said:\n\n${turn.content}` });
  }
  const task = taskOf(plan, past);
  const last = messages.at(-1);
  if (task !== undefined && last !== undefined) {
    // One message, so that a tight budget cannot keep the task and drop what it is about.
    if (last.role === 'user' && messages.length - 1 > question_at)
      messages[messages.length - 1] = { role: 'user', content: `${textOf(last)}\n\n${task}` };
    else messages.push({ role: 'user', content: task });
  }
  return { messages, question_at };
}

/**
 * The same with neighbours of one role made one message: the templates of many models refuse two user messages
 * in a row.
 */
export function alternate(messages: readonly ChatMessage[]): ChatMessage[] {
  const merged: ChatMessage[] = [];
  for (const message of messages) {
    const last = merged.at(-1);
    if (last?.role === 'user' && message.role === 'user')
      merged[merged.length - 1] = { role: 'user', content: joined(last, message) };
    else if (last?.role === 'assistant' && message.role === 'assistant')
      merged[merged.length - 1] = { role: 'assistant', content: joined(last, message) };
    else merged.push(message);
  }
  return merged;
}

function joined(a: ChatMessage, b: ChatMessage): string {
  return `${textOf(a)}\n\n${textOf(b)}`;
}

/** The text of a message; pictures are left out. */
function textOf({ content }: ChatMessage): string {
  if (typeof content === 'string') return content;
  return (content ?? []).flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');
}

function taskOf(plan: TurnPlan, past: readonly PastTurn[]): string | undefined {
  if (plan.critique === true)
    return "Your answer and the other participant's differ. Weigh both, keep what is right in each, and give one final answer to the question.";
  if (past.length === 0) return undefined;
  switch (plan.mode) {
    case 'debate':
      return plan.side === 'modelB'
        ? 'Challenge this answer: name what is wrong or missing. Then give your own answer to the question.'
        : 'Answer the challenge: keep what is right, correct what is wrong. Then give your revised answer to the question.';
    case 'cross-check':
      return plan.side === 'modelB'
        ? 'Check each fact in this answer. Name the wrong ones and correct them. Then give the corrected answer to the question.'
        : 'Take over the corrections that are right and say which are not. Then give the final answer to the question.';
    case 'answer':
      return 'Compare this with your own answer and give the better answer to the question.';
    default:
      return plan.mode satisfies never;
  }
}
