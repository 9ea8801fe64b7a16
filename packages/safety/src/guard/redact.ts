/** Takes phrases out of what waits to be said. */
import type { ModelEvent } from '@mcp/contracts';
import type { Automaton } from '../rules/automaton.ts';
import { Reader } from '../rules/rules.ts';

const INSTEAD = '[redacted]';

/** A phrase that was found, and the character before which it ends. */
export interface Span {
  readonly phrase: number;
  readonly end: number;
}

/** An event that waits; `end` is where its text ends in what its channel has said. */
export interface Waiting<C> {
  readonly event: ModelEvent;
  readonly channel: C;
  readonly end: number;
}

/** The events of one channel, with the phrases taken out: what is before their end is one event, the rest another. */
export function redacted<C>(
  automaton: Automaton,
  waiting: readonly Waiting<C | undefined>[],
  { channel, spans }: { readonly channel: C; readonly spans: readonly Span[] },
): Waiting<C | undefined>[] {
  const own = waiting.filter((one) => one.channel === channel);
  const [first] = own;
  const last = own.at(-1);
  if (first === undefined || last === undefined) return [...waiting];
  const text = own.map(({ event }) => ('text' in event ? event.text : '')).join('');
  const begin = last.end - text.length;
  const until = Math.max(...spans.map(({ end }) => end));
  let said = '';
  let from = 0;
  for (const { phrase, end } of spans) {
    const start = startOf(automaton, phrase, text.slice(0, end - begin));
    if (start < from) continue;
    said += `${text.slice(from, start)}${INSTEAD}`;
    from = end - begin;
  }
  const rest = text.slice(until - begin);
  const before = { event: withText(first.event, said), channel: undefined, end: until };
  const after = rest === '' ? [] : [{ event: withText(first.event, rest), channel, end: last.end }];
  return waiting.flatMap((one) => {
    if (one.channel !== channel) return [one];
    return one === first ? [before, ...after] : [];
  });
}

/** Where the phrase begins that ends where the text ends: the last word from which it is found. */
function startOf(automaton: Automaton, phrase: number, text: string): number {
  for (let at = text.length - 1; at > 0; at--) {
    if (!/[\p{L}\p{N}]/u.test(text.slice(at - 1, at)) && endsWith(automaton, phrase, text.slice(at)))
      return at;
  }
  return 0;
}

function endsWith(automaton: Automaton, phrase: number, text: string): boolean {
  let found = false;
  const reader = new Reader(automaton, (phrases) => {
    found ||= phrases.includes(phrase);
  });
  reader.push(text);
  reader.end();
  return found;
}

/** Log probabilities are of the tokens that were said: they go with them. */
function withText(event: ModelEvent, text: string): ModelEvent {
  switch (event.type) {
    case 'text':
    case 'reasoning':
      return { type: event.type, choice: event.choice, text };
    default:
      return event;
  }
}
