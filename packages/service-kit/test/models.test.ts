/** Small parts against models of what they promise: retry budget, call scope, event queue, configuration, metrics. */
import { PlatformError, type Settings, serviceVariable } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { busSettings, commonSettings } from '../manifest.ts';
import { maxConnections } from '../src/http/connections.ts';
import {
  ConfigError,
  callScope,
  configSchema,
  EventQueue,
  loadConfig,
  ownCall,
  RetryBudget,
} from '../src/index.ts';
import { Metrics } from '../src/telemetry/metrics.ts';
import { tokenMetrics } from './support.ts';

describe('the retries of a request', () => {
  const step = fc.oneof(fc.constant('take' as const), fc.integer({ min: 0, max: 20 }));
  it('are spent once each, over all layers, and never become more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 16 }), fc.array(step), (left, steps) => {
        const budget = new RetryBudget(left);
        let model = left;
        for (const one of steps) {
          if (one === 'take') {
            expect(budget.take()).toBe(model > 0);
            model = Math.max(0, model - 1);
          } else {
            budget.settle(one);
            model = Math.min(model, one);
          }
          expect(budget.left).toBe(model);
        }
      }),
    );
  });

  it('travel in a header, of which nothing but a small number is believed', () => {
    fc.assert(
      fc.property(fc.oneof(fc.nat(120).map(String), fc.string(), fc.constant(undefined)), (header) => {
        const told = header !== undefined && /^\d{1,2}$/.test(header);
        expect(RetryBudget.from(header).left).toBe(told ? Math.min(16, Number(header)) : 3);
      }),
    );
  });
});

describe('the scope of a call', () => {
  function fakeTime() {
    vi.useFakeTimers({ now: 1_000_000 });
    onTestFinished(() => {
      vi.useRealTimers();
    });
  }

  it('ends at whichever comes first, and only for that reason', () => {
    fakeTime();
    const when = fc.integer({ min: 1, max: 1000 });
    fc.assert(
      fc.property(when, when, fc.constantFrom('caller', 'deadline', 'disposed'), (early, more, first) => {
        const parent = new AbortController();
        const late = early + more;
        const scope = callScope(parent.signal, Date.now() + (first === 'deadline' ? early : late));
        const timer = setTimeout(() => parent.abort('left'), first === 'caller' ? early : late);
        if (first === 'disposed') scope.dispose();
        vi.advanceTimersByTime(early - 1);
        expect(scope.signal.aborted).toBe(false);
        vi.advanceTimersByTime(1 + late);
        clearTimeout(timer);
        const { aborted, reason } = scope.signal;
        if (first === 'caller') expect(reason).toBe('left');
        else if (first === 'deadline')
          expect(reason).toMatchObject({ code: 'deadline_exceeded', status: 504 });
        else expect(aborted).toBe(false);
      }),
    );
    expect(vi.getTimerCount()).toBe(0);
  });

  it('of a deadline that has passed, or beyond what a timer holds', () => {
    fakeTime();
    const passed = callScope(undefined, Date.now() - 5);
    const far = callScope(undefined, Number.MAX_SAFE_INTEGER);
    vi.advanceTimersByTime(1);
    expect(passed.signal.aborted).toBe(true);
    vi.advanceTimersByTime(10 * 24 * 3_600_000);
    expect(far.signal.aborted).toBe(false);
    far.abort('enough');
    expect(far.signal.reason).toBe('enough');
    far.dispose();
  });

  it("of a service's own is bounded, and has no rights that it was not given", () => {
    const call = ownCall({ service: 'core', timeout_ms: 1000 });
    expect(call.principal).toEqual({ id: 'core', kind: 'service', name: 'core', scopes: [] });
    expect(call.deadline_ms).toBeLessThanOrEqual(Date.now() + 1000);
    expect(call.request_id).not.toBe(ownCall({ service: 'core', timeout_ms: 1000 }).request_id);
    expect(ownCall({ service: 'core', timeout_ms: 1, scopes: ['admin'] }).principal.scopes).toEqual([
      'admin',
    ]);
  });
});

describe('an event queue', () => {
  const command = fc.oneof(
    fc.integer().map((item) => ({ item })),
    fc.constant('read' as const),
    fc.constant('turn' as const),
  );
  it('gives everything once and in order, whether its reader is before or behind its writer', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(command, { maxLength: 40 }),
        fc.constantFrom('end', 'fail'),
        async (commands, last) => {
          const queue = new EventQueue<number>();
          const reader = queue[Symbol.asyncIterator]();
          const pushed: number[] = [];
          const read: Promise<IteratorResult<number>>[] = [];
          for (const one of commands)
            if (one === 'read') read.push(reader.next());
            else if (one === 'turn') await Promise.resolve();
            else {
              pushed.push(one.item);
              queue.push(one.item);
            }
          const broken = new Error('broken');
          if (last === 'end') queue.end();
          else queue.fail(broken);
          const results = await Promise.allSettled(read);
          const got = results.flatMap((result) =>
            result.status === 'fulfilled' && result.value.done !== true ? [result.value.value] : [],
          );
          const failed = results.some(({ status }) => status === 'rejected');
          try {
            for (let next = await reader.next(); next.done !== true; next = await reader.next())
              got.push(next.value);
            expect(last === 'end' || failed).toBe(true);
          } catch (error) {
            expect(last).toBe('fail');
            expect(error).toBe(broken);
          }
          expect(got).toEqual(pushed);
        },
      ),
    );
  });
});

describe('configuration', () => {
  const schema = z.object({
    A: z.coerce.number().int().min(1),
    B: z.string().min(1),
    C: z.string().default('c'),
  });
  it('names every variable that does not fit, whether it is set, and shows no value', () => {
    const { message } = (() => {
      try {
        return loadConfig(schema, { A: 'hunter2', B: '', OTHER: 'x' }) as never;
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError);
        return error as Error;
      }
    })();
    expect(message).toContain('  A is set but ');
    expect(message).toContain('  B is not set: ');
    expect(message).not.toContain('hunter2');
    expect(message).not.toContain('OTHER');
  });

  it('counts an empty variable as none', () => {
    expect(loadConfig(schema, { A: '2', B: 'b', C: '' })).toEqual({ A: 2, B: 'b', C: 'c' });
  });

  it.each([
    ['MCP_BUS_REPLICAS', ['1', '3', '5'], ['0', '2', '4', '7', 'x']],
    ['MCP_TRACES_PER_SECOND', ['0', '1000000'], ['-1', '1000001', '1.5']],
    ['MCP_CONNECT_TIMEOUT_MS', ['0', '60000'], ['-1', '60001']],
    ['MCP_METRICS_PORT', ['0', '65535'], ['-1', '65536']],
    ['MCP_LOG_LEVEL', ['silent', 'trace'], ['loud', 'INFO']],
    ['MCP_TRACE_STORE', ['true', 'false', '1', '0'], ['perhaps']],
    ['MCP_IN_PROCESS', ['core', 'core, gateway'], ['console']],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', ['http://collector:4318'], ['collector']],
  ])('of every service: %s', (name, right, wrong) => {
    const settings: Settings = { ...commonSettings, ...busSettings };
    const row = configSchema(Object.fromEntries(Object.entries(settings).filter(([one]) => one === name)));
    for (const text of right) expect(() => loadConfig(row, { [name]: text }), text).not.toThrow();
    for (const text of wrong)
      expect(() => loadConfig(row, { [name]: text }), text).toThrow(`${name} is set but`);
  });

  it('has a variable of its own for each service', () => {
    expect([
      serviceVariable('model-gateway', 'URL'),
      serviceVariable('core', 'PORT'),
      serviceVariable('task-engine', 'SIGNING_KEY'),
    ]).toEqual(['MCP_MODEL_GATEWAY_URL', 'MCP_CORE_PORT', 'MCP_TASK_ENGINE_SIGNING_KEY']);
  });
});

describe('metrics', () => {
  const linesOf = async (metrics: Metrics<typeof tokenMetrics>, name: string) =>
    (await metrics.text()).split('\n').filter((line) => line.startsWith(`${name}{`));

  it('add up to what was counted, and have at most 101 values of a label, whatever the callers send', async () => {
    const counts = fc.array(fc.tuple(fc.nat(150), fc.integer({ min: 1, max: 5 })), { maxLength: 400 });
    await fc.assert(
      fc.asyncProperty(counts, async (all) => {
        const metrics = new Metrics('core', tokenMetrics);
        for (const [model, value] of all)
          metrics.inc('tokens_total', { model: `m${model}`, direction: 'in' }, value);
        const lines = await linesOf(metrics, 'tokens_total');
        const sum = lines.reduce((total, line) => total + Number(line.split(' ').at(-1)), 0);
        expect(sum).toBe(all.reduce((total, [, value]) => total + value, 0));
        expect(lines.length).toBe(Math.min(101, new Set(all.map(([model]) => model)).size));
      }),
      { numRuns: 15 },
    );
  });

  it('are one line each, whatever a label has in it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: fc.constantFrom('"', '\\', '\n', 'a', '{', '}', ',', '=') }),
        async (model) => {
          const metrics = new Metrics('core', tokenMetrics);
          metrics.inc('tokens_total', { model, direction: 'in' }, 3);
          const [line, ...more] = await linesOf(metrics, 'tokens_total');
          expect(more).toEqual([]);
          const text = /model="((?:[^"\\]|\\.)*)",direction="in"} 3$/.exec(line ?? '')?.[1];
          expect(text?.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char))).toBe(model);
        },
      ),
      { numRuns: 50 },
    );
  });
});

it('a process takes some connections, however few or many files it may open', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.nat(1_000_000), fc.constant(Number.POSITIVE_INFINITY)),
      fc.nat(1000),
      (files, more) => {
        expect(maxConnections(files)).toBeGreaterThanOrEqual(1);
        expect(maxConnections(files)).toBeLessThanOrEqual(Math.max(1, files / 2));
        expect(maxConnections(files + more)).toBeGreaterThanOrEqual(maxConnections(files));
      },
    ),
  );
  expect(Number.isFinite(maxConnections(Number.POSITIVE_INFINITY))).toBe(true);
});

it('an error restored from another service is one of the table, whatever it sent', async () => {
  const { restoreError } = await import('../src/index.ts');
  fc.assert(
    fc.property(fc.anything(), (fields) => {
      const error = restoreError(fields);
      expect(error).toBeInstanceOf(PlatformError);
      expect(error.message).not.toBe('');
    }),
  );
});
