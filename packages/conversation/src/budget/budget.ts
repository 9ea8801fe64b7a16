/** Makes a context fit the token budget of one model call. */
import { type ChatMessage, type LogRecord, PlatformError } from '@mcp/contracts';
import { cut, MARKER } from './cut.ts';
import { byCoverage, byWorth, type PieceVectors } from './order.ts';
import { assembled, isSystem, type Piece, type Pieces, piecesOf, readable, shortened } from './pieces.ts';
import { lexicalVectors } from './vectors.ts';

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
  /** Vectors of texts, in their order; without it, or when it gives nothing, words are compared. */
  readonly embed?: ((texts: readonly string[]) => Promise<PieceVectors['pieces'] | undefined>) | undefined;
  /** Field of the request that an error names. */
  readonly param?: string;
  /** Writes a summary of what has to go; without it, or when it gives nothing, representative sentences stay. */
  readonly summarize?: ((dropped: readonly ChatMessage[]) => Promise<string | undefined>) | undefined;
}

type BudgetAction = NonNullable<LogRecord['budget']>['action'];

export interface Budgeted {
  readonly messages: readonly ChatMessage[];
  readonly input_tokens: number;
  readonly action: BudgetAction;
  readonly dropped_messages: number;
  /** For each message that is left, the index of the message that it was. */
  readonly kept: readonly number[];
  /** What stands for all that was left out, when the action is `summarized`. */
  readonly summary: string | undefined;
  /** Indexes of the messages that the summary stands for, in whole or in part. */
  readonly summarized: readonly number[];
}

/** Up to this much too long, the sentences that are worth least go. */
const TRUNCATE_UP_TO = 1.25;
/** Up to this much, sentences that stand for the others stay; beyond, a summary is written. */
const CLUSTER_UP_TO = 1.6;
/** Kept free for a summary, at most a quarter of the room. */
const SUMMARY_TOKENS = 160;
/** Where less of the room than this is used, a part of the next piece is taken in. */
const FULL = 0.95;
/** So many characters of a piece at least, and to a share of it so exactly. */
const MIN_PART_CHARS = 40;
const PART_STEPS = 64;

/** A context that is too long, and what the stages need of it. */
interface Overflow {
  readonly options: BudgetOptions;
  readonly room: number;
  readonly parts: Pieces;
  readonly vectors: PieceVectors;
}

/** What a stage made of a context. */
interface Left {
  readonly messages: readonly ChatMessage[];
  readonly kept: readonly number[];
  readonly tokens: number;
  /** Pieces that are in it whole. */
  readonly pieces: readonly Piece[];
}

/**
 * Makes a context fit, by how much it is too long: leaves out the sentences that are worth least to the question, or
 * keeps those that stand for the others, or has a summary written in place of whole messages. What still does not fit
 * is cut at the end of sentences. The system prompts stay whole; the question and the last message always stay, at
 * least in part; a tool call never stands without its results. Throws `context_length_exceeded` when even that is too
 * much.
 */
export async function fitBudget(options: BudgetOptions): Promise<Budgeted> {
  const { messages } = options;
  const room = options.limit_tokens - options.reserve_tokens;
  const whole = await options.count(messages);
  if (whole <= room)
    return {
      messages,
      input_tokens: whole,
      action: 'none',
      dropped_messages: 0,
      kept: [...messages.keys()],
      summary: undefined,
      summarized: [],
    };
  const parts = piecesOf(messages, options.question_at);
  const overflow = { options, room, parts, vectors: await vectorsOf(options, parts) };
  const over = whole / Math.max(1, room);
  if (over > CLUSTER_UP_TO) {
    const summarized = await summarize(overflow);
    if (summarized !== undefined) return summarized;
  }
  const order =
    over > TRUNCATE_UP_TO
      ? byCoverage(parts.pieces, overflow.vectors)
      : byWorth(parts.pieces, overflow.vectors);
  const left = await filled(overflow, order, room);
  const fits = left.tokens <= room;
  const { messages: fitted, tokens } = fits ? left : await cutLongest(options, left, room);
  return {
    messages: fitted,
    input_tokens: tokens,
    action: fits && over > TRUNCATE_UP_TO ? 'clustered' : 'truncated',
    dropped_messages: messages.length - left.kept.length,
    kept: left.kept,
    summary: undefined,
    summarized: [],
  };
}

async function vectorsOf(options: BudgetOptions, { messages, pieces }: Pieces): Promise<PieceVectors> {
  const at = options.question_at ?? messages.findIndex(({ role }) => role === 'user');
  const texts = [readable(messages[at]), ...pieces.map(({ text }) => text)];
  const embedded = pieces.length < 2 ? undefined : await options.embed?.(texts);
  const [question = [], ...rest] = embedded?.length === texts.length ? embedded : lexicalVectors(texts);
  return { question, pieces: rest };
}

/** The most of the groups, in their order, that fit; with none of them it may still be too long. */
async function longestPrefix(
  { options, parts }: Overflow,
  groups: readonly (readonly Piece[])[],
  room: number,
): Promise<Left> {
  const of = async (size: number): Promise<Left> => {
    const pieces = groups.slice(0, size).flat();
    const left = assembled(parts, new Set(pieces));
    return { ...left, pieces, tokens: await options.count(left.messages) };
  };
  let best = await of(0);
  let low = 0;
  let high = groups.length;
  while (low < high) {
    const mid = Math.ceil((low + high) / 2);
    const left = await of(mid);
    if (left.tokens <= room) {
      best = left;
      low = mid;
    } else high = mid - 1;
  }
  return best;
}

/** The most of the pieces, in their order, that fit, and as much as then fits of the next one. */
async function filled(overflow: Overflow, order: readonly Piece[], room: number): Promise<Left> {
  const { options, parts } = overflow;
  const left = await longestPrefix(
    overflow,
    order.map((piece) => [piece]),
    room,
  );
  const next = order[left.pieces.length];
  if (next === undefined || left.tokens >= FULL * room) return left;
  const pieces = new Set([...left.pieces, next]);
  const longest = Math.max(...next.at.map((i) => readable(parts.messages[i]).length));
  const chars = next.whole ? longest : next.text.length;
  const exact = Math.max(1, Math.ceil(chars / PART_STEPS));
  let best = left;
  let low = MIN_PART_CHARS - exact;
  let high = chars;
  while (high - low > exact) {
    const mid = Math.ceil((low + high) / 2);
    const made = assembled(parts, pieces, new Map([[next, shortened(next, mid)]]));
    const tokens = await options.count(made.messages);
    if (tokens <= room) {
      best = { ...made, tokens, pieces: left.pieces };
      low = mid;
    } else high = mid;
  }
  return best;
}

/**
 * Keeps the messages that are worth most, then sentences of others, and a summary of what is left out where the question
 * stands.
 */
async function summarize(overflow: Overflow): Promise<Budgeted | undefined> {
  const { options, room, parts, vectors } = overflow;
  const { messages } = options;
  if (options.summarize === undefined || parts.pieces.length === 0) return undefined;
  const order = byWorth(parts.pieces, vectors);
  const groups = Map.groupBy(order, ({ at }) => at[0]);
  const keep = room - Math.min(SUMMARY_TOKENS, Math.floor(room / 4));
  const whole = new Set((await longestPrefix(overflow, [...groups.values()], keep)).pieces);
  const left = await filled(overflow, [...whole, ...order.filter((piece) => !whole.has(piece))], keep);
  const dropped = leftOut(parts, new Set(left.pieces));
  const text = dropped.size === 0 ? undefined : await options.summarize([...dropped.values()]);
  if (text === undefined) return undefined;
  const question = messages[options.question_at ?? messages.findIndex(({ role }) => role === 'user')];
  const summarized = withSummary(left.messages, question, { text, of: dropped.size });
  const input_tokens = await options.count(summarized);
  if (input_tokens > room || summarized === left.messages) return undefined;
  return {
    messages: summarized,
    input_tokens,
    action: 'summarized',
    dropped_messages: messages.length - left.kept.length,
    kept: left.kept,
    summary: text,
    summarized: [...dropped.keys()],
  };
}

/** What is left out when some pieces are kept: by its index each message, or what of it is in no such piece. */
function leftOut({ messages, pieces }: Pieces, keep: ReadonlySet<Piece>): Map<number, ChatMessage> {
  const texts = new Map<number, string>();
  for (const { at, text } of pieces.filter((piece) => !keep.has(piece)))
    for (const i of at) texts.set(i, `${texts.get(i) ?? ''}${text}`);
  const parted = new Set(pieces.flatMap(({ at, whole }) => (whole ? [] : at)));
  return new Map(
    [...texts].flatMap(([i, content]) => {
      const message = messages[i];
      if (message === undefined) return [];
      return [[i, parted.has(i) ? ({ ...message, content } as ChatMessage) : message]];
    }),
  );
}

/** The messages with a summary after the question; as they are, where the question is no text. */
function withSummary(
  messages: readonly ChatMessage[],
  question: ChatMessage | undefined,
  summary: { text: string; of: number },
): readonly ChatMessage[] {
  if (question?.role !== 'user' || typeof question.content !== 'string') return messages;
  const content = `${question.content}\n\n[Summary of ${summary.of} earlier messages: ${summary.text}]`;
  return messages.map((message) => (message === question ? { ...question, content } : message));
}

/** Cuts the longest text there is, again and again, until the whole fits. */
async function cutLongest(
  options: BudgetOptions,
  start: Left,
  room: number,
): Promise<{ messages: readonly ChatMessage[]; tokens: number }> {
  let { messages, tokens } = start;
  const rounds = 2 * messages.length;
  for (let round = 0; tokens > room && round < rounds; round++) {
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
      `The system prompt and what cannot be left out need ${tokens} tokens; ${room} of ${options.limit_tokens} are free beside the answer. Shorten the prompt or ask for a shorter answer.`,
      { param: options.param ?? 'message' },
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
