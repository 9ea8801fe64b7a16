import type { Decision, ModelInfo, SpanRecord } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faultOf } from '../src/api/http.ts';
import type { LiveStats } from '../src/api/platform.ts';
import { explainDecision } from '../src/chat/explain.ts';
import * as player from '../src/chat/replay.ts';
import { addStats, EMPTY_SERIES, MAX_POINTS } from '../src/live/series.ts';
import { modelChoice } from '../src/pages/models.ts';
import { href, PAGES, parseRoute } from '../src/router.ts';
import { keyFromFragment } from '../src/session.ts';
import { traceTree, visibleRows } from '../src/trace/tree.ts';

describe('addresses', () => {
  it('lead back to the page they were made for', () => {
    fc.assert(
      fc.property(fc.constantFrom(...PAGES.slice(0, 3)), fc.string({ minLength: 1 }), ({ page }, id) => {
        expect(parseRoute(href(page, id))).toEqual({ page, id });
      }),
    );
    for (const { page } of PAGES) expect(parseRoute(href(page)).page).toBe(page);
    expect(parseRoute('')).toEqual({ page: 'converse', id: null });
    expect(parseRoute('#/nowhere').page).toBe('unknown');
    expect(parseRoute('#/traces/%E0%A4%A')).toEqual({ page: 'traces', id: '%E0%A4%A' });
  });

  it('carry a key only in their own form', () => {
    expect(keyFromFragment('#key=mcp_abc-1')).toBe('mcp_abc-1');
    expect(keyFromFragment('#key=a%2Fb')).toBe('a/b');
    for (const hash of ['', '#/keys', '#key=', '#key=%E0%A4%A', '#/x#key=a'])
      expect(keyFromFragment(hash)).toBeNull();
  });
});

describe('a replay', () => {
  const lengths = fc.array(fc.nat(300), { minLength: 1, maxLength: 8 });

  it('shows more and more until all is shown, at any speed', () => {
    fc.assert(
      fc.property(
        lengths,
        fc.constantFrom(...player.SPEEDS),
        fc.infiniteStream(fc.integer({ min: 1, max: 2000 })),
        (list, speed, time) => {
          const seen = (replay: player.Replay) =>
            list.map((_, step) => player.shownChars(replay, step) ?? -1);
          let replay: player.Replay = player.togglePlay({ ...player.createReplay(list), speed });
          let rounds = 0;
          while (replay.playing && rounds++ < 10_000) {
            const next = player.advance(replay, time.next().value);
            seen(next).forEach((chars, step) => {
              expect(chars).toBeGreaterThanOrEqual(seen(replay)[step] ?? -1);
              expect(chars).toBeLessThanOrEqual(list[step] ?? 0);
            });
            replay = next;
          }
          expect(seen(replay)).toEqual(list);
          expect(replay.at).toBe(list.length);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('steps within its bounds and pauses', () => {
    fc.assert(
      fc.property(lengths, fc.integer({ min: -20, max: 20 }), (list, at) => {
        const moved = player.moveTo(player.togglePlay(player.createReplay(list)), at);
        expect(moved.playing).toBe(false);
        expect(moved.at).toBe(Math.max(0, Math.min(list.length, at)));
      }),
    );
    expect(player.advance(player.createReplay([5]), 1000)).toEqual(player.createReplay([5]));
    expect(player.togglePlay(player.createReplay([])).playing).toBe(false);
  });
});

describe('a trace', () => {
  const span = (id: number, parent: number | null, start: number): SpanRecord => ({
    trace_id: 't',
    span_id: `s${id}`,
    parent_span_id: parent === null ? null : `s${parent}`,
    name: 'work',
    service: 'core',
    kind: 'internal',
    start_unix_ms: 1_000_000 + start,
    duration_ms: start % 7,
    status: 'ok',
    attributes: {},
    events: [],
  });

  it('shows each span once, parents first, within the time line, whatever the parents are', () => {
    const spans = fc
      .array(fc.tuple(fc.option(fc.nat(14)), fc.nat(500)), { maxLength: 14 })
      .map((list) => list.map(([parent, start], id) => span(id, parent, start)));
    fc.assert(
      fc.property(spans, (list) => {
        const { rows } = traceTree(list);
        expect(rows.map((row) => row.span.span_id).sort()).toEqual(list.map((one) => one.span_id).sort());
        for (const [at, row] of rows.entries()) {
          expect(row.from).toBeGreaterThanOrEqual(0);
          expect(row.from + row.width).toBeLessThanOrEqual(1.0000001);
          if (row.depth === 0) continue;
          const above = rows.slice(0, at).map((one) => one.span.span_id);
          expect(above).toContain(row.span.parent_span_id);
        }
      }),
    );
  });

  it('hides what is below a folded span', () => {
    const { rows } = traceTree([span(0, null, 0), span(1, 0, 1), span(2, 1, 2), span(3, 0, 3)]);
    const ids = (folded: string[]) => visibleRows(rows, new Set(folded)).map((row) => row.span.span_id);
    expect(ids([])).toEqual(['s0', 's1', 's2', 's3']);
    expect(ids(['s1'])).toEqual(['s0', 's1', 's3']);
    expect(ids(['s0', 's1'])).toEqual(['s0']);
  });
});

describe('live figures', () => {
  const stats = (at_s: number, tokens_out_total: number): LiveStats => ({
    at: new Date(at_s * 1000).toISOString(),
    p50_ms: 10,
    p95_ms: null,
    requests_per_s: 1,
    error_ratio: 0.25,
    tokens_in_total: 0,
    tokens_out_total,
    queues: [{ model: 'a', running: 1, waiting_interactive: 2, waiting_batch: 3, capacity: 2 }],
    models: [],
  });

  it('turn totals into rates, and a restart into a gap', () => {
    const series = [stats(100, 50), stats(102, 70), stats(104, 5)].reduce(addStats, EMPTY_SERIES);
    expect(series.points.map((point) => point.tokens_out_per_s)).toEqual([null, 10, null]);
    expect(series.points[0]).toMatchObject({ running: 1, waiting: 5, error_percent: 25 });
  });

  it('take an answer once and keep a bounded past', () => {
    let series = addStats(EMPTY_SERIES, stats(1, 1));
    expect(addStats(series, stats(1, 1))).toBe(series);
    for (let at_s = 2; at_s < MAX_POINTS + 50; at_s++) series = addStats(series, stats(at_s, at_s));
    expect(series.points).toHaveLength(MAX_POINTS);
  });
});

describe('the choice of models', () => {
  const model = (id: string, status: ModelInfo['status'] = 'ready'): ModelInfo => ({
    id,
    backend: 'scripted',
    kind: 'chat',
    owned_by: 'x',
    max_context: 10,
    cost_input_per_mtok_usd: null,
    cost_output_per_mtok_usd: null,
    status,
  });
  const all = [model('a'), model('b'), model('c')];

  it.each([
    ['nothing where there is none', [], ['', ''], ['', '']],
    ['the one that is ready', [model('a'), model('b', 'downloading')], ['', ''], ['a', 'a']],
    ['different ones', all, ['', '', ''], ['a', 'b', 'c']],
    ['the ready ones in turn where they are too few', all.slice(0, 2), ['', '', ''], ['a', 'b', 'a']],
    ['a wish, and what nobody wishes for the others', all, ['', 'a', ''], ['b', 'a', 'c']],
    ['one model as often as it is wished', all, ['c', 'c'], ['c', 'c']],
    ['what is ready in place of what is not', all.slice(0, 1), ['c', 'a'], ['a', 'a']],
  ])('takes %s', (_, models, wishes, chosen) => {
    expect(modelChoice(models, wishes)).toEqual(chosen);
  });
});

describe('a fault', () => {
  it('is read in both shapes, and in none', () => {
    expect(faultOf({ detail: 'No.', code: 'forbidden', trace_id: 't' }, 403)).toMatchObject({
      message: 'No.',
      code: 'forbidden',
      trace_id: 't',
    });
    expect(faultOf({ error: { message: 'Bad key', code: 'invalid_api_key' } }, 401)).toMatchObject({
      message: 'Bad key',
      code: 'invalid_api_key',
    });
    expect(faultOf('<html>', 502)).toMatchObject({
      code: 'http_502',
      message: expect.stringContaining('502'),
    });
  });
});

describe('a decision in words', () => {
  const decision: Decision = {
    chosen: 'modelB',
    message_id: crypto.randomUUID(),
    reason: '',
    method: 'composite',
    divergence: 0.5,
    safety_delta: 0.2,
    weights: { semantic: 0.5, coherence: 0.3, safety: 0.2 },
    candidates: (['modelA', 'modelB'] as const).map((role, at) => ({
      role,
      model: role,
      message_id: crypto.randomUUID(),
      semantic: 0.5,
      coherence: 0.5,
      safety: 1,
      composite: 0.6 + at / 10,
    })),
    critique_turn: true,
    duration_ms: 12,
  };

  it('names the weights, the margin and the critique turn', () => {
    const words = explainDecision(decision).join(' ');
    expect(words).toContain('0.50 × semantic + 0.30 × coherence + 0.20 × safety');
    expect(words).toContain('The margin is 0.10.');
    expect(words).toContain('critique turn');
  });

  it('says so when nothing was weighed', () => {
    const words = (method: Decision['method']) =>
      explainDecision({ ...decision, method, divergence: null }).join(' ');
    expect(words('disabled')).toContain('MODEL_ARBITRATION_ENABLED');
    expect(words('fastest-successful')).toContain('first model that answered');
    expect(words('only-candidate')).toContain('Only one participant');
    expect(words('composite')).toContain('unknown');
    const shadow = {
      chosen: 'modelB',
      message_id: '',
      method: 'composite',
      reason: '',
      extra_turn: null,
    } as const;
    expect(explainDecision({ ...decision, method: 'shadow', shadow }).join(' ')).toContain(
      'the answer of modelB would stand',
    );
  });

  it('says why an extra turn was taken, and which claims contradict each other', () => {
    const claims = [
      { role: 'modelA', claim: 'It opened in 1931.' },
      { role: 'user', claim: 'It opened in 1958.' },
    ] as const;
    const found = { kind: 'number', strength: 0.9, against: null, why: '' } as const;
    const made: Decision = {
      ...decision,
      extra_turns: ['contradiction'],
      contradictions: [{ ...found, between: [claims[0], claims[1]] }],
    };
    const words = explainDecision(made).join(' ');
    expect(words).toContain('They contradicted each other, so an extra critique turn');
    expect(words).toContain('“It opened in 1931.” against “It opened in 1958.”');
    expect(explainDecision({ ...made, extra_turns: ['low-composite'] }).join(' ')).toContain(
      'None scored well',
    );
  });
});
