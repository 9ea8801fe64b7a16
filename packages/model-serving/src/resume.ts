/** What becomes of a stream that breaks off after its first word: another model goes on from what was said, or it ends. */
import {
  type CallContext,
  type ChatCompletionRequest,
  type ChatMessage,
  type ModelEvent,
  PlatformError,
  type Usage,
} from '@mcp/contracts';
import { causeOf } from './aliases/causes.ts';
import { estimateTokens } from './aliases/demands.ts';
import { ended, type Opened } from './opening.ts';
import type { Route } from './route.ts';

/** What a stream was broken off by, and what had been said by then. */
interface Interruption {
  readonly error: PlatformError;
  /** All that have broken off so far. */
  readonly routes: readonly Route[];
  /** The request that another model is to go on with. */
  readonly request: ChatCompletionRequest;
}

interface Resuming {
  readonly request: ChatCompletionRequest;
  readonly call: CallContext;
  readonly opened: Opened;
  /** Asks somebody else. Throws where nobody can. */
  readonly reopen: (interruption: Interruption) => Promise<Opened>;
  readonly onResumed: () => void;
}

/** Whether an answer can be gone on with at all: one text, held to no grammar that would begin anew. */
export function isResumable({ n, response_format, stream }: ChatCompletionRequest): boolean {
  return stream === true && (n ?? 1) === 1 && (response_format?.type ?? 'text') === 'text';
}

/** The events of a stream and of those that go on with it, as one stream with one start and one usage. */
export async function* resumed(resuming: Resuming): AsyncGenerator<ModelEvent> {
  const { call, reopen } = resuming;
  const said = new Said(resuming.request);
  const routes: Route[] = [];
  let { opened } = resuming;
  let interrupted: PlatformError | undefined;
  for (;;) {
    try {
      yield* said.follow(opened, interrupted);
      return;
    } catch (error) {
      if (!(error instanceof PlatformError) || call.signal.aborted || !said.mayGoOn(error)) throw error;
      interrupted = error;
    } finally {
      await ended(opened);
    }
    const failure = interrupted;
    if (opened.route !== undefined) routes.push(opened.route);
    opened = await reopen({ error: failure, routes, request: said.broken() }).catch((later: unknown) => {
      throw call.signal.aborted ? later : failure;
    });
    resuming.onResumed();
  }
}

/** What was said of one answer, by however many models. */
class Said {
  readonly #request: ChatCompletionRequest;
  #text = '';
  #pieces = 0;
  /** Pieces of the model that speaks just now. */
  #own_pieces = 0;
  #model = '';
  /** A call was begun, or a reason to end was told: nobody else can go on from there. */
  #fixed = false;
  /** Tokens of the models that broke off. */
  #spent: Usage | undefined;

  constructor(request: ChatCompletionRequest) {
    this.#request = request;
  }

  /** The events of one model; those of a later one begin with who took over, and go on where the text ended. */
  async *follow({ first, rest }: Opened, interrupted: PlatformError | undefined): AsyncGenerator<ModelEvent> {
    const seam = interrupted === undefined ? undefined : new Seam(this.#text);
    const note = (event: ModelEvent) => this.#see(event, interrupted);
    for (const event of first) yield* seam?.take(note(event)) ?? note(event);
    for await (const event of { [Symbol.asyncIterator]: () => rest })
      yield* seam?.take(note(event)) ?? note(event);
  }

  mayGoOn(error: PlatformError): boolean {
    const cause = causeOf(error);
    return !this.#fixed && (cause === 'rate' || cause === 'error');
  }

  /** The model that spoke broke off. Returns what another one is asked. */
  broken(): ChatCompletionRequest {
    const { messages, max_tokens, max_completion_tokens } = this.#request;
    const input_tokens = estimateTokens(this.#request);
    this.#spent = sum(this.#spent, { input_tokens, output_tokens: this.#own_pieces });
    this.#own_pieces = 0;
    const left = (limit: number) => Math.max(1, limit - this.#pieces);
    return {
      ...this.#request,
      messages: withPrefill(messages, this.#text),
      ...(max_tokens == null ? {} : { max_tokens: left(max_tokens) }),
      ...(max_completion_tokens == null ? {} : { max_completion_tokens: left(max_completion_tokens) }),
    };
  }

  #see(event: ModelEvent, interrupted: PlatformError | undefined): readonly ModelEvent[] {
    switch (event.type) {
      case 'start': {
        const from = this.#model;
        this.#model = event.served_by ?? event.model;
        return interrupted === undefined
          ? [event]
          : [{ type: 'stream_resumed', from, to: this.#model, code: interrupted.code }];
      }
      case 'text':
        this.#text += event.text;
        this.#pieces++;
        this.#own_pieces++;
        return [event];
      case 'reasoning':
        this.#own_pieces++;
        return [event];
      case 'tool_call':
      case 'finish':
        this.#fixed = true;
        return [event];
      case 'usage':
        return [{ type: 'usage', usage: sum(this.#spent, event.usage) }];
      case 'stream_resumed':
        return [event];
      default:
        return event satisfies never;
    }
  }
}

/**
 * Leaves out what a model says again. Servers differ in whether they go on with a message of the assistant or begin the
 * answer anew; one that begins anew with the same words is passed over as far as these go.
 */
class Seam {
  #before: string;
  #held = '';

  constructor(before: string) {
    this.#before = before;
  }

  *take(events: readonly ModelEvent[]): Generator<ModelEvent> {
    for (const event of events) {
      if (event.type !== 'text') {
        if (event.type === 'finish' || event.type === 'tool_call') yield* this.#release(event.choice);
        yield event;
      } else if (this.#before === '') yield event;
      else {
        this.#held += event.text;
        if (this.#before.startsWith(this.#held) && this.#held.length < this.#before.length) continue;
        if (this.#held.startsWith(this.#before)) this.#held = this.#held.slice(this.#before.length);
        yield* this.#release(event.choice);
      }
    }
  }

  *#release(choice: number): Generator<ModelEvent> {
    const text = this.#held;
    this.#before = '';
    this.#held = '';
    if (text !== '') yield { type: 'text', choice, text };
  }
}

/** What was said, as the beginning of the assistant's message: servers go on with it. */
function withPrefill(messages: readonly ChatMessage[], text: string): ChatMessage[] {
  if (text === '') return [...messages];
  const last = messages.at(-1);
  return last?.role === 'assistant' && typeof last.content === 'string' && last.tool_calls === undefined
    ? [...messages.slice(0, -1), { ...last, content: last.content + text }]
    : [...messages, { role: 'assistant', content: text }];
}

function sum(a: Usage | undefined, b: Usage): Usage {
  if (a === undefined) return b;
  return {
    ...b,
    input_tokens: a.input_tokens + b.input_tokens,
    output_tokens: a.output_tokens + b.output_tokens,
  };
}
