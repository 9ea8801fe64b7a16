/** The cases of the conformance suite that are about the server behind a backend: how it refuses, breaks and dawdles. */
import type { ServerResponse } from 'node:http';
import type { PlatformError } from '@mcp/contracts';
import { expect } from 'vitest';
import type { CASES, CaseName } from '../../src/cases.ts';
import type { BackendName } from '../../src/registry.ts';
import { type Elsewhere, make, scripted, scriptedReply } from '../under-test.ts';
import { dripping, serve } from '../upstreams.ts';
import { asked, callOptions, errorOf, eventsOf, expectOverdue, textOf } from './asking.ts';

type FailureCase = {
  [N in CaseName]: (typeof CASES)[N] extends { elsewhere: true } ? N : never;
}[CaseName];
type FailureCheck = (one: Elsewhere, name: BackendName) => Promise<void>;

/** How a server answers what is neither a list nor a description of its models. */
type Answer = (response: ServerResponse) => void;

/** The error of a streamed request to a server that answers so. */
async function failing(one: Elsewhere, name: BackendName, answer: Answer): Promise<PlatformError> {
  const upstream = await serve(async (path, _body, { json, response }) => {
    const listed = one.describe(path);
    if (listed === undefined) answer(response);
    else json(200, listed);
  });
  const backend = await make(name, one.env(upstream.url));
  const request = asked({ chat: 'chat' }, 'hi');
  try {
    return await errorOf(eventsOf(backend.generate(request, callOptions(AbortSignal.timeout(10_000)))));
  } finally {
    await backend.close();
    await upstream.close();
  }
}

const MESSAGE = 'that was not possible';

const refusing =
  (one: Elsewhere, status: number, more: { headers?: object; message?: string } = {}): Answer =>
  (response) => {
    const { body, headers } = one.refusal(status, more.message ?? MESSAGE);
    response
      .writeHead(status, { 'content-type': 'application/json', ...headers, ...more.headers })
      .end(JSON.stringify(body));
  };

/** A refusal with a status has this code; its words reach the caller where the caller can mend it. */
const refused =
  (status: number, code: string): FailureCheck =>
  async (one, name) => {
    const error = await failing(one, name, refusing(one, status));
    expect(error.code).toBe(code);
    if (error.status < 500 && error.code !== 'overloaded') expect(error.message).toContain(MESSAGE);
    // The words of a refused key may hold part of it.
    if (status === 401 || status === 403) {
      expect(error.message).not.toContain(MESSAGE);
      expect(error.retryable).toBe(false);
    }
  };

const waits =
  (headers: () => object, range: readonly [number, number] | undefined): FailureCheck =>
  async (one, name) => {
    const error = await failing(one, name, refusing(one, 429, { headers: headers() }));
    expect(error.code).toBe('overloaded');
    if (range === undefined) expect(error.retry_after_ms).toBeUndefined();
    else {
      expect(error.retry_after_ms).toBeGreaterThanOrEqual(range[0]);
      expect(error.retry_after_ms).toBeLessThanOrEqual(range[1]);
    }
  };

/** A stream of these bytes, which then ends, is cut, or stays open. */
const streaming =
  (one: Elsewhere, bytes: string | Uint8Array, how: 'end' | 'cut' | 'stay'): Answer =>
  (response) => {
    response.writeHead(200, { 'content-type': one.stream.type });
    if (how === 'end') response.end(bytes);
    else if (how === 'cut') response.write(bytes, () => response.socket?.destroy());
    else response.write(bytes);
  };

const streamed =
  (code: string, how: 'end' | 'cut', bytes: (one: Elsewhere) => string | Uint8Array): FailureCheck =>
  async (one, name) => {
    expect((await failing(one, name, streaming(one, bytes(one), how))).code).toBe(code);
  };

/** The deadline of a call passes while the server has said so much. */
const overdue =
  (answer: (one: Elsewhere) => Answer): FailureCheck =>
  async (one, name) => {
    const upstream = await serve(async (path, _body, { json, response }) => {
      const listed = one.describe(path);
      if (listed === undefined) answer(one)(response);
      else json(200, listed);
    });
    await expectOverdue(await make(name, one.env(upstream.url)), upstream);
  };

const half = (begun: string | Uint8Array) => Buffer.from(begun).subarray(0, Math.floor(begun.length / 2));
const TOO_LONG =
  "This model's maximum context length is 4096 tokens. However, your messages resulted in 5000 tokens.";

export const FAILURE_CHECKS: Readonly<Record<FailureCase, FailureCheck>> = {
  status_400: refused(400, 'invalid_request'),
  status_401: refused(401, 'upstream_failed'),
  status_403: refused(403, 'upstream_failed'),
  async status_404(one, name) {
    const error = await failing(one, name, refusing(one, 404, { message: 'the model chat is not here' }));
    expect(error.code).toBe('model_not_found');
  },
  status_408: refused(408, 'deadline_exceeded'),
  status_413: refused(413, 'payload_too_large'),
  status_500: refused(500, 'upstream_failed'),
  status_502: refused(502, 'upstream_failed'),
  status_503: refused(503, 'unavailable'),
  status_504: refused(504, 'deadline_exceeded'),
  status_529: refused(529, 'unavailable'),
  retry_after_none: waits(() => ({}), undefined),
  retry_after_seconds: waits(() => ({ 'retry-after': '7' }), [7000, 7000]),
  retry_after_date: waits(
    () => ({ 'retry-after': new Date(Date.now() + 30_000).toUTCString() }),
    [20_000, 31_000],
  ),
  retry_after_ms: waits(() => ({ 'retry-after-ms': '250', 'retry-after': '1' }), [250, 250]),
  async context_exceeded(one, name) {
    const error = await failing(one, name, refusing(one, 400, { message: one.too_long ?? TOO_LONG }));
    expect(error.code).toBe('context_length_exceeded');
  },

  deadline_silent: overdue(() => () => undefined),
  deadline_middle: overdue((one) => streaming(one, one.stream.begun, 'stay')),

  async unreachable(one, name) {
    const upstream = await serve(async () => undefined);
    await upstream.close();
    const backend = await make(name, one.env(upstream.url));
    const work = eventsOf(backend.generate(asked({ chat: 'chat' }, 'hi'), callOptions()));
    expect((await errorOf(work)).code).toBe('upstream_failed');
    await backend.close();
  },
  async reset_before(one, name) {
    expect((await failing(one, name, (response) => response.socket?.destroy())).code).toBe('upstream_failed');
  },
  reset_middle: streamed('upstream_interrupted', 'cut', ({ stream }) => stream.begun),
  half_event: streamed('upstream_interrupted', 'cut', ({ stream }) =>
    Buffer.concat([Buffer.from(stream.begun), half(stream.begun)]),
  ),
  ends_early: streamed('upstream_interrupted', 'end', ({ stream }) => stream.begun),
  malformed: streamed('upstream_failed', 'end', ({ stream }) => stream.malformed),
  wrong_shape: streamed('upstream_failed', 'end', ({ stream }) => stream.wrong_shape),
  async wrong_type(one, name) {
    const html: Answer = (response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html><body>Sign in</body></html>');
    expect((await failing(one, name, html)).code).toBe('upstream_failed');
  },
  async slow_drip(one, name) {
    const behind = await scripted();
    const upstream = await one.server(behind);
    const slow = await dripping(upstream.url);
    const backend = await make(name, one.env(slow.url));
    const events = await eventsOf(backend.generate(asked({ chat: 'chat' }, 'hi'), callOptions()));
    expect(textOf(events)).toBe(scriptedReply('hi'));
    expect(events.at(-1)?.type).toBe('usage');
    for (const one of [backend, slow, upstream, behind]) await one.close();
  },
};
