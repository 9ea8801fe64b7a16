import { type FinishReason, type ModelEvent, PlatformError, type Usage } from '@mcp/contracts';
import { resumedComment } from '../resumed.ts';
import { type AnthropicOptions, anthropicUsage, emptyMessage, objectIn, stopReason } from './response.ts';

interface AnthropicEncoder {
  /** The frames of one event; an empty text where there are none. */
  encode(event: ModelEvent): string;
  /** The frames after the last event. */
  end(): string;
}

/**
 * Turns events into the server-sent events of Anthropic's Messages API: `message_start`, blocks of content one after the
 * other (`content_block_start`, `_delta`, `_stop`), `message_delta` with the stop reason and usage, `message_stop`. One
 * encoder per stream. Where a model mixes its calls, what belongs to another block is held until the open call is whole.
 */
export function anthropicEncoder(options: AnthropicOptions): AnthropicEncoder {
  const blocks = new Blocks();
  const held = new Map<string, Piece[]>();
  let reason: FinishReason = { unified: 'other', raw: null };
  let usage: Usage | undefined;

  const tell = (piece: Piece): string => {
    if (held.size === 0 && blocks.takes(piece.block)) return blocks.write(piece);
    if (blocks.open === piece.block) return blocks.write(piece);
    const others = held.get(piece.block);
    if (others === undefined) held.set(piece.block, [piece]);
    else others.push(piece);
    return '';
  };
  const encode = (event: ModelEvent): string => {
    switch (event.type) {
      case 'start':
        return frame('message_start', { message: emptyMessage(event) });
      case 'text':
      case 'reasoning':
      case 'tool_call': {
        const piece = pieceOf(event, options);
        return piece === undefined ? '' : tell(piece);
      }
      case 'stream_resumed':
        return resumedComment(event);
      case 'finish':
        reason = event.reason;
        return '';
      case 'usage':
        usage = event.usage;
        return '';
      default:
        return event satisfies never;
    }
  };
  const end = (): string => {
    const rest = [...held.values()].flat().map((piece) => blocks.write(piece));
    // A message has a block, if an empty one.
    const empty = blocks.count === 0 ? blocks.write(TEXT) : '';
    const delta = { stop_reason: stopReason(reason), stop_sequence: null };
    return (
      rest.join('') +
      empty +
      blocks.close() +
      frame('message_delta', { delta, usage: anthropicUsage(usage) }) +
      frame('message_stop', {})
    );
  };
  return { encode, end };
}

/** A part of a block: what begins it, if it is the first, and what it adds. */
interface Piece {
  /** `text`, `thinking`, or the call it belongs to. */
  readonly block: string;
  readonly begin: object;
  readonly delta?: object;
  /** Of a call: what it adds to the arguments. */
  readonly json?: string;
}

const TEXT: Piece = { block: 'text', begin: { type: 'text', text: '' } };

function pieceOf(
  event: Extract<ModelEvent, { type: 'text' | 'reasoning' | 'tool_call' }>,
  options: AnthropicOptions,
): Piece | undefined {
  if (event.type === 'tool_call') {
    const { index, id = '', name = '', arguments_delta: partial_json } = event;
    return {
      block: `call ${index}`,
      begin: { type: 'tool_use', id, name, input: {} },
      ...(partial_json === '' ? {} : { delta: { type: 'input_json_delta', partial_json } }),
      json: partial_json,
    };
  }
  const { text } = event;
  if (text === '') return undefined;
  if (event.type === 'text') return { ...TEXT, delta: { type: 'text_delta', text } };
  if (!options.thinking) return undefined;
  return {
    block: 'thinking',
    begin: { type: 'thinking', thinking: '', signature: '' },
    delta: { type: 'thinking_delta', thinking: text },
  };
}

/** The blocks of a message, one open at a time. */
class Blocks {
  open: string | undefined;
  count = 0;
  /** Arguments of the open call so far; undefined where no call is open. */
  #json: string | undefined;
  readonly #calls = new Set<string>();

  /** Whether a block may be written to now: the open one is it, or has nothing more to come. */
  takes(block: string): boolean {
    return this.open === block || this.#json === undefined || objectIn(this.#json) !== undefined;
  }

  write({ block, begin, delta, json }: Piece): string {
    let frames = '';
    if (this.open !== block) {
      if (this.#calls.has(block))
        throw new PlatformError('upstream_failed', 'The model went on with a call that it had ended.');
      frames = this.close();
      this.open = block;
      this.#json = json === undefined ? undefined : '';
      if (json !== undefined) this.#calls.add(block);
      frames += frame('content_block_start', { index: this.count++, content_block: begin });
    }
    if (json !== undefined) this.#json = `${this.#json ?? ''}${json}`;
    return delta === undefined
      ? frames
      : frames + frame('content_block_delta', { index: this.count - 1, delta });
  }

  close(): string {
    if (this.open === undefined) return '';
    this.open = undefined;
    this.#json = undefined;
    return frame('content_block_stop', { index: this.count - 1 });
  }
}

function frame(type: string, fields: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
}
