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
 * The messages one model sees in its turn: itself as the assistant, the other quoted by the user, the task last.
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
    else messages.push({ role: 'user', content: quoted(turn, past[0]?.side === plan.side) });
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

/** Small models repeat a label that reads like a line of a play; of a quotation in plain words they answer the content. */
function quoted({ content }: PastTurn, answered: boolean): string {
  return `${answered ? 'Someone else' : 'Someone'} answered:\n\n"""\n${content}\n"""`;
}

function taskOf(plan: TurnPlan, past: readonly PastTurn[]): string | undefined {
  if (plan.critique === true)
    return 'The answers differ. Weigh them, keep what is right in each, and give one final answer to the question.';
  if (past.length === 0) return undefined;
  switch (plan.mode) {
    case 'debate':
      return plan.side === 'modelB'
        ? 'Say where it is right or wrong and what is missing, then give your own answer.'
        : 'If it shows a mistake of yours, correct it. Then give your final answer.';
    case 'cross-check':
      return plan.side === 'modelB'
        ? 'Say for each fact whether it is right or wrong, then give the corrected answer.'
        : 'If it corrects a mistake of yours, take that over. Then give the final answer.';
    case 'answer':
      return 'Say which of the two answers is better and why, then give the best answer.';
    default:
      return plan.mode satisfies never;
  }
}
