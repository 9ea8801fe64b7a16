import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeEmbeddings,
  encodeEmbeddings,
  encodeModelList,
  errorFromBody,
  retryAfterMs,
} from '../src/index.ts';

describe('error bodies', () => {
  const openai = (message: string, rest: object = {}) => ({
    error: { message, type: 'x', param: null, ...rest },
  });
  it.each<[string, unknown, number, string]>([
    [
      'an unknown model',
      openai('The model `x` does not exist', { code: 'model_not_found' }),
      404,
      'model_not_found',
    ],
    ['an unknown model (Ollama)', { error: "model 'x' not found" }, 404, 'model_not_found'],
    ['a wrong path', { detail: 'Not Found' }, 404, 'upstream_failed'],
    [
      'a long prompt',
      openai("This model's maximum context length is 4096 tokens"),
      400,
      'context_length_exceeded',
    ],
    [
      'a long prompt (Ollama)',
      { error: 'the input length exceeds the context length' },
      400,
      'context_length_exceeded',
    ],
    ['a wrong field', openai('Unrecognized request argument', { param: 'foo' }), 400, 'invalid_request'],
    [
      'a wrong field (FastAPI)',
      { detail: [{ loc: ['body', 'top_p'], msg: 'too big', type: 'v' }] },
      422,
      'invalid_request',
    ],
    ['an unsupported field', openai('no', { code: 'unsupported_parameter' }), 400, 'unsupported_parameter'],
    ['a wrong key', openai('Incorrect API key provided: sk-123'), 401, 'upstream_failed'],
    ['no credit', openai('You exceeded your quota', { code: 'insufficient_quota' }), 429, 'upstream_failed'],
    ['too many requests', openai('Rate limit reached'), 429, 'overloaded'],
    ['an overload (Anthropic)', openai('Overloaded'), 529, 'unavailable'],
    ['a failure (Mistral)', { object: 'error', message: 'boom', code: '3000' }, 500, 'upstream_failed'],
    ['a failure (TGI)', { error: 'Request failed', error_type: 'generation' }, 500, 'upstream_failed'],
    ['a timeout', openai('slow'), 504, 'deadline_exceeded'],
    ['plain text at the top', { message: 'no such route' }, 405, 'upstream_failed'],
  ])('%s', (_, body, status, code) => {
    expect(errorFromBody(body, { status })?.code).toBe(code);
  });

  it('the words about our key stay here', () => {
    const error = errorFromBody(openai('Incorrect API key provided: sk-123'), { status: 401 });
    expect(error?.message).not.toContain('sk-123');
    expect(error?.retryable).toBe(false);
  });

  it('the field at fault and the wait are kept, a long message is not', () => {
    expect(
      errorFromBody(openai('x'.repeat(5000), { param: 'top_p' }), { status: 429, retry_after_ms: 7 }),
    ).toMatchObject({ param: 'top_p', retry_after_ms: 7 });
    expect(errorFromBody(openai('x'.repeat(5000)), { status: 500 })?.message.length).toBeLessThan(600);
  });

  it('anything else is none, whatever it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const marked = typeof value === 'object' && value !== null && 'error' in value;
        if (!marked && !Array.isArray(value)) expect(errorFromBody(value)).toBeUndefined();
      }),
    );
    expect(errorFromBody({ choices: [], message: 'a', error: null })).toBeUndefined();
  });
});

describe('how long to wait', () => {
  const now_ms = Date.parse('2026-01-01T00:00:00Z');
  it.each<[Record<string, string | string[]>, number | undefined]>([
    [{}, undefined],
    [{ 'retry-after': '2' }, 2000],
    [{ 'retry-after': '0.5' }, 500],
    [{ 'retry-after': '2', 'retry-after-ms': '1234' }, 1234],
    [{ 'x-ms-retry-after-ms': '50' }, 50],
    [{ 'retry-after': 'Thu, 01 Jan 2026 00:00:03 GMT' }, 3000],
    [{ 'retry-after': 'Wed, 31 Dec 2025 00:00:00 GMT' }, 0],
    [{ 'retry-after': ['4', '9'] }, 4000],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'retry-after-ms': '', 'retry-after': '' }, undefined],
    [{ 'retry-after': '-5' }, 0],
    [{ 'retry-after': '99999999999' }, 86_400_000],
  ])('%o', (headers, wait_ms) => {
    expect(retryAfterMs(headers, now_ms)).toBe(wait_ms);
  });
});

describe('embeddings and models', () => {
  const vectors = fc.array(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { maxLength: 8 }), {
    maxLength: 5,
  });
  it('are decoded as they were encoded, in both formats', () => {
    fc.assert(
      fc.property(vectors, fc.constantFrom('float', 'base64'), (given, format) => {
        // JSON has no -0.
        const result = { model: 'm', vectors: given.map((one) => one.map((x) => x + 0)), input_tokens: 3 };
        const wire: unknown = JSON.parse(JSON.stringify(encodeEmbeddings(result, format)));
        expect(decodeEmbeddings(wire)).toEqual(result);
      }),
    );
  });

  it('come in the order of the inputs, whatever the order of the answer', () => {
    const data = [
      { index: 1, embedding: [2] },
      { index: 0, embedding: [1] },
    ];
    expect(decodeEmbeddings({ data }).vectors).toEqual([[1], [2]]);
    expect(decodeEmbeddings({ data: [{ embedding: [5] }, { embedding: [6] }] }).vectors).toEqual([[5], [6]]);
  });

  it('must be what they are called', () => {
    expect(() => decodeEmbeddings({ data: [{ index: 0, embedding: 'abc' }] })).toThrow(/float32/);
    expect(() => decodeEmbeddings({ data: 1 })).toThrow(/embeddings/);
    expect(() => decodeEmbeddings({ error: 'model gone' })).toThrow('model gone');
  });

  it('a list of models is OpenAI’s, with ours beside', () => {
    const info = {
      id: 'm',
      backend: 'b',
      kind: 'chat' as const,
      owned_by: 'o',
      max_context: 10,
      cost_input_per_mtok_usd: null,
      cost_output_per_mtok_usd: null,
      status: 'ready' as const,
    };
    expect(encodeModelList([info])).toEqual({
      object: 'list',
      data: [{ id: 'm', object: 'model', created: 0, owned_by: 'o', mcp: info }],
    });
  });
});
