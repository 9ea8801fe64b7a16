import type { FinishReason, LogprobToken, ModelEvent, PlatformError, Usage } from '@mcp/contracts';
import type { Completion } from '../openai-chat.ts';
import { resumedComment } from '../resumed.ts';
import { itemId } from './ids.ts';
import {
  echoOf,
  encodeItem,
  encodeLogprobs,
  encodeText,
  incompleteReason,
  type OutputItem,
  type ResponseHead,
  type ResponseObject,
  responseUsage,
} from './response.ts';

/** What is known at the end alone: when that was, whether it was kept after all, and what stands beside OpenAI's fields. */
export interface ResponseEnd {
  readonly store: boolean;
  readonly completed_s?: number;
  readonly beside?: Readonly<Record<string, unknown>>;
}

/**
 * Makes a response of the events of a model, and the server-sent events of OpenAI's Responses API on the way:
 * `response.created`, `response.in_progress`; for each item of the output `added`, its parts and deltas, `done`;
 * `response.completed`, `response.incomplete` or `response.failed`. Each has the next `sequence_number`. A model that
 * thinks or speaks again after something else begins another item; calls stay open to the end, for models mix them.
 * One encoder per response.
 */
export class ResponseEncoder {
  readonly #head: ResponseHead;
  readonly #items: OutputItem[] = [];
  readonly #calls = new Map<number, OutputItem>();
  /** What the model says or thinks just now. */
  #speaking: OutputItem | undefined;
  #from = { id: '', model: '', backend: '', created_s: 0 };
  #finish: FinishReason = { unified: 'other', raw: null };
  #usage: Usage | undefined;
  #sequence = 0;

  constructor(head: ResponseHead) {
    this.#head = head;
    this.#from.model = head.request.model;
  }

  /** The frames of one event; an empty text where there are none. */
  encode(event: ModelEvent): string {
    if ('choice' in event && event.choice !== 0) return '';
    switch (event.type) {
      case 'start': {
        const { id, model, backend, created_s } = event;
        this.#from = { id, model, backend, created_s };
        const response = this.#object('in_progress', { store: this.#head.store });
        return (
          this.#frame('response.created', { response }) + this.#frame('response.in_progress', { response })
        );
      }
      case 'text':
        return event.text === '' ? '' : this.#say('message', event);
      case 'reasoning':
        return event.text === '' ? '' : this.#say('reasoning', event);
      case 'tool_call':
        return this.#call(event);
      case 'stream_resumed':
        return resumedComment(event);
      case 'finish':
        this.#finish = event.reason;
        return '';
      case 'usage':
        this.#usage = event.usage;
        return '';
      default:
        return event satisfies never;
    }
  }

  /** The frames that end what is still open, after the last event. */
  close(): string {
    const cut = incompleteReason(this.#finish) !== undefined;
    // A response has an item, if an empty one.
    const empty = this.#items.length === 0 ? this.#say('message', { text: '' }) : '';
    const open = this.#items.filter(({ status }) => status === 'in_progress');
    this.#speaking = undefined;
    return empty + open.map((item) => this.#done(item, cut ? 'incomplete' : 'completed')).join('');
  }

  /** The whole response, after {@link close}. */
  response(end: ResponseEnd): ResponseObject {
    return this.#object(incompleteReason(this.#finish) === undefined ? 'completed' : 'incomplete', end);
  }

  /** The last frame, after {@link close}. */
  end(end: ResponseEnd): string {
    const response = this.response(end);
    return this.#frame(`response.${String(response.status)}`, { response });
  }

  /** The last frame of one that failed half-way. */
  fail(error: PlatformError): string {
    for (const item of this.#items) if (item.status === 'in_progress') item.status = 'incomplete';
    const response = {
      ...this.#object('failed', { store: false }),
      error: { code: failureCode(error), message: error.message },
    };
    return this.#frame('response.failed', { response });
  }

  /** What was answered, as a completion. */
  completion(): Completion {
    const of = (kind: OutputItem['kind']) => this.#items.filter((item) => item.kind === kind);
    const joined = (kind: OutputItem['kind']) => of(kind).reduce((text, item) => text + item.text, '');
    return {
      ...this.#from,
      usage: this.#usage,
      choices: [
        {
          index: 0,
          text: joined('message'),
          reasoning: joined('reasoning'),
          tool_calls: of('call').map(({ call_id, name, text }) => ({
            id: call_id,
            type: 'function',
            function: { name, arguments: text },
          })),
          logprobs: of('message').flatMap(({ logprobs }) => logprobs),
          finish: this.#finish,
        },
      ],
    };
  }

  #say(
    kind: 'message' | 'reasoning',
    { text, logprobs = [] }: { readonly text: string; readonly logprobs?: readonly LogprobToken[] },
  ): string {
    const begun = this.#speaking?.kind === kind ? this.#speaking : undefined;
    const item = begun ?? this.#item(kind);
    const opening = begun === undefined ? this.#endSpeaking() + this.#open(item) : '';
    this.#speaking = item;
    item.text += text;
    item.logprobs.push(...logprobs);
    if (text === '') return opening;
    const at = this.#at(item);
    const delta =
      kind === 'message'
        ? this.#frame('response.output_text.delta', {
            ...at,
            delta: text,
            logprobs: encodeLogprobs(logprobs),
          })
        : this.#frame('response.reasoning_summary_text.delta', { ...at, delta: text });
    return opening + delta;
  }

  #call({
    index,
    id,
    name = '',
    arguments_delta: delta,
  }: Extract<ModelEvent, { type: 'tool_call' }>): string {
    let item = this.#calls.get(index);
    let opening = '';
    if (item === undefined) {
      item = this.#item('call', { call_id: id, name });
      this.#calls.set(index, item);
      opening = this.#endSpeaking() + this.#open(item);
      this.#speaking = undefined;
    }
    item.text += delta;
    if (delta === '') return opening;
    return opening + this.#frame('response.function_call_arguments.delta', { ...this.#at(item), delta });
  }

  #item(kind: OutputItem['kind'], call: { call_id?: string | undefined; name?: string } = {}): OutputItem {
    const at = this.#items.length;
    const prefix = kind === 'message' ? 'msg' : kind === 'call' ? 'fc' : 'rs';
    const id = itemId(prefix, { response_id: this.#head.id, of: 'o', at });
    return {
      kind,
      id,
      at,
      call_id: call.call_id ?? `call_${id}`,
      name: call.name ?? '',
      text: '',
      logprobs: [],
      status: 'in_progress',
    };
  }

  #open(item: OutputItem): string {
    const added = this.#frame('response.output_item.added', {
      output_index: item.at,
      item: encodeItem(item),
    });
    this.#items.push(item);
    switch (item.kind) {
      case 'message':
        return (
          added + this.#frame('response.content_part.added', { ...this.#at(item), part: encodeText(item) })
        );
      case 'reasoning':
        return (
          added +
          this.#frame('response.reasoning_summary_part.added', { ...this.#at(item), part: summary('') })
        );
      case 'call':
        return added;
      default:
        return item.kind satisfies never;
    }
  }

  #endSpeaking(): string {
    return this.#speaking === undefined ? '' : this.#done(this.#speaking, 'completed');
  }

  #done(item: OutputItem, status: 'completed' | 'incomplete'): string {
    item.status = status;
    return (
      this.#parts(item) +
      this.#frame('response.output_item.done', { output_index: item.at, item: encodeItem(item) })
    );
  }

  #parts(item: OutputItem): string {
    const at = this.#at(item);
    const { kind, text, name } = item;
    switch (kind) {
      case 'message':
        return (
          this.#frame('response.output_text.done', { ...at, text, logprobs: encodeLogprobs(item.logprobs) }) +
          this.#frame('response.content_part.done', { ...at, part: encodeText(item) })
        );
      case 'reasoning':
        return (
          this.#frame('response.reasoning_summary_text.done', { ...at, text }) +
          this.#frame('response.reasoning_summary_part.done', { ...at, part: summary(text) })
        );
      case 'call':
        return this.#frame('response.function_call_arguments.done', { ...at, name, arguments: text });
      default:
        return kind satisfies never;
    }
  }

  /** Where an event belongs. */
  #at({ kind, id, at }: OutputItem): object {
    const item = { item_id: id, output_index: at };
    if (kind === 'call') return item;
    return kind === 'message' ? { ...item, content_index: 0 } : { ...item, summary_index: 0 };
  }

  #object(status: string, { store, completed_s, beside = {} }: ResponseEnd): ResponseObject {
    const reason = status === 'incomplete' ? incompleteReason(this.#finish) : undefined;
    return {
      ...echoOf({ ...this.#head, store }),
      created_at: this.#from.created_s,
      completed_at: status === 'completed' ? (completed_s ?? null) : null,
      model: this.#from.model,
      status,
      error: null,
      incomplete_details: reason === undefined ? null : { reason },
      output: this.#items.map(encodeItem),
      usage: responseUsage(this.#usage),
      ...beside,
    };
  }

  #frame(type: string, fields: object): string {
    return `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: this.#sequence++, ...fields })}\n\n`;
  }
}

function summary(text: string): object {
  return { type: 'summary_text', text };
}

/** OpenAI's word for why a response failed. */
function failureCode({ status }: PlatformError): string {
  if (status === 429) return 'rate_limit_exceeded';
  return status < 500 ? 'invalid_prompt' : 'server_error';
}
