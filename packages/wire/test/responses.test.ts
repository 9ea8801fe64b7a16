import { type ModelEvent, PlatformError, ResponseItem, ResponsesRequest } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { collect, ResponseEncoder, responseOf } from '../src/index.ts';
import { framesIn, generation, stream } from './support.ts';

const ID = `resp_${'0af'.repeat(16)}`;
const Item = z.looseObject({ id: z.string(), type: z.string() });
const Frame = z.looseObject({
  type: z.string(),
  sequence_number: z.number(),
  output_index: z.number().optional(),
  item_id: z.string().optional(),
  delta: z.string().optional(),
  text: z.string().optional(),
  arguments: z.string().optional(),
  item: Item.optional(),
  response: z.looseObject({ id: z.string(), status: z.string(), output: z.array(Item) }).optional(),
});
type Frame = z.infer<typeof Frame>;

const encoderOf = (request: object = {}) =>
  new ResponseEncoder({
    id: ID,
    request: ResponsesRequest.parse({ model: 'm', input: 'hi', ...request }),
    store: true,
  });

function framesOf(events: readonly ModelEvent[]): Frame[] {
  const encoder = encoderOf();
  const text = events.map((event) => encoder.encode(event)).join('');
  return framesIn(text + encoder.close() + encoder.end({ store: true, completed_s: 1 }), Frame);
}

/** What a client puts together of one item: its deltas, and what is said of it when it is done. */
function followed(frames: readonly Frame[]): Map<string, { deltas: string; done: string[]; ended: unknown }> {
  const items = new Map<string, { deltas: string; done: string[]; ended: unknown }>();
  const order: string[] = [];
  for (const { type, output_index, item_id, item, delta, text, arguments: given } of frames) {
    if (type === 'response.output_item.added') {
      expect(output_index).toBe(order.length);
      order.push(item?.id ?? '');
      items.set(item?.id ?? '', { deltas: '', done: [], ended: undefined });
      continue;
    }
    const id = item_id ?? item?.id;
    if (id === undefined) continue;
    expect(order[output_index ?? -1]).toBe(id);
    const known = items.get(id);
    if (known === undefined) throw new Error(`${type} of an item that was not added`);
    expect(known.ended, type).toBeUndefined();
    if (type === 'response.output_item.done') known.ended = item;
    else if (delta !== undefined) known.deltas += delta;
    else if (text !== undefined || given !== undefined) known.done.push(text ?? given ?? '');
  }
  return items;
}

describe('a stream', () => {
  it('has its events in order, each item whole, and in them what the completion has', async () => {
    await fc.assert(
      fc.asyncProperty(generation, async (events) => {
        const frames = framesOf(events);
        expect(frames.map((frame) => frame.sequence_number)).toEqual(frames.map((_, i) => i));
        expect(frames.slice(0, 2).map(({ type }) => type)).toEqual([
          'response.created',
          'response.in_progress',
        ]);
        const last = frames.at(-1);
        expect(last?.type).toBe(`response.${last?.response?.status}`);
        expect(frames.filter(({ type }) => /^response\.(completed|incomplete)$/.test(type))).toHaveLength(1);
        const items = [...followed(frames).values()];
        for (const { deltas, done } of items) expect(done).toEqual([deltas]);
        expect(last?.response?.output).toEqual(items.map(({ ended }) => ended));
        const [choice] = (await collect(stream(events))).choices;
        const told = (type: string) =>
          items.filter(({ ended }) => Item.parse(ended).type === type).map(({ deltas }) => deltas);
        expect(told('message').join('')).toBe(choice?.text ?? '');
        expect(told('reasoning').join('')).toBe(choice?.reasoning ?? '');
        expect(told('function_call')).toEqual(
          (choice?.tool_calls ?? []).map((call) => call.function.arguments),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('makes the completion that its events make', async () => {
    await fc.assert(
      fc.asyncProperty(generation, async (events) => {
        const encoder = encoderOf();
        for (const event of events) encoder.encode(event);
        encoder.close();
        const [mine, [theirs]] = [encoder.completion(), (await collect(stream(events))).choices];
        expect(mine.choices[0]).toEqual({ ...theirs, index: 0 });
      }),
    );
  });

  it('gives items that can be sent back as they are, and whose ids say which response they are of', () => {
    fc.assert(
      fc.property(generation, (events) => {
        for (const item of framesOf(events).at(-1)?.response?.output ?? []) {
          // A name that no function may have is none of ours.
          const { error } = ResponseItem.safeParse({
            ...item,
            ...('name' in item ? { name: 'f', call_id: '1' } : {}),
          });
          expect(error).toBeUndefined();
          expect(responseOf(item.id)).toBe(ID);
        }
      }),
    );
  });

  it('has a last event when it fails, with what was said so far', () => {
    const encoder = encoderOf();
    const events: ModelEvent[] = [
      { type: 'start', id: 'c', model: 'm', backend: 'b', created_s: 1 },
      { type: 'text', choice: 0, text: 'so' },
    ];
    const text = events.map((event) => encoder.encode(event)).join('');
    const frames = framesIn(text + encoder.fail(new PlatformError('upstream_failed', 'It broke.')), Frame);
    expect(frames.at(-1)).toMatchObject({
      type: 'response.failed',
      sequence_number: frames.length - 1,
      response: {
        status: 'failed',
        error: { code: 'server_error', message: 'It broke.' },
        output: [{ status: 'incomplete', content: [{ text: 'so' }] }],
      },
    });
  });

  it.each([
    ['stop', 'completed', null],
    ['tool_calls', 'completed', null],
    ['length', 'incomplete', { reason: 'max_output_tokens' }],
    ['cancelled', 'incomplete', { reason: 'max_output_tokens' }],
    ['content_filter', 'incomplete', { reason: 'content_filter' }],
  ] as const)('that ends by %s is %s', (unified, status, incomplete_details) => {
    const frames = framesOf([
      { type: 'start', id: 'c', model: 'm', backend: 'b', created_s: 1 },
      { type: 'finish', choice: 0, reason: { unified, raw: null } },
    ]);
    expect(frames.at(-1)?.response).toMatchObject({
      status,
      incomplete_details,
      output: [{ type: 'message', status, content: [{ text: '' }] }],
    });
  });
});
