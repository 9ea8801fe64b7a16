/** Makes a context fit the token budget of one model call. */
import { type ChatMessage, PlatformError } from '@mcp/contracts';

export interface BudgetOptions {
  readonly messages: readonly ChatMessage[];
  /** Index of the question; the first user message when left out. */
  readonly question_at?: number;
  /** Input and output together (blueprint 9.3: MAX_TOKENS). */
  readonly limit_tokens: number;
  /** Kept free for the answer. */
  readonly reserve_tokens: number;
  /** Tokens of a list of messages as the model sees them. */
  count(messages: readonly ChatMessage[]): Promise<number>;
  /** Writes a summary of what has to go; without it, or when it gives nothing, it is cut. */
  readonly summarize?: ((dropped: readonly ChatMessage[]) => Promise<string | undefined>) | undefined;
}

export interface Budgeted {
  readonly messages: readonly ChatMessage[];
  readonly input_tokens: number;
  readonly action: 'none' | 'truncated' | 'summarized';
  readonly dropped_messages: number;
  /** For each message that is left, the index of the message that it was. */
  readonly kept: readonly number[];
  /** What stands for the messages that were dropped, when the action is `summarized`. */
  readonly summary: string | undefined;
}

const MARKER = ' […] ';
const MAX_TAIL_CHARS = 400;

/**
 * Makes a context fit: first the oldest messages in the middle go (as a summary where one is available), then the
 * longest of what is left is cut by sentences, with a marker. The system prompt stays whole; the question and
 * the last message always stay, at least in part. Throws `context_length_exceeded` when even that is too much.
 */
export async function fitBudget(options: BudgetOptions): Promise<Budgeted> {
  const room = options.limit_tokens - options.reserve_tokens;
  const whole = await options.count(options.messages);
  if (whole <= room)
    return {
      messages: options.messages,
      input_tokens: whole,
      action: 'none',
      dropped_messages: 0,
      kept: [...options.messages.keys()],
      summary: undefined,
    };
  const question =
    options.messages[options.question_at ?? options.messages.findIndex(({ role }) => role === 'user')];
  const { messages, dropped } = await dropOldest(options, question, room);
  const kept = messages.map((message) => options.messages.indexOf(message));
  if (dropped.length > 0 && options.summarize !== undefined) {
    const summary = await options.summarize(dropped);
    const summarized =
      summary === undefined
        ? undefined
        : withSummary(messages, question, { text: summary, of: dropped.length });
    const tokens = summarized === undefined ? Number.POSITIVE_INFINITY : await options.count(summarized);
    if (summarized !== undefined && tokens <= room)
      return {
        messages: summarized,
        input_tokens: tokens,
        action: 'summarized',
        dropped_messages: dropped.length,
        kept,
        summary,
      };
  }
  const cut = await cutLongest(options, messages, room);
  return {
    messages: cut.messages,
    input_tokens: cut.tokens,
    action: 'truncated',
    dropped_messages: dropped.length,
    kept,
    summary: undefined,
  };
}

/** Messages that may go, oldest first: all but system prompts, the question and the last message. */
function droppable(
  messages: readonly ChatMessage[],
  question: ChatMessage | undefined,
): readonly ChatMessage[] {
  return messages.filter(
    (message, i) => !isSystem(message) && message !== question && i !== messages.length - 1,
  );
}

/** Drops as few of the oldest as needed; fewer never fit where more do not, so it can be searched by halves. */
async function dropOldest(
  options: BudgetOptions,
  question: ChatMessage | undefined,
  room: number,
): Promise<{ messages: readonly ChatMessage[]; dropped: readonly ChatMessage[] }> {
  const middle = droppable(options.messages, question);
  const goneOf = (count: number) => {
    const gone = new Set(middle.slice(0, count));
    // An answer does not stay behind without its question: many templates refuse to begin with one.
    for (const message of options.messages) {
      if (isSystem(message) || gone.has(message)) continue;
      if (message.role !== 'assistant' || !middle.includes(message)) break;
      gone.add(message);
    }
    return gone;
  };
  const without = (gone: ReadonlySet<ChatMessage>) =>
    options.messages.filter((message) => !gone.has(message));
  let low = 0;
  let high = middle.length;
  while (low < high) {
    const mid = Math.floor((low + high) / 2);
    if ((await options.count(without(goneOf(mid)))) <= room) high = mid;
    else low = mid + 1;
  }
  const gone = goneOf(low);
  return { messages: without(gone), dropped: middle.filter((message) => gone.has(message)) };
}

function withSummary(
  messages: readonly ChatMessage[],
  question: ChatMessage | undefined,
  summary: { text: string; of: number },
): ChatMessage[] {
  return messages.map((message) =>
    message === question && typeof message.content === 'string' && message.role === 'user'
      ? {
          ...message,
          content: `${message.content}\n\n[Summary of ${summary.of} earlier messages: ${summary.text}]`,
        }
      : message,
  );
}

function isSystem({ role }: ChatMessage): boolean {
  return role === 'system' || role === 'developer';
}

/** Cuts the longest text there is, again and again, until the whole fits. */
async function cutLongest(
  options: BudgetOptions,
  start: readonly ChatMessage[],
  room: number,
): Promise<{ messages: readonly ChatMessage[]; tokens: number }> {
  let messages = start;
  let tokens = await options.count(messages);
  for (let rounds = 0; tokens > room && rounds < 2 * start.length; rounds++) {
    const at = longest(messages);
    const message = messages[at];
    if (message === undefined || typeof message.content !== 'string') break;
    const text = message.content;
    const cutTo = (size: number) =>
      messages.map((one, i) => (i === at ? ({ ...one, content: cut(text, size) } as ChatMessage) : one));
    let low = 0;
    let high = text.length;
    while (low < high) {
      const mid = Math.ceil((low + high) / 2);
      if ((await options.count(cutTo(mid))) <= room) low = mid;
      else high = mid - 1;
    }
    messages = cutTo(low);
    tokens = await options.count(messages);
  }
  if (tokens > room)
    throw new PlatformError(
      'context_length_exceeded',
      `The system prompt and what cannot be left out need ${tokens} tokens; ${room} of MAX_TOKENS ${options.limit_tokens} are free beside the answer. Shorten the prompt or ask for a shorter answer.`,
      { param: 'message' },
    );
  return { messages, tokens };
}

/** The longest text that is not a system prompt and not yet cut to nothing, or -1. */
function longest(messages: readonly ChatMessage[]): number {
  let best = -1;
  let size = MARKER.length;
  for (const [i, message] of messages.entries()) {
    const { content } = message;
    if (isSystem(message) || typeof content !== 'string' || content.length <= size) continue;
    best = i;
    size = content.length;
  }
  return best;
}

/**
 * At most `size` characters and a marker where the rest was: the beginning, to the end of a sentence where one ends
 * in its second half, and a little of the end, where the task of a turn stands.
 */
function cut(text: string, size: number): string {
  if (size >= text.length) return text;
  const tail_size = Math.min(MAX_TAIL_CHARS, Math.floor(size / 4));
  const head = text.slice(0, size - tail_size).replace(/[\uD800-\uDBFF]$/, '');
  const end = Math.max(
    head.lastIndexOf('. '),
    head.lastIndexOf('! '),
    head.lastIndexOf('? '),
    head.lastIndexOf('\n'),
  );
  const tail = tail_size === 0 ? '' : text.slice(-tail_size).replace(/^[\uDC00-\uDFFF]/, '');
  return `${end > head.length / 2 ? head.slice(0, end + 1) : head}${MARKER}${tail}`;
}

/** A summary without a model: the first sentence of each message, within a bound. */
export function extractSummary(messages: readonly ChatMessage[], max_chars = 600): string {
  const firsts = messages.flatMap(({ content }) =>
    typeof content === 'string' ? [content.trim().split(/(?<=[.!?])\s|\n/)[0] ?? ''] : [],
  );
  const each = Math.max(40, Math.floor(max_chars / Math.max(1, firsts.length)));
  return firsts
    .map((sentence) => sentence.slice(0, each))
    .join(' ')
    .slice(0, max_chars)
    .toWellFormed();
}
