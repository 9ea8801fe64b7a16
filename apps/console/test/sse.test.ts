import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEvent } from '../src/api/chat-stream.ts';
import { createSseParser } from '../src/api/sse.ts';

describe('the event stream parser', () => {
  it('gives the same messages wherever the bytes are cut and whatever ends the lines', () => {
    const field = fc.string({ maxLength: 20 }).filter((text) => !/[\r\n\0]/.test(text));
    const message = fc.record({
      event: field,
      id: field,
      data: fc.array(field, { minLength: 1, maxLength: 3 }),
    });
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 6 }),
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.array(fc.nat(30), { maxLength: 30 }),
        (messages, end, cuts) => {
          const wire = messages
            .map(({ event, id, data }) =>
              [`event: ${event}`, `id: ${id}`, ...data.map((line) => `data: ${line}`), '', ''].join(end),
            )
            .join('');
          // A lone CR at the end could be half of a CRLF, so the stream is followed by a comment.
          const text = `${wire}:end${end === '\r' ? '\r\n' : end}`;
          const parse = createSseParser();
          const seen = [];
          let at = 0;
          for (const size of [...cuts, text.length]) {
            seen.push(...parse(text.slice(at, at + size)));
            at += size;
          }
          expect(seen).toEqual(
            messages.map(({ event, id, data }) => ({
              event: event === '' ? 'message' : event,
              id,
              data: data.join('\n'),
            })),
          );
        },
      ),
    );
  });

  it('skips comments and unknown fields, and refuses a message without end', () => {
    const parse = createSseParser();
    expect(parse(': ping\nretry: 10\n\ndata:bare\n\n')).toEqual([
      { event: 'message', id: null, data: 'bare' },
    ]);
    const greedy = createSseParser();
    expect(() => {
      for (let piece = 0; piece < 100; piece++) greedy(`data: ${'x'.repeat(100_000)}\n`);
    }).toThrow(RangeError);
  });
});

describe('a frame', () => {
  it('is an event only when its type and number are known', () => {
    expect(parseEvent('{"type":"delta","seq":3,"text":"a"}')).toMatchObject({ type: 'delta', seq: 3 });
    for (const data of [
      '',
      '{',
      '[]',
      'null',
      '{"type":"delta"}',
      '{"type":"newer","seq":1}',
      '{"seq":1}',
      7,
    ])
      expect(parseEvent(data)).toBeNull();
  });
});
