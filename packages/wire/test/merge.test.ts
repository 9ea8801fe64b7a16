/** Events that go together say the same as apart. */
import type { ModelEvent } from '@mcp/contracts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { chatChunkEncoder, collect, decodeChatStream, MAX_MERGED_CHARS, mergeEvents } from '../src/index.ts';

const text = fc.string({ unit: 'binary', maxLength: 12 });
const choice = fc.nat(1);
const token = fc.record({ token: text, logprob: fc.constant(-0.5) }).map((one) => ({
  ...one,
  bytes: null,
  top_logprobs: [],
}));
const said: fc.Arbitrary<ModelEvent> = fc.oneof(
  fc.record({ type: fc.constant('text' as const), choice, text }),
  fc.record({
    type: fc.constant('text' as const),
    choice,
    text,
    logprobs: fc.array(token, { maxLength: 2 }),
  }),
  fc.record({ type: fc.constant('reasoning' as const), choice, text }),
  fc.record({
    type: fc.constant('tool_call' as const),
    choice,
    index: fc.nat(1),
    arguments_delta: text,
  }),
);

/** A whole stream: each call begins with its id and name. */
const stream = fc.array(said, { maxLength: 60 }).map((events): ModelEvent[] => {
  const begun = new Set<string>();
  const named = events.map((event) => {
    if (event.type !== 'tool_call') return event;
    const key = `${event.choice}.${event.index}`;
    if (begun.has(key)) return event;
    begun.add(key);
    return { ...event, id: `call_${key}`, name: `tool_${event.index}` };
  });
  return [
    { type: 'start', id: 'r', model: 'm', backend: 'b', created_s: 1 },
    ...named,
    ...[0, 1].map(
      (one): ModelEvent => ({ type: 'finish', choice: one, reason: { unified: 'stop', raw: null } }),
    ),
    { type: 'usage', usage: { input_tokens: 1, output_tokens: 2 } },
  ];
});

/** Neighbours merged where they were waited for together. */
function merged(events: readonly ModelEvent[], together: readonly boolean[]): ModelEvent[] {
  const out: ModelEvent[] = [];
  for (const [at, event] of events.entries()) {
    const last = out.at(-1);
    const one =
      last === undefined || together[at % together.length] !== true ? undefined : mergeEvents(last, event);
    if (one === undefined) out.push(event);
    else out[out.length - 1] = one;
  }
  return out;
}

async function* from<T>(values: Iterable<T>): AsyncGenerator<T> {
  yield* values;
}

it('is the same completion, however its neighbours were merged, and over the wire', async () => {
  await fc.assert(
    fc.asyncProperty(
      stream,
      fc.array(fc.boolean(), { minLength: 1, maxLength: 7 }),
      async (events, together) => {
        const fewer = merged(events, together);
        const whole = await collect(from(events));
        expect(await collect(from(fewer))).toEqual(whole);
        const encode = chatChunkEncoder({ include_usage: true });
        const bytes = new TextEncoder().encode(`${fewer.map(encode).join('')}data: [DONE]\n\n`);
        const back: ModelEvent[] = [];
        for await (const event of decodeChatStream(from([bytes]))) back.push(event);
        const texts = (list: readonly ModelEvent[]) =>
          list.flatMap((event) => (event.type === 'text' && event.choice === 0 ? [event.text] : [])).join('');
        expect(texts(back)).toBe(texts(events));
      },
    ),
    { numRuns: 60 },
  );
});

it('never makes one event larger than its bound', () => {
  const half: ModelEvent = { type: 'text', choice: 0, text: 'x'.repeat(MAX_MERGED_CHARS / 2) };
  const whole = mergeEvents(half, half);
  expect(whole).toMatchObject({ text: 'x'.repeat(MAX_MERGED_CHARS) });
  expect(whole && mergeEvents(whole, { ...half, text: 'y' })).toBeUndefined();
});
