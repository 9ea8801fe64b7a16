/** The table of errors, and the one class that carries its rows. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES, type ErrorCode, PlatformError } from '../src/index.ts';

const CODES = Object.keys(ERROR_CODES) as ErrorCode[];

/** What clients have come to rely on: a row that changes its meaning is a change of the interface. */
const STATUS: Readonly<Record<number, readonly ErrorCode[]>> = {
  400: [
    'invalid_request',
    'invalid_json',
    'context_length_exceeded',
    'unsupported_parameter',
    'content_filter',
  ],
  401: ['unauthenticated'],
  403: ['forbidden'],
  404: ['not_found', 'model_not_found'],
  405: ['method_not_allowed'],
  408: ['request_timeout'],
  409: ['conflict'],
  413: ['payload_too_large'],
  414: ['uri_too_long'],
  415: ['unsupported_media_type'],
  421: ['wrong_region'],
  429: ['rate_limited', 'overloaded'],
  431: ['headers_too_large'],
  499: ['cancelled'],
  500: ['internal'],
  502: ['upstream_failed', 'upstream_interrupted'],
  503: ['unavailable'],
  504: ['deadline_exceeded'],
};

it('every code has the status that it is known by', () => {
  const told = Object.entries(STATUS).flatMap(([status, codes]) =>
    codes.map((code) => [code, Number(status)]),
  );
  expect(Object.fromEntries(CODES.map((code) => [code, ERROR_CODES[code].status]))).toEqual(
    Object.fromEntries(told),
  );
});

describe.each(CODES)('%s', (code) => {
  const row = ERROR_CODES[code];

  it('is an error of HTTP with a title of its own', () => {
    expect(row.status).toBeGreaterThanOrEqual(400);
    expect(row.status).toBeLessThan(600);
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(CODES.filter((other) => ERROR_CODES[other].title === row.title)).toEqual([code]);
  });

  it('is tried again where time can help, and never where the request is at fault', () => {
    const passes = [408, 429, 502, 503, 504].includes(row.status);
    expect(row.retryable).toBe(passes);
    expect(new PlatformError(code, 'm').retryable).toBe(row.retryable);
    expect(new PlatformError(code, 'm', { retryable: !row.retryable }).retryable).toBe(!row.retryable);
  });

  it('carries what it was told, its cause beside the message', () => {
    const cause = new Error('password=x');
    const error = new PlatformError(code, 'm', { param: 'messages.0', retry_after_ms: 5, cause });
    expect(error).toMatchObject({
      name: 'PlatformError',
      code,
      status: row.status,
      param: 'messages.0',
      retry_after_ms: 5,
      cause,
    });
    expect(error.message).toBe('m');
    const plain = new PlatformError(code, 'm');
    expect(plain).toMatchObject({ param: undefined, retry_after_ms: undefined });
    expect('cause' in plain).toBe(false);
  });
});

it('a message is well-formed text wherever a value was cut', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(20), (text, at) => {
      const { message } = new PlatformError('invalid_request', `got "${text.slice(0, at)}"`);
      expect(message.isWellFormed()).toBe(true);
    }),
  );
  expect(new PlatformError('internal', '💥'.slice(0, 1)).message).toBe('\ufffd');
});
