import { ServiceName, type SpanRecord, serviceVariable } from '@mcp/contracts';
import { FLAGS, METRICS, stacks } from '@mcp/stacks';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generatedPages } from '../src/docs-text.ts';
import { formatLine, timeOf } from '../src/log-line.ts';
import { stackLines, stackMeaning } from '../src/stack-text.ts';
import { type TraceNode, traceLines, traceTree } from '../src/trace-tree.ts';
import { bytes, duration, table } from '../src/ui.ts';

function span(change: Partial<SpanRecord>): SpanRecord {
  return {
    trace_id: 'a'.repeat(32),
    span_id: '1',
    parent_span_id: null,
    name: 'http.server.request',
    service: 'gateway',
    kind: 'server',
    start_unix_ms: 1000,
    duration_ms: 20,
    status: 'ok',
    attributes: {},
    events: [],
    ...change,
  };
}

describe('traceLines', () => {
  it('draws a trace as a tree with services, durations and tokens', () => {
    const lines = traceLines([
      span({}),
      span({
        span_id: '3',
        parent_span_id: '2',
        name: 'model.inference',
        service: 'model-gateway',
        start_unix_ms: 1012,
        duration_ms: 5,
        attributes: { 'gen_ai.request.model': 'small', 'gen_ai.usage.output_tokens': 7 },
      }),
      span({
        span_id: '2',
        parent_span_id: '1',
        name: 'turn',
        service: 'core',
        start_unix_ms: 1010,
        duration_ms: 8,
      }),
    ]);
    expect(lines).toEqual([
      `trace ${'a'.repeat(32)}  3 spans, 3 services, 0.0 s`,
      'http.server.request  gateway  20 ms  +0 ms',
      '└─ turn  core  8.0 ms  +10 ms',
      '   └─ model.inference  model-gateway  5.0 ms  +12 ms  model=small out=7',
    ]);
  });

  it('says when parents are missing', () => {
    const lines = traceLines([
      span({ parent_span_id: 'gone' }),
      span({ span_id: '2', parent_span_id: 'gone' }),
    ]);
    expect(lines[1]).toMatch(/incomplete: 1 parent span is missing/);
    expect(lines).toHaveLength(4);
  });

  it('shows every span exactly once, whatever the parents are', () => {
    const spans = fc.array(
      fc.record({ id: fc.integer({ min: 0, max: 12 }), parent: fc.option(fc.integer({ min: 0, max: 15 })) }),
      { minLength: 1, maxLength: 20 },
    );
    fc.assert(
      fc.property(spans, (rows) => {
        const records = rows.map(({ id, parent }, at) =>
          span({
            span_id: String(id),
            parent_span_id: parent === null ? null : String(parent),
            start_unix_ms: at,
          }),
        );
        const { roots } = traceTree(records);
        const seen: string[] = [];
        const visit = (nodes: readonly TraceNode[]) => {
          for (const node of nodes) {
            seen.push(node.span.span_id);
            visit(node.children);
          }
        };
        visit(roots);
        expect([...seen].sort()).toEqual([...new Set(records.map((one) => one.span_id))].sort());
      }),
    );
  });
});

describe('formatLine', () => {
  it('makes a log line readable and keeps its fields', () => {
    const line = JSON.stringify({
      level: 'warn',
      time: '2026-11-23T13:00:00.123Z',
      service: 'core',
      port: 8100,
      msg: 'slow',
    });
    expect(formatLine('core', line)).toBe('13:00:00.123 core          warn  slow port=8100');
    expect(timeOf(line)).toBe(Date.parse('2026-11-23T13:00:00.123Z'));
  });
  it('puts the stack of an error below it', () => {
    const line = JSON.stringify({
      level: 'error',
      time: '2026-11-23T13:00:00.123Z',
      err: { stack: 'Error: x\n  at y' },
      msg: 'broke',
    });
    expect(formatLine('core', line)).toBe('13:00:00.123 core          error broke\n    Error: x\n      at y');
  });
  it('leaves other lines as they are', () => {
    expect(formatLine('nats', '[1] 2026/11/23 13:00:00.123456 [INF] ready')).toMatch(
      /^nats +\[1\] .* ready$/,
    );
    fc.assert(fc.property(fc.string(), (text) => formatLine('x', text).length >= text.length));
  });
});

describe('stack texts', () => {
  it.each(Object.values(stacks))('$name: names every service, region, model and limit', (stack) => {
    const text = stackLines(stack).join('\n');
    const wanted = [
      ...stack.services.map((placement) => placement.service),
      ...stack.regions.map((region) => region.name),
      ...stack.models.map((model) => model.id),
      ...Object.keys(stack.limits),
    ];
    for (const word of wanted) expect(text).toContain(word);
    expect(JSON.parse(JSON.stringify(stackMeaning(stack)))).toMatchObject({ name: stack.name });
  });
});

describe('generated pages', () => {
  it('hold every metric, flag, variable and service', async () => {
    const pages = await generatedPages();
    const [metrics, configuration, services] = pages.map((page) => page.text);
    for (const name of Object.keys(METRICS)) expect(metrics).toContain(`\`${name}\``);
    for (const name of Object.keys(FLAGS)) expect(configuration).toContain(`\`${name}\``);
    for (const name of ServiceName.options) {
      expect(configuration).toContain(`\`${serviceVariable(name, 'URL')}\``);
      expect(services).toContain(`| ${name} |`);
    }
  });
});

describe('small texts', () => {
  it('reads well', () => {
    expect([duration(400), duration(65_000), duration(3_700_000)]).toEqual([
      '0.4 s',
      '1 min 05 s',
      '1 h 01 min',
    ]);
    expect([bytes(500_000), bytes(98_000_000), bytes(1_117_320_768)]).toEqual(['500 kB', '98 MB', '1.12 GB']);
    expect(
      table(
        ['a', 'long'],
        [
          ['x', 'y'],
          ['longer', 'z'],
        ],
      ),
    ).toEqual(['a       long', 'x       y', 'longer  z']);
  });
});
