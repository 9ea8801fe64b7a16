/** The personal data of one request: what is asked without it, what is answered without it or with it put back. */
import {
  type ChatCompletionRequest,
  type ChatMessage,
  type EmbeddingsRequest,
  type ModelEvent,
  PlatformError,
} from '@mcp/contracts';
import { privateEvents } from './events.ts';
import type { PiiKind } from './kinds.ts';
import type { PiiAction } from './policy.ts';
import { Pseudonyms } from './pseudonyms.ts';
import { type RedactOptions, redacted } from './redact.ts';
import { restored } from './restore.ts';

export interface SessionOptions {
  readonly action: PiiAction;
  readonly kinds: ReadonlySet<PiiKind>;
  readonly allow: ReadonlySet<string>;
  /** Of the conversation that goes on. */
  readonly pseudonyms?: Pseudonyms;
}

export class PiiSession {
  readonly action: PiiAction;
  readonly pseudonyms: Pseudonyms;
  /** How much of each kind was found. */
  readonly found = new Map<PiiKind, number>();
  readonly #options: RedactOptions;

  constructor({ action, kinds, allow, pseudonyms = new Pseudonyms() }: SessionOptions) {
    this.action = action;
    this.pseudonyms = pseudonyms;
    this.#options = {
      kinds,
      allow,
      pseudonyms,
      onFound: (kind) => this.found.set(kind, (this.found.get(kind) ?? 0) + 1),
    };
  }

  /** Whether texts are changed or refused. */
  get acts(): boolean {
    return this.action !== 'off' && this.action !== 'tag';
  }

  /** One text as others may see it. Throws `content_filter` where it may not be sent at all. */
  text(text: string, json = false): string {
    if (!this.acts) return text;
    const out = redacted(text, { ...this.#options, json });
    if (this.action === 'block' && this.found.size > 0) throw this.#refusal();
    return out;
  }

  /** What is stored: as it was sent, whatever the client was answered. Never throws. */
  stored(text: string, json = false): string {
    return this.acts ? redacted(text, { ...this.#options, onFound: () => undefined, json }) : text;
  }

  /** A request as a model may see it. Throws `content_filter`. */
  request(request: ChatCompletionRequest): ChatCompletionRequest {
    if (!this.acts) return request;
    for (const message of request.messages) this.pseudonyms.reserve(JSON.stringify(message));
    const { user, safety_identifier, metadata } = request;
    return {
      ...request,
      messages: request.messages.map((message) => this.#message(message)),
      ...(user == null ? {} : { user: this.text(user) }),
      ...(safety_identifier == null ? {} : { safety_identifier: this.text(safety_identifier) }),
      ...(metadata == null
        ? {}
        : {
            metadata: Object.fromEntries(
              Object.entries(metadata).map(([name, value]) => [name, this.text(value)]),
            ),
          }),
    };
  }

  embeddings(request: EmbeddingsRequest): EmbeddingsRequest {
    if (!this.acts) return request;
    const { input } = request;
    return {
      ...request,
      input: typeof input === 'string' ? this.text(input) : input.map((text) => this.text(text)),
    };
  }

  /** What a model says, as the client may see it; `json`: its text is JSON. */
  events(events: AsyncIterable<ModelEvent>, json: boolean): AsyncIterable<ModelEvent> {
    return this.acts
      ? privateEvents(events, {
          json,
          action: this.action,
          pseudonyms: this.pseudonyms,
          redact: this.#options,
        })
      : events;
  }

  /** A text of which all is known, as the client may see it. */
  answered(text: string, json = false): string {
    if (!this.acts) return text;
    return this.action === 'tokenize'
      ? restored(text, this.pseudonyms, json)
      : redacted(text, { ...this.#options, json });
  }

  #message(message: ChatMessage): ChatMessage {
    switch (message.role) {
      case 'user':
      case 'system':
      case 'developer':
      case 'tool':
      case 'assistant':
        return { ...message, ...this.#content(message), ...this.#said(message) } as ChatMessage;
      default:
        return message satisfies never;
    }
  }

  #content({ content }: ChatMessage) {
    if (content == null) return {};
    if (typeof content === 'string') return { content: this.text(content) };
    return {
      content: content.map((part) => {
        switch (part.type) {
          case 'text':
            return { ...part, text: this.text(part.text) };
          case 'refusal':
            return { ...part, refusal: this.text(part.refusal) };
          case 'image_url':
            return part;
          default:
            return part satisfies never;
        }
      }),
    };
  }

  #said(message: ChatMessage) {
    if (message.role !== 'assistant') return {};
    const { refusal, reasoning_content, tool_calls } = message;
    return {
      ...(refusal == null ? {} : { refusal: this.text(refusal) }),
      ...(reasoning_content == null ? {} : { reasoning_content: this.text(reasoning_content) }),
      ...(tool_calls === undefined
        ? {}
        : {
            tool_calls: tool_calls.map((call) => ({
              ...call,
              function: { ...call.function, arguments: this.text(call.function.arguments, true) },
            })),
          }),
    };
  }

  #refusal(): PlatformError {
    return new PlatformError(
      'content_filter',
      `messages: the platform lets no personal data through here, and there is some (${[...this.found.keys()].join(', ')}). Leave it out; an operator sets what becomes of it with MCP_PII.`,
      { param: 'messages' },
    );
  }
}

/** What was done and found, as the value of a header: `redact; email=2; person=1`. */
export function piiHeader({ action, found }: PiiSession): string {
  return [action, ...[...found].map(([kind, count]) => `${kind}=${count}`)].join('; ');
}
