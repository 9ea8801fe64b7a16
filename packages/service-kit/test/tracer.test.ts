/** Spans: whose children they are, which are kept, and how they reach the trace store. */
import { SpanRecord, traceSubject } from '@mcp/contracts';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Bus } from '../src/index.ts';
import { SpanPublisher } from '../src/telemetry/trace-store.ts';
import { createTracer } from '../src/telemetry/tracer.ts';

afterEach(() => {
  vi.useRealTimers();
});

function tracing(traces_per_second = 1000) {
  const spans: SpanRecord[] = [];
  const sink = {
    add: (span: SpanRecord) => void spans.push(span),
    flush: async () => undefined,
    close: async () => undefined,
  };
  return { spans, tracer: createTracer({ service: 'core', sinks: [sink], traces_per_second }) };
}
const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));
const valid = fc
  .tuple(hex(32), hex(16), hex(2))
  .filter(([trace, span]) => /[1-9a-f]/.test(trace) && /[1-9a-f]/.test(span))
  .map(([trace, span, flags]) => ({ trace, span, flags, text: `00-${trace}-${span}-${flags}` }));

describe('a span', () => {
  it('is a child of what its caller names, and kept as its trace is', async () => {
    await fc.assert(
      fc.asyncProperty(valid, async ({ trace, span, flags, text }) => {
        const { spans, tracer } = tracing();
        const made = tracer.start('work', { traceparent: text, kind: 'server' });
        const sampled = (Number.parseInt(flags, 16) & 1) === 1;
        expect(made.traceparent).toBe(`00-${trace}-${made.span_id}-${sampled ? '01' : '00'}`);
        made.end();
        await tracer.flush();
        expect(spans.map((one) => [one.trace_id, one.parent_span_id, one.kind])).toEqual(
          sampled ? [[trace, span, 'server']] : [],
        );
      }),
    );
  });

  it('begins a trace of its own where the parent is none', async () => {
    const wrong = fc.oneof(
      fc.string(),
      valid.map(({ text }) => text.replace('00-', '01-')),
      valid.map(({ text }) => text.toUpperCase()).filter((text) => /[A-F]/.test(text)),
      valid.map(({ text }) => `${text}-00`),
      fc.constantFrom(
        `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`,
        `00-${'1'.repeat(32)}-${'0'.repeat(16)}-01`,
      ),
    );
    const { spans, tracer } = tracing(1_000_000);
    const ids = new Set<string>();
    await fc.assert(
      fc.asyncProperty(wrong, async (text) => {
        const made = tracer.start('work', { traceparent: text });
        expect(made.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
        expect(text).not.toContain(made.trace_id);
        ids.add(made.trace_id).add(made.span_id);
        made.end();
      }),
    );
    await tracer.flush();
    expect(spans.every((one) => one.parent_span_id === null)).toBe(true);
    expect(ids.size).toBe(spans.length * 2);
    for (const span of spans) expect(SpanRecord.safeParse(span).error).toBeUndefined();
  });

  it('ends once, with what was said of it until then', async () => {
    const { spans, tracer } = tracing();
    const made = tracer.start('work', { attributes: { a: 1, b: 1 } });
    made.set({ b: 2 });
    for (let at = 0; at < 200; at++) made.event(`e${at}`, { at });
    made.end(new Error('x'.repeat(2000)));
    made.set({ a: 9 });
    made.event('never');
    made.end();
    await tracer.flush();
    expect(spans).toHaveLength(1);
    expect(spans[0]).toMatchObject({
      attributes: { a: 1, b: 2 },
      status: 'error',
      status_message: 'x'.repeat(1000),
    });
    expect(spans[0]?.events).toHaveLength(128);
    expect(spans[0]?.events[127]).toMatchObject({ name: 'e127', attributes: { at: 127 } });
  });

  it.each([
    ['an error', new Error('no'), 'error', 'no'],
    ['a text', 'no', 'error', 'no'],
    ['nothing', undefined, 'unset', undefined],
  ])('says how it ended: %s', async (_, error, status, status_message) => {
    const { spans, tracer } = tracing();
    tracer.start('work').end(error);
    await tracer.flush();
    expect([spans[0]?.status, spans[0]?.status_message]).toEqual([status, status_message]);
  });

  it('is linked to what it has to do with, or becomes its child', async () => {
    const link = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const { spans, tracer } = tracing();
    tracer.start('linked', { link }).end();
    const adopted = tracer.start('adopted', { link });
    adopted.adopt();
    expect(adopted.traceparent).toBe(`00-${'a'.repeat(32)}-${adopted.span_id}-01`);
    adopted.end();
    const alone = tracer.start('alone');
    const before = alone.trace_id;
    alone.adopt();
    expect(alone.trace_id).toBe(before);
    alone.end();
    await tracer.close();
    const ids = { trace_id: 'a'.repeat(32), span_id: 'b'.repeat(16) };
    expect(spans.map((one) => [one.name, one.links, one.parent_span_id])).toEqual([
      ['linked', [ids], null],
      ['adopted', undefined, ids.span_id],
      ['alone', undefined, null],
    ]);
  });

  it('is kept for so many new traces in a second, and always where it failed', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const { spans, tracer } = tracing(3);
    for (let second = 0; second < 3; second++) {
      for (let at = 0; at < 10; at++) tracer.start(`s${second}`).end();
      tracer.start(`s${second}`).end(new Error('no'));
      vi.advanceTimersByTime(1000);
    }
    await tracer.flush();
    for (let second = 0; second < 3; second++)
      expect(spans.filter(({ name }) => name === `s${second}`).map(({ status }) => status)).toEqual([
        'unset',
        'unset',
        'unset',
        'error',
      ]);
  });
});

describe('the way to the trace store', () => {
  const spanOf = (trace: number, more: Partial<SpanRecord> = {}): SpanRecord => ({
    trace_id: trace.toString(16).padStart(32, '0'),
    span_id: '1'.repeat(16),
    parent_span_id: null,
    name: 'n',
    service: 'core',
    kind: 'internal',
    start_unix_ms: 1,
    duration_ms: 1,
    status: 'unset',
    attributes: {},
    events: [],
    ...more,
  });
  function publishing() {
    const sent: { subject: string; spans: SpanRecord[]; chars: number }[] = [];
    const state = { connected: true, dropped: 0 };
    const connection = {
      publish: (subject: string, text: string) =>
        void sent.push({ subject, spans: JSON.parse(text) as SpanRecord[], chars: text.length }),
    };
    const bus = {
      connection,
      get connected() {
        return state.connected;
      },
    } as unknown as Bus;
    const publisher = new SpanPublisher({
      bus: async () => bus,
      onDropped: (spans) => {
        state.dropped += spans;
      },
    });
    return { sent, state, publisher };
  }
  const wait = (ms: number) => vi.advanceTimersByTimeAsync(ms);

  it('is one message for the spans of a trace that ended near each other', async () => {
    vi.useFakeTimers();
    const { sent, publisher } = publishing();
    for (const trace of [1, 2, 1, 1]) publisher.add(spanOf(trace));
    await wait(600);
    const [one, two] = [spanOf(1).trace_id, spanOf(2).trace_id];
    expect(sent.map(({ subject, spans }) => [subject, spans.length])).toEqual([
      [traceSubject(one), 3],
      [traceSubject(two), 1],
    ]);
    publisher.add(spanOf(1));
    await wait(600);
    expect(sent).toHaveLength(3);
  });

  it('holds so many while the bus is away, drops and counts further ones, and sends what it held', async () => {
    vi.useFakeTimers();
    const { sent, state, publisher } = publishing();
    state.connected = false;
    for (let at = 0; at < 8200; at++) publisher.add(spanOf(at % 3));
    await wait(2000);
    expect([sent.length, state.dropped]).toEqual([0, 8]);
    state.connected = true;
    await wait(600);
    expect(sent.reduce((sum, { spans }) => sum + spans.length, 0)).toBe(8192);
    for (const { chars } of sent) expect(chars).toBeLessThanOrEqual(256 * 1024);
  });

  it('has room for no span that is larger than a message', async () => {
    vi.useFakeTimers();
    const { sent, state, publisher } = publishing();
    publisher.add(spanOf(1, { attributes: { text: 'x'.repeat(257 * 1024) } }));
    publisher.add(spanOf(1));
    await wait(600);
    expect([sent.map(({ spans }) => spans.length), state.dropped]).toEqual([[1], 1]);
  });

  it('ends with what is held, and counts what comes after', async () => {
    vi.useFakeTimers();
    const { sent, state, publisher } = publishing();
    publisher.add(spanOf(1));
    await wait(600);
    publisher.add(spanOf(2));
    await publisher.close();
    publisher.add(spanOf(3));
    expect([sent.length, state.dropped]).toEqual([2, 1]);
    const away = publishing();
    away.state.connected = false;
    away.publisher.add(spanOf(1));
    await away.publisher.close();
    expect(away.state.dropped).toBe(1);
  });
});
