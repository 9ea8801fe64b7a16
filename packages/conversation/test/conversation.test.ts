import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChatMessage } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arbitrate,
  type Candidate,
  coherence,
  extractSummary,
  fitBudget,
  PromptLibrary,
  planTurn,
  ReasoningSplitter,
  sideOf,
  wantsCritique,
} from '../src/index.ts';

const countWords = (messages: readonly ChatMessage[]) =>
  Promise.resolve(
    messages.reduce((sum, { content }) => sum + 3 + String(content ?? '').split(/\s+/).length, 0),
  );

describe('fitBudget', () => {
  const words = fc
    .array(fc.constantFrom('alpha', 'beta', 'gamma.', 'delta', 'epsilon!'), { minLength: 1, maxLength: 60 })
    .map((list) => list.join(' '));
  const turns = fc.array(words, { minLength: 1, maxLength: 12 });

  it('never exceeds the budget, keeps the order, the system prompt and something of the question and the last message', async () => {
    await fc.assert(
      fc.asyncProperty(
        words,
        turns,
        fc.integer({ min: 90, max: 400 }),
        fc.boolean(),
        async (question, past, limit_tokens, summary) => {
          const messages: ChatMessage[] = [
            { role: 'system', content: 'Be brief.' },
            { role: 'user', content: question },
            ...past.map((content, i): ChatMessage => ({ role: i % 2 === 0 ? 'assistant' : 'user', content })),
          ];
          const fitted = await fitBudget({
            messages,
            limit_tokens,
            reserve_tokens: 20,
            count: countWords,
            summarize: summary ? (gone) => Promise.resolve(extractSummary(gone, 80)) : undefined,
          });
          expect(await countWords(fitted.messages)).toBe(fitted.input_tokens);
          expect(fitted.input_tokens).toBeLessThanOrEqual(limit_tokens - 20);
          expect(fitted.messages[0]).toEqual(messages[0]);
          expect(String(fitted.messages[1]?.content).slice(0, 3)).toBe(question.slice(0, 3));
          expect(fitted.messages.at(-1)?.role).toBe(messages.at(-1)?.role);
          expect(fitted.messages.length + fitted.dropped_messages).toBe(messages.length);
          const kept = fitted.messages.slice(2, -1).map(({ content }) => content);
          expect(messages.map(({ content }) => content).filter((content) => kept.includes(content))).toEqual(
            expect.arrayContaining(kept),
          );
        },
      ),
      { numRuns: 150 },
    );
  });

  it('leaves what fits alone', async () => {
    const messages: ChatMessage[] = [{ role: 'user', content: 'short' }];
    expect(await fitBudget({ messages, limit_tokens: 100, reserve_tokens: 10, count: countWords })).toEqual({
      messages,
      input_tokens: 4,
      action: 'none',
      dropped_messages: 0,
    });
  });

  it('marks what it cut and refuses a system prompt that leaves no room', async () => {
    const long: ChatMessage[] = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'One sentence here. '.repeat(100) },
    ];
    const fitted = await fitBudget({
      messages: long,
      limit_tokens: 80,
      reserve_tokens: 20,
      count: countWords,
    });
    expect(fitted.action).toBe('truncated');
    expect(String(fitted.messages[1]?.content)).toMatch(/ \[…\]$/);
    const tooMuch: ChatMessage[] = [
      { role: 'system', content: 'word '.repeat(200) },
      { role: 'user', content: 'hi' },
    ];
    await expect(
      fitBudget({ messages: tooMuch, limit_tokens: 80, reserve_tokens: 20, count: countWords }),
    ).rejects.toMatchObject({ code: 'context_length_exceeded' });
  });
});

describe('planTurn', () => {
  const base = { mode: 'debate', system: 'S', earlier: [], question: 'Q?' } as const;

  it('shows each model itself as the assistant and the other as a participant', () => {
    const past = [
      { side: 'modelA', content: 'a1' },
      { side: 'modelB', content: 'b1' },
    ] as const;
    const forA = planTurn({ ...base, side: 'modelA', past });
    expect(forA.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user']);
    expect(forA[2]?.content).toBe('a1');
    expect(forA[3]?.content).toContain('b1');
    const forB = planTurn({ ...base, side: 'modelB', past: past.slice(0, 1) });
    expect(forB.at(-1)?.content).toContain('a1');
    expect(forB.some(({ role }) => role === 'assistant')).toBe(false);
  });

  it('keeps first answers independent in mode answer', () => {
    const forB = planTurn({
      ...base,
      mode: 'answer',
      side: 'modelB',
      past: [{ side: 'modelA', content: 'a1' }],
    });
    expect(JSON.stringify(forB)).not.toContain('a1');
  });

  it('alternates the sides', () => {
    expect([0, 1, 2, 3].map(sideOf)).toEqual(['modelA', 'modelB', 'modelA', 'modelB']);
  });
});

describe('arbitrate', () => {
  const vector = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 });
  const candidate = (role: 'modelA' | 'modelB') =>
    fc
      .record({ text: fc.lorem({ maxCount: 40 }), risk: fc.double({ min: 0, max: 1, noNaN: true }), vector })
      .map(
        (rest): Candidate => ({
          role,
          model: role,
          message_id: '0194f0c2-0000-7000-8000-000000000001',
          finish: { unified: 'stop', raw: 'stop' },
          ...rest,
        }),
      );

  it('is bounded, explained, and the same whichever candidate is named first', () => {
    fc.assert(
      fc.property(candidate('modelA'), candidate('modelB'), vector, (a, b, question) => {
        const common = { question, critique_turn: false, duration_ms: 1 };
        const decision = arbitrate({ ...common, candidates: [a, b] });
        expect(arbitrate({ ...common, candidates: [b, a] })).toEqual(decision);
        for (const one of decision.candidates)
          for (const value of [one.semantic, one.coherence, one.safety, one.composite])
            expect(value >= 0 && value <= 1).toBe(true);
        expect(decision.reason).toContain(decision.chosen);
        expect(decision.divergence).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('prefers the safer of two equal answers and asks for a critique when they diverge at like risk', () => {
    const make = (role: 'modelA' | 'modelB', risk: number, at: readonly number[]): Candidate => ({
      role,
      model: role,
      message_id: '0194f0c2-0000-7000-8000-000000000001',
      text: 'The answer is four, because two and two make four.',
      finish: { unified: 'stop', raw: 'stop' },
      risk,
      vector: at,
    });
    const decision = arbitrate({
      candidates: [make('modelA', 0.9, [1, 0]), make('modelB', 0, [1, 0])],
      question: [1, 0],
      critique_turn: false,
      duration_ms: 0,
    });
    expect(decision.chosen).toBe('modelB');
    expect(decision.reason).toContain('safer');
    expect(wantsCritique([make('modelA', 0, [1, 0]), make('modelB', 0, [0, 1])])).toBe(true);
    expect(wantsCritique([make('modelA', 0.9, [1, 0]), make('modelB', 0, [0, 1])])).toBe(false);
    expect(wantsCritique([make('modelA', 0, [1, 0]), make('modelB', 0, [1, 0.01])])).toBe(false);
  });

  it('scores looping or broken-off text lower', () => {
    const good =
      'Water boils at 100 degrees because its vapour pressure then equals that of the air. However, on a mountain it boils earlier.';
    expect(coherence(good, { unified: 'stop', raw: 'stop' })).toBeGreaterThan(
      coherence('the same thing again and '.repeat(20), { unified: 'length', raw: 'max' }) + 0.2,
    );
    expect(coherence('', { unified: 'stop', raw: 'stop' })).toBe(0);
  });
});

describe('ReasoningSplitter', () => {
  it('takes reasoning out, wherever the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.string().filter((text) => !text.includes('<')),
        fc.array(fc.nat({ max: 40 })),
        (thought, answer, cuts) => {
          fc.pre(!thought.includes('</think>') && !/<\/?t?h?i?n?k?$/.test(thought));
          const whole = `<think>${thought}</think>\n\n${answer}`;
          const splitter = new ReasoningSplitter();
          const marks = [...new Set([0, ...cuts.map((at) => at % (whole.length + 1)), whole.length])].sort(
            (a, b) => a - b,
          );
          const parts = marks.slice(1).map((to, i) => splitter.push(whole.slice(marks[i], to)));
          parts.push(splitter.end());
          expect(parts.map(({ reasoning }) => reasoning).join('')).toBe(thought);
          expect(
            parts
              .map(({ text }) => text)
              .join('')
              .trimStart(),
          ).toBe(answer.trimStart());
        },
      ),
    );
  });

  it('leaves an answer without reasoning as it is', () => {
    const splitter = new ReasoningSplitter();
    expect(
      [splitter.push('<'), splitter.push('b>bold</b>'), splitter.end()].map(({ text }) => text).join(''),
    ).toBe('<b>bold</b>');
  });
});

describe('PromptLibrary', () => {
  it("has the built-in prompts, and the user's own before them, without a restart", async () => {
    const dir = mkdtempSync(join(tmpdir(), 'mcp-prompts-'));
    try {
      const library = new PromptLibrary(dir);
      expect((await library.list()).map(({ name }) => name)).toEqual([
        'base_system',
        'critic_mode',
        'developer_mode',
        'nuclear_mode',
      ]);
      expect(await library.get('critic_mode', 'promptB')).toMatchObject({
        source: 'built-in',
        text: expect.stringContaining('critic'),
      });
      writeFileSync(join(dir, 'critic_mode.md'), 'Mine.');
      writeFileSync(join(dir, 'Bad Name.md'), 'ignored');
      writeFileSync(join(dir, 'huge.md'), 'x'.repeat(70_000));
      expect(await library.get('critic_mode', 'promptB')).toMatchObject({ source: 'user', text: 'Mine.' });
      expect((await library.list()).map(({ name }) => name)).toEqual([
        'base_system',
        'critic_mode',
        'developer_mode',
        'nuclear_mode',
      ]);
      await expect(library.get('huge', 'promptA')).rejects.toMatchObject({ code: 'invalid_request' });
      await expect(library.get('nothing', 'promptA')).rejects.toThrow(
        /there is no prompt 'nothing'.*base_system/,
      );
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
