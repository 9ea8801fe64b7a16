import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SpanRecord } from '@mcp/contracts';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { otlpSink } from '../src/telemetry/otlp.ts';

const Attribute = z.object({ key: z.string(), value: z.record(z.string(), z.unknown()) });
const ExportedSpan = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  kind: z.number(),
  attributes: z.array(Attribute),
  events: z.array(z.object({ name: z.string() })),
  links: z.array(z.object({ traceId: z.string(), spanId: z.string() })).default([]),
  status: z.object({ code: z.number(), message: z.string().optional() }),
});
const Export = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: z.array(Attribute) }),
      scopeSpans: z.array(z.object({ spans: z.array(ExportedSpan) })),
    }),
  ),
});

/** A collector that keeps what it is sent, by service. */
let server: Server;
let endpoint: string;
const kept = new Map<string, z.infer<typeof ExportedSpan>[]>();

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      for (const { resource, scopeSpans } of Export.parse(JSON.parse(Buffer.concat(chunks).toString()))
        .resourceSpans) {
        const name = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue;
        const spans = scopeSpans.flatMap((one) => one.spans);
        kept.set(String(name), [...(kept.get(String(name)) ?? []), ...spans]);
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((closed) => server.close(closed)));

const hex = (length: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: length, maxLength: length })
    .map((digits) => digits.join(''))
    .filter((id) => /[1-9a-f]/.test(id));
const span: fc.Arbitrary<SpanRecord> = fc.record({
  trace_id: hex(32),
  span_id: hex(16),
  parent_span_id: fc.option(hex(16)),
  name: fc.string({ minLength: 1, maxLength: 20 }),
  service: fc.constant('gateway'),
  kind: fc.constantFrom('internal', 'server', 'client', 'producer', 'consumer'),
  start_unix_ms: fc.integer({ min: 1, max: 2_000_000_000_000 }),
  duration_ms: fc.integer({ min: 0, max: 100_000 }),
  status: fc.constantFrom('unset', 'error'),
  attributes: fc.constant({ 'http.route': '/chat' }),
  events: fc.constant([{ name: 'first token', attributes: {}, at_unix_ms: 5 }]),
});
const KIND = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const;

describe('spans for a collector', () => {
  it('have the ids, parents, kinds and ends that they were given', async () => {
    const spans =
      fc.sample(fc.uniqueArray(span, { selector: (one) => one.span_id, minLength: 40 }), 1)[0] ?? [];
    const sink = otlpSink({ endpoint, service: 'gateway', region: 'eu' });
    for (const one of spans) sink.add(one);
    await sink.flush();
    const sent = (kept.get('gateway') ?? []).map((one) => ({
      trace_id: one.traceId,
      span_id: one.spanId,
      parent_span_id: one.parentSpanId ?? null,
      name: one.name,
      kind: one.kind,
      failed: one.status.code === 2,
      events: one.events.map(({ name }) => name),
    }));
    expect(sent).toEqual(
      spans.map((one) => ({
        trace_id: one.trace_id,
        span_id: one.span_id,
        parent_span_id: one.parent_span_id,
        name: one.name,
        kind: KIND[one.kind],
        failed: one.status === 'error',
        events: ['first token'],
      })),
    );
    await sink.close();
  });

  it('are each of their own service where several share a process', async () => {
    const names = ['core', 'model-gateway', 'task-engine'];
    const sinks = names.map((service) => otlpSink({ endpoint, service, region: 'eu' }));
    const [one] = fc.sample(span, 1);
    if (one === undefined) throw new Error('there is no span');
    for (const [at, sink] of sinks.entries()) sink.add({ ...one, name: names[at] ?? '' });
    await Promise.all(sinks.map((sink) => sink.close()));
    expect(names.map((name) => kept.get(name)?.map((sent) => sent.name))).toEqual(
      names.map((name) => [name]),
    );
  });
});
