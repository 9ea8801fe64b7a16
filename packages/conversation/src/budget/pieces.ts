/** A context in pieces, each of which may be kept or left out by itself. */
import { type ChatMessage, textOf } from '@mcp/contracts';
import { chunksOf, cut, GAP, MARKER } from './cut.ts';

/** Pieces that are compared with one another; of more messages than that, neighbours are one piece. */
const MAX_PIECES = 64;
/** A sentence shorter than this stays with its neighbour. */
const MIN_PIECE_CHARS = 40;

/** A part of the context that stays or goes as a whole: some sentences, or a tool call with its results. */
export interface Piece {
  /** Indexes of its messages: one, or a call and its results, or neighbours. */
  readonly at: readonly number[];
  readonly text: string;
  /** It is all there is of its messages. */
  readonly whole: boolean;
  /** Each of its messages is cut to so many characters; undefined: it stays as it is. */
  readonly cut_to?: number;
}

/** A piece of which each message, or its sentences, have so many characters at most. */
export function shortened(piece: Piece, cut_to: number): Piece {
  return piece.whole ? { ...piece, cut_to } : { ...piece, text: cut(piece.text, cut_to) };
}

export interface Pieces {
  readonly messages: readonly ChatMessage[];
  /** In the order of the context. */
  readonly pieces: readonly Piece[];
  /** Messages that stay whatever happens: system prompts, the question, the last one with what it belongs to. */
  readonly pinned: ReadonlySet<number>;
}

/** Messages that only make sense together: a tool call with its results; any other is alone. */
function unitsOf(messages: readonly ChatMessage[]): number[][] {
  const units: number[][] = [];
  const callers = new Map<string, number[]>();
  for (const [i, message] of messages.entries()) {
    const caller = message.role === 'tool' ? callers.get(message.tool_call_id) : undefined;
    if (caller !== undefined) {
      caller.push(i);
      continue;
    }
    const unit = [i];
    units.push(unit);
    if (message.role === 'assistant') for (const { id } of message.tool_calls ?? []) callers.set(id, unit);
  }
  return units;
}

/** Takes a context apart. `question_at` undefined: the first user message is the question. */
export function piecesOf(messages: readonly ChatMessage[], question_at: number | undefined): Pieces {
  const question = question_at ?? messages.findIndex(({ role }) => role === 'user');
  const last = messages.length - 1;
  const pinned = new Set<number>();
  const loose: number[][] = [];
  for (const unit of unitsOf(messages)) {
    const stays = unit.some((i) => i === question || i === last || isSystem(messages[i]));
    if (stays) for (const i of unit) pinned.add(i);
    else loose.push(unit);
  }
  const units = neighbours(loose);
  const sizes = units.map((unit) => unit.reduce((sum, i) => sum + readable(messages[i]).length, 0));
  const spare = Math.max(1, MAX_PIECES - units.length);
  const chars = Math.max(MIN_PIECE_CHARS, Math.ceil(sizes.reduce((sum, size) => sum + size, 0) / spare));
  return { messages, pinned, pieces: units.flatMap((unit) => piecesOfUnit(messages, unit, chars)) };
}

/** As many units as there may be pieces: of more, so many that stand side by side are one. */
function neighbours(units: readonly number[][]): number[][] {
  const each = Math.ceil(units.length / MAX_PIECES);
  return each < 2
    ? [...units]
    : Array.from({ length: Math.ceil(units.length / each) }, (_, i) =>
        units.slice(i * each, (i + 1) * each).flat(),
      );
}

function piecesOfUnit(messages: readonly ChatMessage[], unit: number[], chars: number): Piece[] {
  const [first = 0] = unit;
  const message = messages[first];
  const calls = message?.role === 'assistant' && message.tool_calls !== undefined;
  if (unit.length > 1 || calls || message?.role === 'tool' || typeof message?.content !== 'string')
    return [{ at: unit, text: unit.map((i) => readable(messages[i])).join('\n'), whole: true }];
  const chunks = chunksOf(message.content, chars);
  return chunks.length < 2
    ? [{ at: unit, text: message.content, whole: true }]
    : chunks.map((text) => ({ at: unit, text, whole: false }));
}

/**
 * The context with some of its pieces. An answer does not stay behind at its beginning, which many templates refuse:
 * of the question before it a mark stays. `as` has pieces that are kept in another form.
 */
export function assembled(
  { messages, pieces, pinned }: Pieces,
  keep: ReadonlySet<Piece>,
  as: ReadonlyMap<Piece, Piece> = new Map(),
): { readonly messages: ChatMessage[]; readonly kept: number[] } {
  const contents = new Map<number, string>();
  const last = new Map<number, number>();
  const cuts = new Map<number, number>();
  for (const [i, own] of pieces.entries()) {
    if (!keep.has(own)) continue;
    const piece = as.get(own) ?? own;
    for (const at of piece.at) {
      if (piece.cut_to !== undefined) cuts.set(at, piece.cut_to);
      const before = last.get(at);
      const gap = before === undefined || before === i - 1 ? '' : GAP;
      contents.set(at, `${contents.get(at) ?? ''}${gap}${piece.text}`);
      last.set(at, i);
    }
  }
  const whole = new Set(pieces.filter((piece) => keep.has(piece) && piece.whole).flatMap(({ at }) => at));
  const left: { message: ChatMessage; at: number }[] = [];
  let begun = false;
  for (const [at, message] of messages.entries()) {
    const content = contents.get(at);
    if (!pinned.has(at) && content === undefined) continue;
    if (!begun && !pinned.has(at) && message.role !== 'user' && !isSystem(message)) {
      const before = messages.findLastIndex(({ role }, i) => i < at && role === 'user');
      const question = messages[before];
      if (question === undefined) continue;
      left.push({ at: before, message: { ...question, content: MARKER } as ChatMessage });
    }
    begun ||= !isSystem(message);
    const as_it_was = pinned.has(at) || whole.has(at) || content === message.content;
    const said = as_it_was ? message : ({ ...message, content } as ChatMessage);
    left.push({ at, message: cutTo(said, cuts.get(at)) });
  }
  left.sort((a, b) => a.at - b.at);
  return { messages: left.map(({ message }) => message), kept: left.map(({ at }) => at) };
}

function cutTo(message: ChatMessage, size: number | undefined): ChatMessage {
  const { content } = message;
  return size === undefined || typeof content !== 'string' || content.length <= size
    ? message
    : ({ ...message, content: cut(content, size) } as ChatMessage);
}

export function isSystem(message: ChatMessage | undefined): boolean {
  return message?.role === 'system' || message?.role === 'developer';
}

/** The text of a message; pictures are left out. */
export function readable(message: ChatMessage | undefined): string {
  return textOf(message?.content, { picture: () => '' });
}
