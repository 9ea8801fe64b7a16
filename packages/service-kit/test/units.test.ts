import {
  ChatCompletionRequest,
  defineMetrics,
  ERROR_CODES,
  type ErrorCode,
  gauge,
  PlatformError,
} from '@mcp/contracts';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { commonMetrics } from '../manifest.ts';
import {
  callScope,
  configSchema,
  errorFields,
  fromZod,
  loadConfig,
  parseJson,
  restoreError,
  retryAfterSeconds,
  toOpenAiError,
  toPlatformError,
  toProblem,
} from '../src/index.ts';
import { createFlags } from '../src/runtime/flags.ts';
import { Metrics } from '../src/telemetry/metrics.ts';
import { cleanUp, tokenMetrics } from './support.ts';

afterAll(cleanUp);

describe('errors', () => {
  test('what is unknown becomes internal, with nothing of it in the message', () => {
    const error = toPlatformError(new Error('SELECT * FROM users'));
    expect(error).toMatchObject({ code: 'internal', status: 500 });
    expect(JSON.stringify([toProblem(error, 't'), toOpenAiError(error)])).not.toContain('SELECT');
  });

  test.each(Object.keys(ERROR_CODES) as ErrorCode[])(
    '%s travels between services and to both shapes',
    (code) => {
      const error = new PlatformError(code, 'why', { param: 'p', retry_after_ms: 1500, retryable: true });
      expect(restoreError(JSON.parse(JSON.stringify(errorFields(error))))).toEqual(error);
      expect(toProblem(error, 't')).toMatchObject({ status: ERROR_CODES[code].status, code, detail: 'why' });
      expect(toOpenAiError(error).error).toMatchObject({ message: 'why', param: 'p' });
      expect(retryAfterSeconds(error)).toBe(2);
    },
  );

  test('an error from nowhere is not trusted', () => {
    expect(restoreError({ code: 'made_up', message: 'm' })).toMatchObject({
      code: 'upstream_failed',
      message: 'm',
    });
    expect(restoreError(null)).toMatchObject({ code: 'upstream_failed' });
  });

  test('any value that a schema refuses gives a message with the place', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const parsed = ChatCompletionRequest.safeParse(value);
        if (parsed.success) return;
        const error = fromZod(parsed.error, value);
        expect(error.code).toBe('invalid_request');
        expect(error.message).toMatch(/^([\w.]+: |Unrecognized request argument ').+\.$/s);
        expect(error.message.length).toBeLessThan(2000);
      }),
    );
  });

  test('values in messages are cut short, and schemas may word their own rules', () => {
    const schema = z.object({ name: z.string().max(3), day: z.string().regex(/^x$/, 'must be x') });
    const refuse = (value: unknown) => {
      const parsed = schema.safeParse(value);
      return parsed.error === undefined ? '' : fromZod(parsed.error, value).message;
    };
    expect(refuse({ name: 'a'.repeat(5000), day: 'x' }).length).toBeLessThan(150);
    expect(refuse({ name: 'abc', day: 'y' })).toBe('day: must be x (got "y").');
    expect(refuse({ day: 'x' })).toBe('name: is required and must be a text.');
  });
});

test('JSON nests as deep as allowed and no deeper, brackets in texts not counted', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const text = JSON.stringify(value);
      if (text.includes('"__proto__":')) expect(() => parseJson(text)).toThrow(/'__proto__'/);
      else expect(parseJson(text)).toEqual(JSON.parse(text));
    }),
  );
  expect(parseJson(JSON.stringify('['.repeat(500)))).toBe('['.repeat(500));
  expect(parseJson(JSON.stringify(`"${'{'.repeat(500)}`))).toBe(`"${'{'.repeat(500)}`);
  expect(() => parseJson(`${'['.repeat(64)}${']'.repeat(64)}`)).not.toThrow();
  expect(() => parseJson(`${'['.repeat(65)}${']'.repeat(65)}`)).toThrow(/deeper than 64/);
});

describe('a call scope', () => {
  test('passes on the caller that leaves, once disposed nothing', () => {
    const parent = new AbortController();
    const scope = callScope(parent.signal, Date.now() + 1000);
    const other = callScope(parent.signal, Date.now() + 1000);
    other.dispose();
    parent.abort('gone');
    expect(scope.signal.reason).toBe('gone');
    expect(other.signal.aborted).toBe(false);
    expect(callScope(parent.signal, Date.now() + 1000).signal.aborted).toBe(true);
    scope.dispose();
  });

  test('fires at the deadline with the reason', async () => {
    const { signal } = callScope(undefined, Date.now() + 10);
    await expect.poll(() => signal.aborted).toBe(true);
    expect(signal.reason).toMatchObject({ code: 'deadline_exceeded' });
  });
});

const TABLE = defineMetrics({
  ...commonMetrics,
  ...tokenMetrics,
  stream_bytes: gauge('event_bus', ['stream'], {
    unit: 'bytes',
    help: 'Bytes.',
    panels: [{ dashboard: 'bus', title: 'Bytes', by: ['stream'] }],
  }),
});

describe('metrics', () => {
  test('labels are bounded by construction', async () => {
    const metrics = new Metrics('core', TABLE);
    for (let i = 0; i < 500; i++) metrics.inc('tokens_total', { model: `m${i}`, direction: 'in' });
    const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith('tokens_total{'));
    expect(lines).toHaveLength(101);
    expect(lines.at(-1)).toBe('tokens_total{service="core",model="other",direction="in"} 400');
  });

  test('a histogram counts what is at or below each bound, a gauge keeps its last value', async () => {
    const metrics = new Metrics('core', TABLE);
    const labels = { endpoint: '/a"b\\c\nd', status: '200', model: '-', phase: 'json' };
    for (const value of [0.001, 0.005, 0.3, 1e6])
      metrics.observe('service_request_duration_seconds', labels, value);
    for (const value of [3, 1]) metrics.set('service_requests_in_flight', {}, value);
    const text = await metrics.text();
    const series = 'service="core",endpoint="/a\\"b\\\\c\\nd",status="200",model="-",phase="json"';
    const bounds = TABLE.service_request_duration_seconds.buckets;
    for (const bound of bounds)
      expect(text).toContain(
        `_seconds_bucket{${series},le="${bound}"} ${[0.001, 0.005, 0.3, 1e6].filter((value) => value <= bound).length}\n`,
      );
    expect(text).toContain(`_seconds_bucket{${series},le="+Inf"} 4\n`);
    expect(text).toContain(`_seconds_sum{${series}} 1000000.306\n`);
    expect(text).toContain(`_seconds_count{${series}} 4\n`);
    expect(text).toContain('service_requests_in_flight{service="core"} 1\n');
  });

  test('a gauge that is replaced has no series of before', async () => {
    const metrics = new Metrics('core', TABLE);
    metrics.set('stream_bytes', { stream: 'KV_old' }, 1);
    metrics.replace('stream_bytes', [
      [{ stream: 'KV_a' }, 2],
      [{ stream: 'KV_b' }, 3],
    ]);
    const shown = async () =>
      (await metrics.text()).split('\n').filter((line) => line.startsWith('stream_bytes{'));
    expect(await shown()).toEqual([
      'stream_bytes{service="core",stream="KV_a"} 2',
      'stream_bytes{service="core",stream="KV_b"} 3',
    ]);
    metrics.replace('stream_bytes', []);
    expect(await shown()).toEqual([]);
  });

  test('every row carries the service, a unit and the labels of its table', async () => {
    const text = await new Metrics('core', TABLE).text();
    for (const [name, row] of Object.entries(TABLE)) {
      expect(text).toContain(`# TYPE ${name} ${row.type}`);
      expect(text).toContain(`[${row.unit}]`);
    }
  });
});

test('flags are overridden by name, true or false only', async () => {
  const table = {
    A_ENABLED: { default: true, description: 'a' },
    B_ENABLED: { default: false, description: 'b' },
  };
  const flags = async (env: Record<string, string>) => {
    const made = await createFlags('flags-test', table, env);
    return [made.enabled('A_ENABLED'), made.enabled('B_ENABLED')];
  };
  expect(await flags({})).toEqual([true, false]);
  expect(await flags({ A_ENABLED: 'false', B_ENABLED: '' })).toEqual([false, false]);
  expect(await flags({ B_ENABLED: 'true' })).toEqual([true, true]);
  await expect(flags({ A_ENABLED: 'maybe' })).rejects.toThrow(/A_ENABLED must be true or false/);
});

test('the environment is read by the settings: rules, defaults, and what must be set together', () => {
  const schema = configSchema({
    FIRST: { schema: z.string().optional(), meaning: 'm', requires: ['SECOND'] },
    SECOND: { schema: z.coerce.number().optional(), meaning: 'm' },
    THIRD: { schema: z.string().default('three'), meaning: 'm' },
  });
  expect(loadConfig(schema, { FIRST: '', THIRD: '' })).toEqual({ THIRD: 'three' });
  expect(loadConfig(schema, { FIRST: 'x', SECOND: '2' })).toMatchObject({ SECOND: 2 });
  expect(() => loadConfig(schema, { FIRST: 'x' })).toThrow(/SECOND is not set: must be set where FIRST is/);
  expect(() => loadConfig(schema, { SECOND: 'many' })).toThrow(/SECOND is set but/);
});
