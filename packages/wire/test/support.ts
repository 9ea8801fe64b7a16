import type { FinishReason, LogprobToken, ModelEvent, Usage } from '@mcp/contracts';
import fc from 'fast-check';
import { expect } from 'vitest';
import type { z } from 'zod';
import { chatChunkEncoder, DONE_FRAME } from '../src/index.ts';

/** Bytes in pieces, as a network would hand them over. */
export async function* pieces(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

/** A text as a body of one piece. */
export function body(text: string): AsyncIterable<Uint8Array> {
  return pieces([new TextEncoder().encode(text)]);
}

export async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const item of source) out.push(item);
  return out;
}

export async function* stream(events: readonly ModelEvent[]): AsyncGenerator<ModelEvent> {
  yield* events;
}

/** What an SSE answer to these events looks like. */
export function encode(events: readonly ModelEvent[], include_usage = true): string {
  const frame = chatChunkEncoder({ include_usage });
  return events.map(frame).join('') + DONE_FRAME;
}

/** Cuts bytes at the given places, taken modulo their length. */
export function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, i) => bytes.slice(from, at[i] ?? bytes.length));
}

const text = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' });
const finish: fc.Arbitrary<FinishReason> = fc.record({
  unified: fc.constantFrom('stop', 'length', 'tool_calls', 'content_filter', 'cancelled', 'error', 'other'),
  raw: fc.option(fc.string({ maxLength: 8 }), { nil: null }),
});
const entry = fc.record({
  token: text,
  // JSON has no -0.
  logprob: fc.double({ min: -20, max: 0, noNaN: true }).map((value) => value + 0),
  bytes: fc.option(fc.array(fc.nat(255), { maxLength: 4 }), { nil: null }),
});
const logprob: fc.Arbitrary<LogprobToken> = fc
  .tuple(entry, fc.array(entry, { maxLength: 3 }))
  .map(([first, top_logprobs]) => ({ ...first, top_logprobs }));
const usage: fc.Arbitrary<Usage> = fc.record(
  {
    input_tokens: fc.nat(1e6),
    output_tokens: fc.nat(1e6),
    cached_input_tokens: fc.nat(1e6),
    reasoning_tokens: fc.nat(1e6),
  },
  { requiredKeys: ['input_tokens', 'output_tokens'] },
);

/** What one choice says, in order. */
function choiceEvents(choice: number): fc.Arbitrary<ModelEvent[]> {
  const said = fc.oneof(
    text.map((value): ModelEvent => ({ type: 'text', choice, text: value })),
    fc
      .tuple(text, fc.array(logprob, { minLength: 1, maxLength: 2 }))
      .map(([value, logprobs]): ModelEvent => ({ type: 'text', choice, text: value, logprobs })),
    text.map((value): ModelEvent => ({ type: 'reasoning', choice, text: value })),
  );
  const call = (index: number) =>
    fc
      .tuple(text, text, fc.array(fc.string({ maxLength: 6 }), { maxLength: 3 }))
      .map(([id, name, parts]): ModelEvent[] => [
        { type: 'tool_call', choice, index, id, name, arguments_delta: '' },
        ...parts.map(
          (arguments_delta): ModelEvent => ({ type: 'tool_call', choice, index, arguments_delta }),
        ),
      ]);
  return fc
    .tuple(
      fc.array(said, { maxLength: 6 }),
      fc.nat(3).chain((calls) => fc.tuple(...Array.from({ length: calls }, (_, index) => call(index)))),
      finish,
    )
    .map(([words, calls, reason]) => [
      ...words,
      ...interleave(calls),
      { type: 'finish', choice, reason } satisfies ModelEvent,
    ]);
}

/** One from each in turn, so that what belongs together does not come together. */
function interleave<T>(lists: readonly (readonly T[])[]): T[] {
  const longest = Math.max(0, ...lists.map((list) => list.length));
  return Array.from({ length: longest }, (_, i) =>
    lists.flatMap((list) => (i < list.length ? [list[i] as T] : [])),
  ).flat();
}

/** A whole generation: up to three choices whose events mix. */
export const generation: fc.Arbitrary<ModelEvent[]> = fc
  .tuple(
    fc.record({ id: text, model: text, backend: text, created_s: fc.nat() }),
    fc
      .integer({ min: 1, max: 3 })
      .chain((n) => fc.tuple(...Array.from({ length: n }, (_, choice) => choiceEvents(choice)))),
    usage,
  )
  .map(([head, choices, counted]) => [
    { type: 'start', ...head },
    ...interleave(choices),
    { type: 'usage', usage: counted },
  ]);

/** The frames of a text of server-sent events, each under the name of its type. */
export function framesIn<F extends { type: string }>(text: string, frame: z.ZodType<F>): F[] {
  return text
    .split('\n\n')
    .filter((one) => one !== '')
    .map((one) => {
      const [event, data] = one.split('\n');
      const parsed = frame.parse(JSON.parse((data ?? '').replace(/^data: /, '')));
      expect(event).toBe(`event: ${parsed.type}`);
      return parsed;
    });
}
