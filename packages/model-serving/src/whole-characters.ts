import type { ModelEvent } from '@mcp/contracts';

type Spoken = Extract<ModelEvent, { type: 'text' | 'reasoning' | 'tool_call' }>;

/**
 * Keeps the texts of a stream of events well-formed Unicode, each by itself: half of a character at the end of a
 * piece waits for its other half, and becomes U+FFFD when that does not come. What is stored, hashed and sent on is
 * then the same text everywhere.
 */
export class WholeCharacters {
  /** What waits, by where it belongs: an event like those that came, with the first half as its text. */
  readonly #waiting = new Map<string, Spoken>();

  /** The events to pass on for one that came: nearly always itself. */
  take(event: ModelEvent): readonly ModelEvent[] {
    if (event.type === 'start' || event.type === 'usage' || event.type === 'stream_resumed') return [event];
    if (event.type === 'finish') return this.#waiting.size === 0 ? [event] : [...this.#rest(event), event];
    const text = textOf(event);
    if (this.#waiting.size === 0 && text.isWellFormed()) return [event];
    const place = `${event.type} ${event.choice} ${event.type === 'tool_call' ? event.index : ''}`;
    const waiting = this.#waiting.get(place);
    const joined = waiting === undefined ? text : textOf(waiting) + text;
    const half = /[\uD800-\uDBFF]$/.exec(joined)?.[0] ?? '';
    if (half === '') this.#waiting.delete(place);
    else this.#waiting.set(place, continued(event, half));
    const whole = joined.slice(0, joined.length - half.length).toWellFormed();
    // A call's first event has its name: that does not wait.
    return whole === '' && event.type !== 'tool_call' ? [] : [withText(event, whole)];
  }

  #rest({ choice }: { readonly choice: number }): ModelEvent[] {
    return [...this.#waiting].flatMap(([place, waiting]) => {
      if (waiting.choice !== choice) return [];
      this.#waiting.delete(place);
      return [continued(waiting, '\uFFFD')];
    });
  }
}

function textOf(event: Spoken): string {
  return event.type === 'tool_call' ? event.arguments_delta : event.text;
}

function withText(event: Spoken, text: string): Spoken {
  return event.type === 'tool_call' ? { ...event, arguments_delta: text } : { ...event, text };
}

/** A later piece of the same text: without what belongs to the piece that came. */
function continued(event: Spoken, text: string): Spoken {
  const { type, choice } = event;
  return type === 'tool_call'
    ? { type, choice, index: event.index, arguments_delta: text }
    : { type, choice, text };
}
