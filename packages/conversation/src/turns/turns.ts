/** Whose turn it is, and what its model is shown of the conversation. */
import { type ChatMessage, type TurnMode, textOf as textOfContent } from '@mcp/contracts';

/** A text with the step that it is from. */
export interface Said {
  readonly step: string;
  readonly content: string;
}

/** A finished turn, without its hidden reasoning. */
export interface PastTurn extends Said {
  readonly participant: string;
}

/** An earlier question of the same conversation with the answer that was chosen, where there was one. */
export interface PastQuestion {
  readonly question: Said;
  readonly answer: Said | undefined;
}

export interface TurnPlan {
  readonly mode: TurnMode;
  /** Ids of all participants, in the order of their turns. */
  readonly participants: readonly string[];
  /** Whose turn it is. */
  readonly participant: string;
  /** The participant's system prompt; of one that is not on record, the step is undefined. */
  readonly system: { readonly step: string | undefined; readonly content: string };
  readonly earlier: readonly PastQuestion[];
  readonly question: Said;
  /** Turns on this question so far. */
  readonly past: readonly PastTurn[];
  /** Of an extra turn: what it is told. */
  readonly task?: string | undefined;
  /** Of an extra turn: what it is shown instead of the turns so far. */
  readonly digest?: Said | undefined;
  /** Of a refinement turn: all that it is shown beside its system prompt, instead of the question and what was said. */
  readonly brief?: readonly Said[] | undefined;
}

/** Who takes a turn: the participants one after the other, then the first again (blueprint 9.1). */
export function participantAt<T>(participants: readonly T[], turn: number): T {
  const participant = participants[turn % participants.length];
  if (participant === undefined) throw new RangeError('a conversation has at least one participant');
  return participant;
}

/** What one model is shown. */
export interface Context {
  readonly messages: readonly ChatMessage[];
  /** For each message the step whose content it shows; undefined for one that only gives a task. */
  readonly sources: readonly (string | undefined)[];
  /** Index of the question that this turn is about. */
  readonly question_at: number;
}

export interface Shown {
  readonly message: ChatMessage;
  readonly source: string | undefined;
}

/**
 * The messages one model sees in its turn: itself as the assistant, the others quoted by the user, the task last.
 * In mode `answer` the first turn of each participant sees the question alone, so that their answers are independent.
 */
export function planTurn(plan: TurnPlan): Context {
  if (plan.brief !== undefined) {
    const told = plan.brief.map((said) => shownAs('user', said));
    return contextOf([shownAs('system', plan.system), ...told], 1, undefined);
  }
  const first = !plan.past.some(({ participant }) => participant === plan.participant);
  const alone = plan.digest !== undefined || (plan.mode === 'answer' && first);
  const past = alone ? [] : plan.past;
  const shown = shownFirst(plan);
  const question_at = shown.length - 1;
  const order = [...new Set(past.map(({ participant }) => participant))];
  for (const turn of past) {
    if (turn.participant === plan.participant) shown.push(shownAs('assistant', turn));
    else shown.push(shownAs('user', { ...turn, content: quoted(turn, order) }));
  }
  if (plan.digest !== undefined) shown.push(shownAs('user', plan.digest));
  return contextOf(shown, question_at, taskOf(plan, past));
}

/** What every model sees first: its system prompt, what was asked and answered before, the question. */
export function shownFirst(plan: Pick<TurnPlan, 'system' | 'earlier' | 'question'>): Shown[] {
  const shown: Shown[] = [shownAs('system', plan.system)];
  for (const { question, answer } of plan.earlier) {
    shown.push(shownAs('user', question));
    if (answer !== undefined && answer.content !== '') shown.push(shownAs('assistant', answer));
  }
  return [...shown, shownAs('user', plan.question)];
}

/** The context that what is shown makes, the task at its end. */
export function contextOf(before: readonly Shown[], question_at: number, task: string | undefined): Context {
  const shown = [...before];
  const last = shown.at(-1);
  if (task !== undefined && last !== undefined) {
    // One message, so that a tight budget cannot keep the task and drop what it is about.
    if (last.message.role === 'user' && shown.length - 1 > question_at)
      shown[shown.length - 1] = {
        message: { role: 'user', content: `${textOf(last.message)}\n\n${task}` },
        source: last.source,
      };
    else shown.push(shownAs('user', { step: undefined, content: task }));
  }
  return {
    messages: shown.map(({ message }) => message),
    sources: shown.map(({ source }) => source),
    question_at,
  };
}

export function shownAs(
  role: 'system' | 'user' | 'assistant',
  { step, content }: { readonly step: string | undefined; readonly content: string },
): Shown {
  return { message: { role, content }, source: step };
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
  return textOfContent(content, { picture: () => '' });
}

/** Small models repeat a label that reads like a line of a play; of a quotation in plain words they answer the content. */
const SPEAKERS = [
  'Someone',
  'Someone else',
  'A third person',
  'A fourth person',
  'A fifth person',
  'A sixth person',
  'A seventh person',
  'An eighth person',
] as const;

/** A turn in quotes; its speaker is named by when they first spoke. */
function quoted({ participant, content }: PastTurn, order: readonly string[]): string {
  return quotation(order.indexOf(participant), 'answered', content);
}

/** What the speaker in a place said, in quotes. */
function quotation(place: number, verb: string, content: string): string {
  return `${SPEAKERS[place] ?? SPEAKERS[0]} ${verb}:\n\n"""\n${content}\n"""`;
}

/** How many others a turn is about: the wording depends on it. */
type Others = 'none' | 'one' | 'several';

interface Tasks {
  /** Of the first participant, who comes back to its own answer. */
  readonly revise: Readonly<Record<Others, string>>;
  /** Of the others. */
  readonly review: Readonly<Record<Others, string>>;
}

const CHECK_OWN = 'Look at your answer again. Correct what is wrong in it, then give your final answer.';

const TASKS: Readonly<Record<TurnMode, Tasks>> = {
  debate: {
    revise: {
      none: CHECK_OWN,
      one: 'If it shows a mistake of yours, correct it. Then give your final answer.',
      several: 'If they show a mistake of yours, correct it. Then give your final answer.',
    },
    review: {
      none: CHECK_OWN,
      one: 'Say where it is right or wrong and what is missing, then give your own answer.',
      several: 'Say where each of them is right or wrong and what is missing, then give your own answer.',
    },
  },
  'cross-check': {
    revise: {
      none: 'Go through your answer fact by fact. Correct what is wrong, then give the final answer.',
      one: 'If it corrects a mistake of yours, take that over. Then give the final answer.',
      several: 'If they correct a mistake of yours, take that over. Then give the final answer.',
    },
    review: {
      none: 'Go through your answer fact by fact. Correct what is wrong, then give the final answer.',
      one: 'Say for each fact whether it is right or wrong, then give the corrected answer.',
      several: 'Say for each fact in them whether it is right or wrong, then give the corrected answer.',
    },
  },
  answer: {
    revise: {
      none: CHECK_OWN,
      one: 'Say which of the two answers is better and why, then give the best answer.',
      several: 'Say which of the answers is the best and why, then give the best answer.',
    },
    review: {
      none: CHECK_OWN,
      one: 'Say which of the two answers is better and why, then give the best answer.',
      several: 'Say which of the answers is the best and why, then give the best answer.',
    },
  },
};

function taskOf(plan: TurnPlan, past: readonly PastTurn[]): string | undefined {
  if (plan.task !== undefined) return plan.task;
  if (past.length === 0) return undefined;
  const others = new Set(past.map(({ participant }) => participant).filter((id) => id !== plan.participant))
    .size;
  const { revise, review } = TASKS[plan.mode];
  const tasks = plan.participant === plan.participants[0] ? revise : review;
  return tasks[others === 0 ? 'none' : others === 1 ? 'one' : 'several'];
}
