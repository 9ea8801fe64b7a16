import { randomBytes } from 'node:crypto';
import { type SpanRecord, TRACE_STREAM, traceSubject } from '@mcp/contracts';
import { type NatsServer, startNats } from '@mcp/testkit';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openTraceStore, readTrace, type ServiceKit } from '../src/index.ts';
import { createTracer } from '../src/telemetry/tracer.ts';
import { cleanUp, kitFor } from './support.ts';

afterAll(cleanUp);

const BYTES = 4_000_000;
const MAX_HELD = 8192;

let nats: NatsServer;
beforeAll(async () => {
  nats = await startNats();
});
afterAll(() => nats.close());

/** One replica of a service that keeps traces. */
async function replica(name: 'gateway' | 'core', more: Record<string, string> = {}): Promise<ServiceKit> {
  const kit = await kitFor(name, { MCP_TRACE_STORE: 'true', MCP_NATS_URL: nats.url, ...more });
  onTestFinished(() => kit.close());
  return kit;
}

describe('the trace store', () => {
  test('has one trace of several services and replicas, in order, and leaves others out', async () => {
    const [gateway, one, two] = await Promise.all([replica('gateway'), replica('core'), replica('core')]);
    const bus = await gateway.bus();
    await openTraceStore(bus, BYTES);
    const root = gateway.tracer.start('http.server.request', { kind: 'server', attributes: { a: 1 } });
    const first = one.tracer.start('conversation.turn', { traceparent: root.traceparent });
    first.event('token', { n: 1 });
    first.end(new Error('broke'));
    first.end();
    two.tracer.start('conversation.turn', { traceparent: root.traceparent }).end();
    root.end();
    two.tracer.start('other').end();
    await expect.poll(() => readTrace(bus, root.trace_id)).toHaveLength(3);
    const spans = await readTrace(bus, root.trace_id);
    expect(spans.map(({ start_unix_ms }) => start_unix_ms)).toEqual(
      spans.map(({ start_unix_ms }) => start_unix_ms).sort((a, b) => a - b),
    );
    expect(spans.find(({ service }) => service === 'gateway')).toMatchObject({
      parent_span_id: null,
      kind: 'server',
      attributes: { a: 1 },
    });
    // Two that began in the same millisecond come in any order.
    const turns = spans.filter(({ service }) => service === 'core');
    expect(turns.sort((a, b) => a.status.localeCompare(b.status))).toMatchObject([
      { parent_span_id: root.span_id, status: 'error', status_message: 'broke', events: [{ name: 'token' }] },
      { parent_span_id: root.span_id, status: 'unset' },
    ]);
    expect(await readTrace(bus, 'a'.repeat(32))).toEqual([]);
  });

  test('passes over what is no span, and drops the oldest traces when it is full', async () => {
    const kit = await replica('gateway');
    const bus = await kit.bus();
    await openTraceStore(bus, BYTES);
    const id = randomBytes(16).toString('hex');
    bus.connection.publish(traceSubject(id), '[{"trace_id":1}]');
    bus.connection.publish(traceSubject(id), 'not json');
    await bus.connection.flush();
    expect(await readTrace(bus, id)).toEqual([]);
    const filler = 'x'.repeat(100_000);
    for (let at = 0; at < 60; at++)
      await bus.jetstream.publish(traceSubject(randomBytes(16).toString('hex')), filler);
    const { state } = await bus.manager.streams.info(TRACE_STREAM);
    expect(state.bytes).toBeLessThanOrEqual(BYTES);
    expect(state.messages).toBeLessThan(60);
  });

  test('holds a bounded number of spans while the bus is away, counts the rest, and goes on after it', async () => {
    const own = await startNats();
    const kit = await replica('core', { MCP_NATS_URL: own.url });
    const bus = await kit.bus();
    await openTraceStore(bus, BYTES);
    await own.stop();
    await expect.poll(() => bus.connected).toBe(false);
    const root = kit.tracer.start('kept');
    for (let at = 0; at < MAX_HELD - 1; at++)
      kit.tracer.start('filler', { traceparent: root.traceparent }).end();
    root.end();
    for (let at = 0; at < 5; at++) kit.tracer.start('lost', { traceparent: root.traceparent }).end();
    expect(await kit.metrics.text()).toContain('trace_spans_dropped_total{service="core"} 5');
    const failing = readTrace(bus, root.trace_id);
    await expect(failing).rejects.toMatchObject({ code: 'unavailable', retryable: true });
    const back = await startNats({ port: own.port, store_dir: own.store_dir });
    onTestFinished(async () => {
      await back.stop();
      await own.close();
    });
    const names = async () => {
      const spans = await readTrace(bus, root.trace_id).catch((): SpanRecord[] => []);
      return { spans: spans.length, names: [...new Set(spans.map(({ name }) => name))].sort() };
    };
    await expect.poll(names).toEqual({ spans: MAX_HELD, names: ['filler', 'kept'] });
  });

  test('does not hold up a service that ends while the bus is away', async () => {
    const kit = await kitFor('core', { MCP_TRACE_STORE: 'true', MCP_NATS_URL: 'nats://127.0.0.1:9' });
    kit.tracer.start('never kept').end();
    await kit.tracer.flush();
    await kit.close();
    expect(await kit.metrics.text()).toContain('trace_spans_dropped_total{service="core"} 1');
  });
});

describe('which traces are kept', () => {
  const collected = (traces_per_second: number) => {
    const spans: SpanRecord[] = [];
    const sink = {
      add: (span: SpanRecord) => void spans.push(span),
      flush: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
    return { spans, tracer: createTracer({ service: 'core', sinks: [sink], traces_per_second }) };
  };

  test.each([
    '',
    'nonsense',
    `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`,
    `00-${'a'.repeat(32)}-${'0'.repeat(16)}-01`,
  ])('a parent %j that is none begins a new trace', (traceparent) => {
    const { tracer } = collected(100);
    expect(tracer.start('a', { traceparent }).trace_id).not.toMatch(/^(0+|a+)$/);
  });

  test('beyond the rate only what fails is, and what comes after follows the first', async () => {
    const { spans, tracer } = collected(0);
    const root = tracer.start('root');
    expect(root.traceparent).toMatch(/-00$/);
    const child = tracer.start('child', { traceparent: root.traceparent });
    const failing = tracer.start('failing', { traceparent: root.traceparent });
    child.end();
    failing.end(new Error('broke'));
    root.end();
    const sampled = tracer.start('sampled', { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` });
    sampled.end();
    await tracer.flush();
    expect(spans.map(({ name }) => name)).toEqual(['failing', 'sampled']);
  });

  test('as many new ones per second as asked for', async () => {
    const { spans, tracer } = collected(10);
    const seconds = new Set<number>();
    for (let at = 0; at < 1000; at++) {
      seconds.add(Math.floor(performance.now() / 1000));
      tracer.start('root').end();
    }
    await tracer.flush();
    expect(spans.length).toBe(10 * seconds.size);
  });
});
