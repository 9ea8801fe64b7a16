/** What a model says while it says it: personal data replaced, put back, or the end of the answer. */
import type { ModelEvent, PiiAction } from '@mcp/contracts';
import type { Pseudonyms } from './pseudonyms.ts';
import { type RedactOptions, Redactor } from './redact.ts';
import { Restorer } from './restore.ts';

export interface EventOptions {
  readonly action: PiiAction;
  readonly pseudonyms: Pseudonyms;
  readonly redact: RedactOptions;
  /** The text of the answer is JSON; what tools get always is. */
  readonly json: boolean;
}

type Said = Extract<ModelEvent, { type: 'text' | 'reasoning' | 'tool_call' }>;

/** One text of an answer: of a choice what is said, what is thought, or what one tool gets. */
interface Channel {
  readonly event: Said;
  push(text: string): string;
  end(): string;
}

/** Log probabilities are of the tokens as they were said: they are left out. */
export async function* privateEvents(
  events: AsyncIterable<ModelEvent>,
  options: EventOptions,
): AsyncGenerator<ModelEvent> {
  const answer = new PrivateAnswer(options);
  for await (const event of events) {
    yield* answer.take(event);
    if (!answer.blocked) continue;
    yield* answer.cut();
    return;
  }
  yield* answer.end();
  if (answer.blocked) yield* answer.cut();
}

class PrivateAnswer {
  readonly #options: EventOptions;
  readonly #channels = new Map<string, Channel>();
  readonly #open = new Set<number>();
  blocked = false;

  constructor(options: EventOptions) {
    this.#options = options;
  }

  *take(event: ModelEvent): Generator<ModelEvent> {
    switch (event.type) {
      case 'text':
      case 'reasoning':
      case 'tool_call':
        yield* this.#said(event);
        return;
      case 'finish':
        yield* this.#close(event.choice);
        if (this.blocked) return;
        this.#open.delete(event.choice);
        yield event;
        return;
      case 'start':
      case 'stream_resumed':
      case 'usage':
        yield event;
        return;
      default:
        event satisfies never;
    }
  }

  *end(): Generator<ModelEvent> {
    for (const choice of new Set([...this.#channels.values()].map(({ event }) => event.choice)))
      yield* this.#close(choice);
  }

  /** How an answer ends that may not go on. */
  *cut(): Generator<ModelEvent> {
    for (const choice of this.#open)
      yield { type: 'finish', choice, reason: { unified: 'content_filter', raw: 'pii' } };
  }

  *#said(event: Said): Generator<ModelEvent> {
    this.#open.add(event.choice);
    const key = keyOf(event);
    // What was said before something else began has ended.
    for (const [other, channel] of this.#channels)
      if (other !== key && channel.event.choice === event.choice && channel.event.type !== 'tool_call')
        yield* this.#ended(other, channel);
    let channel = this.#channels.get(key);
    if (channel === undefined) {
      channel = this.#channel(event);
      this.#channels.set(key, channel);
    }
    const text = channel.push(event.type === 'tool_call' ? event.arguments_delta : event.text);
    const begins = event.type === 'tool_call' && event.id !== undefined;
    if ((text !== '' || begins) && !this.blocked) yield withText(event, text);
  }

  *#close(choice: number): Generator<ModelEvent> {
    for (const [key, channel] of this.#channels)
      if (channel.event.choice === choice) yield* this.#ended(key, channel);
  }

  *#ended(key: string, channel: Channel): Generator<ModelEvent> {
    this.#channels.delete(key);
    const text = channel.end();
    if (text !== '' && !this.blocked) yield withText(later(channel.event), text);
  }

  #channel(event: Said): Channel {
    const { action, pseudonyms, redact } = this.#options;
    const json = event.type === 'tool_call' || (event.type === 'text' && this.#options.json);
    const reader =
      action === 'tokenize'
        ? new Restorer(pseudonyms, { json })
        : new Redactor({
            ...redact,
            json,
            onFound: (kind) => {
              redact.onFound?.(kind);
              if (action === 'block') this.blocked = true;
            },
          });
    return { event, push: (text) => reader.push(text), end: () => reader.end() };
  }
}

function keyOf(event: Said): string {
  return `${event.choice} ${event.type === 'tool_call' ? event.index : event.type}`;
}

function withText(event: Said, text: string): ModelEvent {
  switch (event.type) {
    case 'text':
    case 'reasoning':
      return { type: event.type, choice: event.choice, text };
    case 'tool_call':
      return { ...event, arguments_delta: text };
    default:
      return event satisfies never;
  }
}

/** Id and name of a call come with its first event alone. */
function later(event: Said): Said {
  if (event.type !== 'tool_call') return event;
  return { type: 'tool_call', choice: event.choice, index: event.index, arguments_delta: '' };
}
