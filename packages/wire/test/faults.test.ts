/** Whatever another server sends, what comes of it is events or an error of ours. */
import { ERROR_CODES, PlatformError } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeChatCompletion,
  decodeChatStream,
  decodeEmbeddings,
  errorFromBody,
  retryAfterMs,
  upstreamError,
} from '../src/index.ts';
import { all, body, cut, encode, generation, pieces } from './support.ts';

const outcome = (work: () => unknown) => {
  try {
    return work();
  } catch (error) {
    if (error instanceof PlatformError) return error;
    throw error;
  }
};

/** JSON that comes near to what servers answer. */
const nearly = fc.letrec<{ value: unknown }>((tie) => {
  const key = fc.constantFrom(
    ...['error', 'message', 'code', 'type', 'param', 'detail', 'msg', 'loc', 'object', 'choices', 'delta'],
    ...[
      'content',
      'index',
      'finish_reason',
      'usage',
      'prompt_tokens',
      'completion_tokens',
      'data',
      'embedding',
    ],
    ...['tool_calls', 'function', 'name', 'arguments', 'id', 'logprobs', 'reasoning', 'refusal', '__proto__'],
  );
  return {
    value: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      fc.constantFrom(null, true, 0, -1, 1.5, 429, 1e9, '', 'stop', 'error', 'a', 'not_found'),
      fc.string({ maxLength: 4 }),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(key, tie('value'), { maxKeys: 4 }),
    ),
  };
}).value;

describe('anything', () => {
  it('is read as a completion, or refused', () => {
    fc.assert(
      fc.property(nearly, (value) => {
        const events = outcome(() => decodeChatCompletion(value));
        if (events instanceof PlatformError) return;
        const types = (events as { type: string }[]).map(({ type }) => type);
        expect(types[0]).toBe('start');
        expect(types).toContain('finish');
      }),
      { numRuns: 600 },
    );
  });

  it('is read as vectors, or refused', () => {
    fc.assert(
      fc.property(nearly, (value) => {
        const result = outcome(() => decodeEmbeddings(value));
        if (!(result instanceof PlatformError))
          expect(Array.isArray((result as { vectors: unknown }).vectors)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('is an error of a code that there is, with words in it, or none', () => {
    fc.assert(
      fc.property(
        nearly,
        fc.constantFrom(400, 401, 404, 408, 413, 422, 429, 500, 503, 529, 999),
        (value, status) => {
          const error = errorFromBody(value, { status });
          if (error === undefined) return;
          expect(ERROR_CODES[error.code].status).toBe(error.status);
          expect(error.message.trim()).not.toBe('');
          expect(error.message.length).toBeLessThan(700);
        },
      ),
      { numRuns: 600 },
    );
  });

  it('as a stream ends in a finish, or in an error of ours', async () => {
    const line = fc.oneof(
      nearly.map((value) => `data: ${JSON.stringify(value)}\n\n`),
      fc.constantFrom(
        'data: [DONE]\n\n',
        ': ping\n\n',
        'event: error\n',
        'data: oops\n\n',
        'id: 7\n',
        '\r\n',
        'data:\n\n',
      ),
      fc.string({ maxLength: 6 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 6 }), async (lines) => {
        const seen = await all(decodeChatStream(body(lines.join('')))).catch((error: unknown) => error);
        if (!Array.isArray(seen)) expect(seen).toBeInstanceOf(PlatformError);
        else expect(seen.map(({ type }) => type)).toContain('finish');
      }),
      { numRuns: 300 },
    );
  });

  it('between the bytes of a stream is told, never swallowed', async () => {
    await fc.assert(
      fc.asyncProperty(
        generation,
        fc.nat(),
        fc.uint8Array({ minLength: 1, maxLength: 3 }),
        async (events, at, noise) => {
          const bytes = new TextEncoder().encode(encode(events));
          const place = at % bytes.length;
          const parts = [bytes.slice(0, place), noise, bytes.slice(place)];
          const seen = await all(decodeChatStream(pieces(parts))).catch((error: unknown) => error);
          if (!Array.isArray(seen)) expect(seen).toBeInstanceOf(PlatformError);
          else expect(seen.filter(({ type }) => type === 'finish').length).toBeGreaterThan(0);
        },
      ),
    );
  });
});

describe('an answer that says less than it should', () => {
  const choice = { index: 0, message: { content: 'a' }, finish_reason: 'stop' };
  it.each([
    ['no choice', { choices: [] }, 'upstream_failed'],
    ['no list of choices', { choices: null }, 'upstream_failed'],
    ['a choice without a message', { choices: [{ index: 0 }] }, 'upstream_failed'],
    ['a choice beyond all bounds', { choices: [{ ...choice, index: 129 }] }, 'upstream_failed'],
    [
      'usage below nothing',
      { choices: [choice], usage: { prompt_tokens: -1, completion_tokens: 0 } },
      'upstream_failed',
    ],
  ])('is refused: %s', (_, json, code) => {
    expect(outcome(() => decodeChatCompletion(json))).toMatchObject({ code });
  });

  it.each<[string, object, object[]]>([
    [
      'nothing but its choices',
      { choices: [choice] },
      [{ type: 'start', id: '', model: '', created_s: 0 }, { text: 'a' }, { type: 'finish' }],
    ],
    [
      'no reason to end',
      { choices: [{ message: { content: 'a' } }] },
      [{}, { text: 'a' }, { reason: { unified: 'other', raw: null } }],
    ],
    [
      'no content',
      { choices: [{ message: {}, finish_reason: 'length' }] },
      [{}, { reason: { unified: 'length' } }],
    ],
    [
      'usage without its sum',
      { choices: [choice], usage: { prompt_tokens: 3, completion_tokens: 2 } },
      [{}, {}, {}, { usage: { input_tokens: 3, output_tokens: 2 } }],
    ],
    [
      'usage in detail',
      {
        choices: [choice],
        usage: {
          prompt_tokens: 3,
          completion_tokens: 2,
          prompt_tokens_details: { cached_tokens: 1 },
          completion_tokens_details: { reasoning_tokens: null },
        },
      },
      [{}, {}, {}, { usage: { input_tokens: 3, output_tokens: 2, cached_input_tokens: 1 } }],
    ],
  ])('is read: %s', (_, json, events) => {
    expect(decodeChatCompletion(json)).toMatchObject(events);
  });

  it.each([
    ['only its end', 'data: [DONE]\n\n'],
    ['a head alone', 'data: {"id": "c", "choices": []}\n\ndata: [DONE]\n\n'],
    [
      'usage alone',
      'data: {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 0}}\n\ndata: [DONE]\n\n',
    ],
  ])('as a stream is interrupted: %s', async (_, text) => {
    await expect(all(decodeChatStream(body(text)))).rejects.toMatchObject({
      code: 'upstream_interrupted',
      retryable: true,
    });
  });
});

/** Statuses by row, then what the error is where the server gives no code, `model_not_found`, or a quota that is used up. */
describe.each<[number, string, string, string]>([
  [400, 'invalid_request', 'model_not_found', 'upstream_failed'],
  [401, 'upstream_failed', 'upstream_failed', 'upstream_failed'],
  [402, 'upstream_failed', 'upstream_failed', 'upstream_failed'],
  [403, 'upstream_failed', 'upstream_failed', 'upstream_failed'],
  [404, 'upstream_failed', 'model_not_found', 'upstream_failed'],
  [408, 'deadline_exceeded', 'model_not_found', 'upstream_failed'],
  [413, 'payload_too_large', 'model_not_found', 'upstream_failed'],
  [422, 'invalid_request', 'model_not_found', 'upstream_failed'],
  [429, 'overloaded', 'model_not_found', 'upstream_failed'],
  [500, 'upstream_failed', 'model_not_found', 'upstream_failed'],
  [502, 'upstream_failed', 'model_not_found', 'upstream_failed'],
  [503, 'unavailable', 'model_not_found', 'upstream_failed'],
  [504, 'deadline_exceeded', 'model_not_found', 'upstream_failed'],
  [529, 'unavailable', 'model_not_found', 'upstream_failed'],
])('a refusal with status %d', (status, bare, named, quota) => {
  it('is told by its status, and by the code that the server gives it', () => {
    const code = (more: object) => upstreamError({ message: 'no', status, ...more }).code;
    expect([code({}), code({ code: 'model_not_found' }), code({ code: 'insufficient_quota' })]).toEqual([
      bare,
      named,
      quota,
    ]);
    const long = code({ message: 'maximum context length is 8192 tokens' });
    expect(long).toBe(bare === 'upstream_failed' && status < 404 ? bare : 'context_length_exceeded');
  });

  it('is worth another try unless the caller or the operator has to do something first', () => {
    const error = upstreamError({ message: 'no', status });
    expect(error.retryable).toBe(
      [401, 402, 403].includes(status) ? false : ERROR_CODES[error.code].retryable,
    );
    expect(upstreamError({ message: 'no', status, code: 'insufficient_quota' }).retryable).toBe(false);
  });

  it('keeps the wait that it asks for, and says something where the server said nothing', () => {
    const error = upstreamError({ message: ' ', status, retry_after_ms: 5 });
    if (![401, 402, 403].includes(status)) expect(error.retry_after_ms).toBe(5);
    expect(error.message).toContain(`status ${status}`);
  });
});

describe('how long to wait', () => {
  const now_ms = Date.parse('2026-11-28T12:00:00Z');
  const day_ms = 86_400_000;
  const bounded = (value: number) => Math.min(day_ms, Math.max(0, Math.round(value)));

  it('is what every form of the header says, within a day', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1000, max: 200_000 }), (seconds) => {
        const wait_ms = bounded(seconds * 1000);
        const at = new Date(now_ms + seconds * 1000);
        const read = (headers: Record<string, string>) => retryAfterMs(headers, now_ms);
        expect(read({ 'retry-after': String(seconds) })).toBe(wait_ms);
        expect(read({ 'retry-after-ms': String(seconds * 1000) })).toBe(wait_ms);
        expect(read({ 'x-ms-retry-after-ms': ` ${seconds * 1000} ` })).toBe(wait_ms);
        expect(read({ 'retry-after': at.toUTCString() })).toBe(wait_ms);
        expect(read({ 'retry-after': at.toISOString() })).toBe(wait_ms);
      }),
    );
  });

  it('is none or within a day, whatever the header says', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.constantFrom('Infinity', 'NaN', '1e99', '-1e99', '0x10')),
        (value) => {
          for (const name of ['retry-after', 'retry-after-ms', 'x-ms-retry-after-ms']) {
            const wait_ms = retryAfterMs({ [name]: value }, now_ms);
            if (wait_ms !== undefined) expect([wait_ms >= 0, wait_ms <= day_ms]).toEqual([true, true]);
          }
        },
      ),
    );
  });

  it.each(['after 5', 'in 3 seconds', 'tomorrow 5', '20s', 'Thu', '2026'.repeat(2000)])(
    'is not made up of %j',
    (value) => {
      expect(retryAfterMs({ 'retry-after': value }, now_ms)).toBeUndefined();
    },
  );

  it('reads the dates of old servers', () => {
    const at = (text: string) => retryAfterMs({ 'retry-after': text }, now_ms);
    expect(at('Sat, 28 Nov 2026 12:00:05 GMT')).toBe(5000);
    expect(at('Saturday, 28-Nov-26 12:00:05 GMT')).toBe(5000);
  });

  it('falls back to the plain header where the exact one says nothing', () => {
    expect(retryAfterMs({ 'retry-after-ms': 'soon', 'retry-after': '3' }, now_ms)).toBe(3000);
  });
});

describe('a stream with other line ends', () => {
  it.each(['\r\n', '\r'])('is read alike with %j, however its bytes are cut', async (end) => {
    await fc.assert(
      fc.asyncProperty(generation, fc.array(fc.nat(), { maxLength: 20 }), async (events, places) => {
        const text = encode(events);
        const other = `${text.replaceAll('\n', end)}${end}`;
        const parts = cut(new TextEncoder().encode(other), places);
        expect(await all(decodeChatStream(pieces(parts)))).toEqual(await all(decodeChatStream(body(text))));
      }),
      { numRuns: 50 },
    );
  });

  it('is read alike with comments, names and ids between, and its data on several lines', async () => {
    const between = fc.constantFrom(
      ': ping\n\n',
      'id: 7\n',
      'retry: 100\n',
      'event: message\n',
      '\n',
      'unknown: x\n',
    );
    await fc.assert(
      fc.asyncProperty(
        generation,
        fc.array(between, { minLength: 1, maxLength: 5 }),
        async (events, noise) => {
          const text = encode(events);
          const frames = text.split('\n\n').filter((frame) => frame !== '');
          const noisy = frames.map(
            (frame, at) =>
              `${noise[at % noise.length] ?? ''}${frame.replace('data: {', 'data: {\ndata: ')}\n\n`,
          );
          expect(await all(decodeChatStream(body(noisy.join(''))))).toEqual(
            await all(decodeChatStream(body(text))),
          );
        },
      ),
      { numRuns: 50 },
    );
  });
});
