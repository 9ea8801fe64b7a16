import { setTimeout as sleep } from 'node:timers/promises';
import type { ModelEvent } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collect, decodeChatCompletion, decodeChatStream, encodeChatCompletion } from '../src/index.ts';
import { all, body, cut, encode, generation, pieces, stream } from './support.ts';

describe('what is encoded is decoded', () => {
  it('as a stream, however its bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(generation, fc.array(fc.nat(), { maxLength: 40 }), async (events, places) => {
        const parts = cut(new TextEncoder().encode(encode(events)), places);
        const decoded = await all(decodeChatStream(pieces(parts)));
        expect(await collect(stream(decoded))).toEqual(await collect(stream(events)));
        expect(decoded.at(-1)?.type).toBe('usage');
        expect(decoded[0]).toEqual(events[0]);
      }),
      { numRuns: 300 },
    );
  });

  it('byte by byte', async () => {
    await fc.assert(
      fc.asyncProperty(generation, async (events) => {
        const bytes = new TextEncoder().encode(encode(events));
        const decoded = await all(decodeChatStream(pieces([...bytes].map((byte) => Uint8Array.of(byte)))));
        expect(decoded).toEqual(await all(decodeChatStream(pieces([bytes]))));
      }),
      { numRuns: 30 },
    );
  });

  it('as one JSON object', async () => {
    await fc.assert(
      fc.asyncProperty(generation, async (events) => {
        const whole = await collect(stream(events));
        const wire: unknown = JSON.parse(JSON.stringify(encodeChatCompletion(whole)));
        expect(await collect(stream(decodeChatCompletion(wire)))).toEqual(whole);
      }),
      { numRuns: 300 },
    );
  });

  it('with the model that answered for an alias and those that went on', async () => {
    const resumed = fc.array(
      fc.record({ from: fc.string({ maxLength: 9 }), to: fc.string({ maxLength: 9 }) }),
      {
        maxLength: 3,
      },
    );
    await fc.assert(
      fc.asyncProperty(generation, resumed, fc.string({ maxLength: 9 }), async (events, more, served_by) => {
        const [start, ...rest] = events;
        if (start?.type !== 'start') return;
        const told: ModelEvent[] = [
          { ...start, served_by },
          ...more.map((one) => ({ type: 'stream_resumed' as const, ...one, code: 'upstream_interrupted' })),
          ...rest,
        ];
        const whole = await collect(stream(told));
        expect(whole).toMatchObject({ served_by, ...(more.length === 0 ? {} : { resumed: more }) });
        const bytes = new TextEncoder().encode(encode(told));
        expect(await collect(decodeChatStream(pieces([bytes])))).toEqual(whole);
        const wire: unknown = JSON.parse(JSON.stringify(encodeChatCompletion(whole)));
        expect(await collect(stream(decodeChatCompletion(wire)))).toEqual(whole);
      }),
      { numRuns: 100 },
    );
  });

  it('never as complete when it is not', async () => {
    await fc.assert(
      fc.asyncProperty(generation, fc.double({ min: 0, max: 0.999, noNaN: true }), async (events, part) => {
        const bytes = new TextEncoder().encode(encode(events));
        const kept = bytes.slice(0, Math.floor(bytes.length * part));
        const seen: ModelEvent[] = [];
        const failure = await (async () => {
          for await (const event of decodeChatStream(pieces([kept]))) seen.push(event);
        })().catch((error: unknown) => error);
        const finished = seen.filter(({ type }) => type === 'finish').length;
        const choices = events.filter(({ type }) => type === 'finish').length;
        if (failure === undefined) expect(finished).toBeGreaterThan(0);
        else expect(failure).toMatchObject({ code: 'upstream_interrupted' });
        if (finished < choices && choices === 1)
          expect(failure).toMatchObject({ code: 'upstream_interrupted' });
      }),
      { numRuns: 200 },
    );
  });
});

describe('the stream', () => {
  const events: ModelEvent[] = [
    { type: 'start', id: 'c1', model: 'm', backend: 'b', created_s: 1 },
    { type: 'text', choice: 0, text: 'Hi' },
    { type: 'finish', choice: 0, reason: { unified: 'stop', raw: 'stop' } },
    { type: 'usage', usage: { input_tokens: 1, output_tokens: 2 } },
  ];

  it('looks like OpenAI’s', () => {
    const lines = encode(events)
      .split('\n\n')
      .filter((line) => line !== '');
    expect(lines.at(-1)).toBe('data: [DONE]');
    const chunks = lines.slice(0, -1).map((line) => JSON.parse(line.replace('data: ', '')) as unknown);
    const head = {
      id: 'c1',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'm',
      system_fingerprint: 'b',
    };
    const choice = (delta: object, finish_reason: string | null = null) => ({
      ...head,
      choices: [{ index: 0, delta, finish_reason }],
      usage: null,
    });
    expect(chunks).toEqual([
      choice({ role: 'assistant', content: '' }),
      choice({ content: 'Hi' }),
      choice({}, 'stop'),
      {
        ...head,
        choices: [],
        usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
      },
    ]);
  });

  it('has no usage unless it was asked for', () => {
    expect(encode(events, false)).not.toContain('usage');
  });

  it('is read to its end, so that the connection can be used again', async () => {
    let ended = false;
    const source = (async function* () {
      yield new TextEncoder().encode(encode(events));
      await sleep(5);
      yield new Uint8Array();
      ended = true;
    })();
    await all(decodeChatStream(source));
    await sleep(50);
    expect(ended).toBe(true);
  });

  it('closes its source when the reader leaves', async () => {
    let closed = false;
    const source = (async function* () {
      try {
        for (const part of cut(new TextEncoder().encode(encode(events)), [80, 160, 240])) yield part;
      } finally {
        closed = true;
      }
    })();
    for await (const event of decodeChatStream(source)) if (event.type === 'start') break;
    expect(closed).toBe(true);
  });

  it('takes what the last event lacks', async () => {
    const text = encode(events).replace(/\n\n$/, '');
    expect(await all(decodeChatStream(body(text)))).toEqual(events);
  });
});
