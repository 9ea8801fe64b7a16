/** What a model says, looked at while it comes: what may become a blocked text waits until it is known not to. */
import type { ModelEvent, SafetyTier } from '@mcp/contracts';
import { Reader } from '../rules/rules.ts';
import type { Guard } from './guard.ts';
import { AnswerWindows } from './harm.ts';
import { JsonText } from './json-text.ts';
import { moderateEvents } from './moderation.ts';
import { actionFor, type Findings } from './policy.ts';
import { redacted, type Span, type Waiting } from './redact.ts';

/** Characters of one channel that wait at most. */
const MAX_HELD_CHARS = 4096;

type Said = Extract<ModelEvent, { type: 'text' | 'reasoning' | 'tool_call' }>;

/** The events of a model as far as they may go on. A blocked one ends with the finish reason `content_filter`. */
export function guardEvents(
  guard: Guard,
  events: AsyncIterable<ModelEvent>,
  findings: Findings,
): AsyncIterable<ModelEvent> {
  if (guard.policy.mode === 'off') return events;
  const passed = { [Symbol.asyncIterator]: () => new Watched(events, new Watch(guard, findings)) };
  const waits = guard.moderator !== undefined || guard.policy.classifier === 'block';
  return waits ? moderateEvents(guard, passed, findings) : passed;
}

/** Events as they are let pass; written by hand, for a generator takes several times as long for each. */
class Watched implements AsyncIterator<ModelEvent, undefined> {
  readonly #source: AsyncIterator<ModelEvent>;
  readonly #watch: Watch;
  /** What goes on before more is asked for. */
  #ready: ModelEvent[] = [];
  #state: 'open' | 'cut' | 'ended' = 'open';

  constructor(events: AsyncIterable<ModelEvent>, watch: Watch) {
    this.#source = events[Symbol.asyncIterator]();
    this.#watch = watch;
  }

  next(): Promise<IteratorResult<ModelEvent, undefined>> {
    const value = this.#ready.shift();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.#state !== 'open') return this.return();
    return this.#source.next().then(this.#take, this.#fail);
  }

  /** Stops the model, once. */
  async return(): Promise<IteratorResult<ModelEvent, undefined>> {
    const running = this.#state !== 'ended';
    this.#state = 'ended';
    this.#ready = [];
    if (running) await this.#source.return?.();
    return { done: true, value: undefined };
  }

  readonly #take = (
    result: IteratorResult<ModelEvent>,
  ): IteratorResult<ModelEvent, undefined> | Promise<IteratorResult<ModelEvent, undefined>> => {
    const watch = this.#watch;
    if (result.done !== true) {
      if (watch.passes(result.value)) return result;
    } else {
      watch.end();
      this.#state = 'ended';
    }
    if (watch.blocked && this.#state === 'open') this.#state = 'cut';
    this.#ready.push(...(watch.blocked ? watch.cut() : watch.released()));
    return this.next();
  };

  readonly #fail = (error: unknown): never => {
    this.#state = 'ended';
    throw error;
  };
}

/** The channels of one answer, and the events that wait. */
class Watch {
  readonly #guard: Guard;
  readonly #findings: Findings;
  readonly #channels = new Map<string, Channel>();
  /** Whether each choice has finished. */
  readonly #finished = new Map<number, boolean>();
  /** The channel that the event before was of, and that has not finished. */
  #last: Channel | undefined;
  #waiting: Waiting<Channel | undefined>[] = [];
  #redactions: { readonly channel: Channel; readonly spans: readonly Span[] }[] = [];
  blocked = false;

  constructor(guard: Guard, findings: Findings) {
    this.#guard = guard;
    this.#findings = findings;
  }

  /** Reads an event. True when it may go on at once; otherwise it waits, or ends the answer. */
  passes(event: ModelEvent): boolean {
    const channel = this.#read(event);
    if (this.blocked) return false;
    const end = channel?.read ?? 0;
    const clear = channel === undefined || channel.clear >= end;
    if (clear && this.#waiting.length === 0 && this.#redactions.length === 0) return true;
    if (channel !== undefined) this.#waiting.push({ event, channel, end });
    this.#redact();
    if (channel === undefined) this.#waiting.push({ event, channel, end });
    return false;
  }

  /** The events that need not wait any longer. */
  *released(): Generator<ModelEvent> {
    let count = 0;
    for (const { event, channel, end } of this.#waiting) {
      if (channel !== undefined && channel.clear < end) break;
      count++;
      yield event;
    }
    this.#waiting.splice(0, count);
  }

  /** The model has said all. */
  end(): void {
    for (const channel of this.#channels.values()) this.#close(channel);
    this.#redact();
  }

  /** How an answer ends that is blocked: what waits is dropped. */
  *cut(): Generator<ModelEvent> {
    const choices = this.#finished.size === 0 ? [0] : [...this.#finished.keys()];
    for (const choice of choices)
      if (this.#finished.get(choice) !== true)
        yield { type: 'finish', choice, reason: { unified: 'content_filter', raw: null } };
  }

  #read(event: ModelEvent): Channel | undefined {
    switch (event.type) {
      case 'text':
      case 'reasoning':
      case 'tool_call': {
        const channel = this.#channelOf(event);
        channel.push(event.type === 'tool_call' ? event.arguments_delta : event.text);
        if (channel.found) this.#judge(channel);
        return channel;
      }
      case 'finish':
        this.#last = undefined;
        for (const channel of this.#channels.values())
          if (channel.choice === event.choice) this.#close(channel);
        if (!this.blocked) this.#finished.set(event.choice, true);
        return undefined;
      default:
        return undefined;
    }
  }

  #close(channel: Channel): void {
    channel.end();
    this.#judge(channel);
  }

  #channelOf(event: Said): Channel {
    const last = this.#last;
    if (last !== undefined && event.type === 'text' && last.tier === 'output' && last.choice === event.choice)
      return last;
    this.#finished.set(event.choice, false);
    const key = `${event.choice} ${event.type === 'tool_call' ? event.index : event.type}`;
    let channel = this.#channels.get(key);
    if (channel === undefined) {
      channel = new Channel(this.#guard, {
        tier: TIERS[event.type],
        choice: event.choice,
        findings: this.#findings,
      });
      this.#channels.set(key, channel);
    }
    this.#last = channel;
    return channel;
  }

  #judge(channel: Channel): void {
    const spans: Span[] = [];
    for (const { phrase, at } of channel.take()) {
      const rule = this.#guard.rule(phrase);
      if (rule === undefined) continue;
      const { tier } = channel;
      const action = actionFor(this.#guard.policy, { severity: rule.severity, tier });
      this.#findings.add({ ...rule, tier, stage: 'rules' }, action);
      if (action === 'blocked') this.blocked = true;
      if (action === 'redacted') spans.push({ phrase, end: at });
    }
    if (spans.length > 0) this.#redactions.push({ channel, spans });
  }

  #redact(): void {
    for (const redaction of this.#redactions)
      this.#waiting = redacted(this.#guard.automaton, this.#waiting, redaction);
    this.#redactions = [];
  }
}

const TIERS = {
  text: 'output',
  reasoning: 'reasoning',
  tool_call: 'tool_arguments',
} as const satisfies Record<Said['type'], SafetyTier>;
type ChannelTier = (typeof TIERS)[Said['type']];

/** One text of an answer: of a choice what is said, what is thought, or what one tool gets. */
class Channel {
  readonly tier: ChannelTier;
  readonly choice: number;
  readonly #reader: Reader;
  readonly #json: JsonText | undefined;
  /** Undefined: what is said is looked at before it goes on, or is no prose. */
  readonly #windows: AnswerWindows | undefined;
  #found: { phrase: number; at: number }[] = [];
  #ended = false;

  constructor(
    guard: Guard,
    {
      tier,
      choice,
      findings,
    }: { readonly tier: ChannelTier; readonly choice: number; readonly findings: Findings },
  ) {
    this.tier = tier;
    this.choice = choice;
    this.#json = tier === 'tool_arguments' ? new JsonText() : undefined;
    this.#windows =
      tier === 'tool_arguments' || guard.policy.classifier === 'block'
        ? undefined
        : new AnswerWindows(guard, { findings, tier });
    this.#reader = new Reader(guard.automaton, (phrases, at) => {
      for (const phrase of phrases) this.#found.push({ phrase, at });
    });
  }

  /** Characters that were read. */
  get read(): number {
    return this.#reader.read;
  }

  /** Whether something was found since it was last asked. */
  get found(): boolean {
    return this.#found.length > 0;
  }

  /** Everything before it may go on. */
  get clear(): number {
    if (this.#ended) return this.#reader.read;
    return Math.max(this.#reader.held_from, this.#reader.read - MAX_HELD_CHARS);
  }

  push(text: string): void {
    this.#reader.push(this.#json === undefined ? text : this.#json.push(text));
    this.#windows?.push(text);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#reader.end();
    this.#windows?.end();
  }

  /** What was found since it was last asked. */
  take(): readonly { readonly phrase: number; readonly at: number }[] {
    if (this.#found.length === 0) return this.#found;
    const found = this.#found;
    this.#found = [];
    return found;
  }
}
