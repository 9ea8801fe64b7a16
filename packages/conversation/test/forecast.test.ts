import type { LogRecord } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AnswerLimit,
  errorOf,
  type ForecastSettings,
  forecast,
  inputOf,
  tokensPerChar,
  usesOf,
} from '../src/index.ts';

const SETTINGS: ForecastSettings = { turns: 8, alpha: 1, beta: 1, margin_min: 0.1, margin_max: 0.2 };
const NEW = {
  uses: [],
  settings: SETTINGS,
  exact: false,
  counted_tokens: 100,
  prior: { ratio: 1, spread: 0 },
  most_output_tokens: 500,
};

/** A turn of a model as it is recorded. */
function turnOf(model: string, change: Partial<LogRecord> = {}): LogRecord {
  return {
    seq: 0,
    role: 'modelA',
    content: 'An answer.',
    at: '2026-11-28T12:00:00.000Z',
    trace_id: 't',
    pii_tags: [],
    message_id: '13509827-fc82-4c9a-9a1f-75aaf2e0a618',
    model,
    finish_reason: { unified: 'stop', raw: 'stop' },
    usage: { input_tokens: 120, output_tokens: 60 },
    budget: {
      input_tokens: 100,
      limit_tokens: 4096,
      exact: false,
      action: 'none',
      dropped_messages: 0,
      forecast_tokens: 150,
    },
    hash_prev: '0'.repeat(64),
    hash: '1'.repeat(64),
    ...change,
  } as LogRecord;
}

const uses = fc.array(
  fc
    .record({
      counted: fc.integer({ min: 1, max: 4000 }),
      ratio: fc.double({ min: 0.6, max: 1.6, noNaN: true }),
      output: fc.integer({ min: 0, max: 600 }),
      off: fc.double({ min: 0.5, max: 2, noNaN: true }),
      cut: fc.boolean(),
    })
    .map(({ counted, ratio, output, off, cut }) => {
      const input_tokens = Math.max(1, Math.round(counted * ratio));
      return {
        counted_tokens: counted,
        input_tokens,
        output_tokens: output,
        cut,
        forecast_tokens: Math.max(1, Math.round((input_tokens + output) * off)),
      };
    }),
  { maxLength: 12 },
);

describe('forecast', () => {
  it('keeps its margin within its bounds and never reserves more than the longest answer', () => {
    fc.assert(
      fc.property(uses, fc.boolean(), fc.integer({ min: 1, max: 4096 }), (seen, exact, most) => {
        const made = forecast({ ...NEW, uses: seen, exact, most_output_tokens: most });
        expect(made.margin).toBeGreaterThanOrEqual(0.1);
        expect(made.margin).toBeLessThanOrEqual(0.2);
        expect(made.expected_output_tokens).toBeLessThanOrEqual(made.reserve_tokens);
        expect(made.reserve_tokens).toBeLessThanOrEqual(most);
        expect(made.ratio).toBeGreaterThanOrEqual(exact ? 1 : 0.25);
        expect(made.ratio).toBeLessThanOrEqual(4);
      }),
    );
  });

  it('learns a tokenizer that takes always so many times what is counted, and a length of answers', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.5, max: 2, noNaN: true }),
        fc.array(fc.integer({ min: 200, max: 4000 }), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 500 }),
        (ratio, counts, output_tokens) => {
          const seen = counts.map((counted_tokens) => ({
            counted_tokens,
            input_tokens: Math.round(counted_tokens * ratio),
            output_tokens,
            cut: false,
            forecast_tokens: undefined,
          }));
          const made = forecast({ ...NEW, uses: seen, counted_tokens: counts.at(-1) ?? 0 });
          expect(made.ratio).toBeCloseTo(ratio, 2);
          expect(made.expected_output_tokens).toBeGreaterThanOrEqual(output_tokens);
          expect(made.expected_output_tokens).toBeLessThanOrEqual(2 * output_tokens);
        },
      ),
    );
  });

  const steady = { counted_tokens: 100, input_tokens: 100, output_tokens: 50, cut: false };
  it.each([
    ['the longest answer and the largest margin with nothing to look back on', [], [500, 0.2]],
    ['the smallest margin when it was right', Array(8).fill({ ...steady, forecast_tokens: 150 }), [53, 0.1]],
    ['the largest margin when it was wrong', Array(8).fill({ ...steady, forecast_tokens: 300 }), [53, 0.2]],
    ['a margin of three times the error', Array(3).fill({ ...steady, forecast_tokens: 157.5 }), [63, 0.1429]],
    [
      'the longest answer after one that was cut',
      [{ ...steady, cut: true, forecast_tokens: 150 }],
      [500, 0.2],
    ],
    [
      'more of what came last',
      [
        { ...steady, output_tokens: 10 },
        { ...steady, output_tokens: 100 },
      ].map((use) => ({
        ...use,
        forecast_tokens: undefined,
      })),
      [164, 0.2],
    ],
  ])('takes %s', (_, seen, [output, margin]) => {
    const made = forecast({ ...NEW, uses: seen });
    expect([made.expected_output_tokens, Number(made.margin.toFixed(4))]).toEqual([output, margin]);
  });

  it('takes the ratio of other conversations for what the last call has not seen', () => {
    const seen = [{ ...steady, input_tokens: 200, forecast_tokens: undefined }];
    const ratioAt = (counted_tokens: number) => forecast({ ...NEW, uses: seen, counted_tokens }).ratio;
    expect([50, 100, 200, 400].map(ratioAt)).toEqual([2, 2, 1.5, 1.25]);
  });

  it('weighs input by α and the answer by β', () => {
    const prior = { ratio: 1.2, spread: 0 };
    const made = forecast({ ...NEW, prior, settings: { ...SETTINGS, alpha: 1.5, beta: 0.5 } });
    expect(inputOf(made, 1000, prior).tokens).toBe(1800);
    expect(made.expected_output_tokens).toBe(250);
  });

  const own = [{ ...steady, input_tokens: 150, forecast_tokens: undefined }];
  it.each([
    ['the margin, where the text is known', {}, { ratio: 1, spread: 0.1 }, 1000, [1000, 1200]],
    [
      'what is not known of its scripts, where that is more',
      {},
      { ratio: 1, spread: 0.5 },
      1000,
      [1000, 1500],
    ],
    ['nothing, where the count is exact', { exact: true }, { ratio: 1, spread: 0.5 }, 1000, [1000, 1000]],
    [
      'the margin alone, where the last call had it all',
      { uses: own },
      { ratio: 1, spread: 9 },
      100,
      [150, 180],
    ],
    [
      'half of what is not known of a half that is new',
      { uses: own },
      { ratio: 1, spread: 1 },
      200,
      [250, 350],
    ],
  ])('holds the limit to its input and %s', (_, change, prior, counted_tokens, [tokens, at_most]) => {
    const made = forecast({ ...NEW, counted_tokens, prior, ...change });
    expect(inputOf(made, counted_tokens, prior)).toEqual({ tokens, at_most });
  });
});

describe('what is read from records', () => {
  it('is the last calls of the model that reported what they took', () => {
    const records = [
      turnOf('alpha', { usage: { input_tokens: 1, output_tokens: 1 } }),
      turnOf('beta'),
      turnOf('alpha', { finish_reason: { unified: 'length', raw: null } }),
      turnOf('alpha', { finish_reason: { unified: 'cancelled', raw: null } }),
      turnOf('alpha', { usage: { input_tokens: 0, output_tokens: 3 } }),
      turnOf('alpha', { budget: undefined }),
      turnOf('alpha'),
    ];
    const use = { counted_tokens: 100, input_tokens: 120, output_tokens: 60, forecast_tokens: 150 };
    expect(usesOf(records, 'alpha', 2)).toEqual([
      { ...use, cut: true },
      { ...use, cut: false },
    ]);
    expect(usesOf(records, 'alpha', 8)).toHaveLength(3);
  });

  it('prefers the count before calibration, and tells how far a forecast was off', () => {
    const base = turnOf('alpha').budget;
    const [use] = usesOf(
      [turnOf('alpha', { budget: base === undefined ? base : { ...base, counted_tokens: 80 } })],
      'alpha',
      8,
    );
    expect(use?.counted_tokens).toBe(80);
    expect(use === undefined ? 0 : errorOf(use)).toBeCloseTo(0.2);
    expect(errorOf({ input_tokens: 1, output_tokens: 1, forecast_tokens: undefined })).toBeUndefined();
  });

  it.each([
    ['by the last long answer', [turnOf('alpha', { content: 'x'.repeat(400) })], 900, 0.15],
    ['of the model itself', [turnOf('beta', { content: 'x'.repeat(400) })], 900, 0.5],
    ['by what is usual in a short conversation', [turnOf('alpha')], 20, 0.3],
  ])('takes characters for tokens %s', (_, records, chars, expected) => {
    expect(tokensPerChar(records, 'alpha', { tokens: chars / 2, chars })).toBeCloseTo(expected);
  });
});

/** Runs an answer through its limit as a turn does; one word is a token, and nobody else stops it. */
function written(
  pieces: readonly string[],
  limit: AnswerLimit,
): { said: string; cut: boolean; took: number } {
  let said = '';
  for (const [i, piece] of pieces.entries()) {
    said += limit.take(piece, piece);
    if (limit.over) return { said: said + limit.restOfCut(), cut: true, took: i + 1 };
  }
  return { said: said + limit.rest(), cut: false, took: pieces.length };
}

describe('AnswerLimit', () => {
  const answers = fc.array(
    fc.constantFrom('one ', 'two ', 'three. ', 'four! ', 'five\n', '終。', '3.', '5 ', '"six." '),
    { minLength: 1, maxLength: 300 },
  );

  it('says a beginning of the answer, whole where it fits, and never takes more pieces than there are tokens', () => {
    fc.assert(
      fc.property(answers, fc.integer({ min: 1, max: 300 }), (pieces, room_tokens) => {
        const limit = new AnswerLimit({ room_tokens, tokens_per_char: 0.15 });
        const { said, cut, took } = written(pieces, limit);
        expect(pieces.join('').startsWith(said)).toBe(true);
        expect(took).toBeLessThanOrEqual(room_tokens);
        if (!cut) expect(said).toBe(pieces.join(''));
        if (pieces.length > room_tokens) expect(cut).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('ends at a sentence, also when the sentence began long before', () => {
    const sentence = 'This is a sentence of nine words in all. ';
    const pieces = sentence.repeat(40).match(/\S+\s*/g) ?? [];
    fc.assert(
      fc.property(fc.integer({ min: 40, max: 350 }), (room_tokens) => {
        const { said, cut, took } = written(pieces, new AnswerLimit({ room_tokens, tokens_per_char: 0.2 }));
        expect(cut).toBe(true);
        expect(said).toMatch(/all\. ?$/);
        // Not a sentence earlier than needed.
        expect(took).toBeGreaterThan(room_tokens - 2 * 9 - 1);
      }),
    );
  });

  it('ends at a word where there is no sentence, and counts hidden reasoning', () => {
    const words = Array.from({ length: 99 }, (_, i) => `w${i} `);
    const { said } = written(words, new AnswerLimit({ room_tokens: 50, tokens_per_char: 0.2 }));
    expect(said).toMatch(/^w0 .* w49 $/);
    const limit = new AnswerLimit({ room_tokens: 50, tokens_per_char: 0.2 });
    for (let i = 0; i < 49; i++) expect(limit.take('thinking ', '')).toBe('');
    expect(limit.over).toBe(true);
  });
});
