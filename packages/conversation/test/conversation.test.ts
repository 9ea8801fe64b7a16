import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChatMessage } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  alternate,
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

/** Index of the message that another was made of, by the number it begins with. */
function sourceOf(messages: readonly ChatMessage[], made: ChatMessage): number {
  const mark = /^#\d+#|^[^#]{5}/.exec(String(made.content))?.[0] ?? 'none';
  return messages.findIndex(({ content }) => String(content).startsWith(mark));
}

describe('fitBudget', () => {
  let serial = 0;
  const words = fc
    .array(fc.constantFrom('alpha', 'beta', 'gamma.', 'delta', 'epsilon!'), { minLength: 1, maxLength: 60 })
    .map((list) => `#${serial++}# ${list.join(' ')}`);
  const turns = fc.array(words, { minLength: 1, maxLength: 12 });

  const contexts = fc
    .record({ question: words, before: turns, past: turns, earlier: fc.boolean() })
    .map(({ question, before, past, earlier }) => {
      const alternating = (texts: readonly string[], first: number) =>
        texts.map((content, i): ChatMessage => ({ role: i % 2 === first ? 'user' : 'assistant', content }));
      const history = earlier ? alternating(before.slice(0, before.length - (before.length % 2)), 0) : [];
      return {
        question_at: history.length + 1,
        messages: [
          { role: 'system', content: 'Be brief.' },
          ...history,
          { role: 'user', content: question },
          ...alternating(past, 1),
        ] satisfies ChatMessage[],
      };
    });

  it('never exceeds the budget, keeps the order, the system prompt and something of the question and the last message', async () => {
    await fc.assert(
      fc.asyncProperty(
        contexts,
        fc.integer({ min: 90, max: 400 }),
        fc.boolean(),
        async ({ messages, question_at }, limit_tokens, summary) => {
          const fitted = await fitBudget({
            messages,
            question_at,
            limit_tokens,
            reserve_tokens: 20,
            count: countWords,
            summarize: summary ? (gone) => Promise.resolve(extractSummary(gone, 80)) : undefined,
          });
          expect(await countWords(fitted.messages)).toBe(fitted.input_tokens);
          expect(fitted.input_tokens).toBeLessThanOrEqual(limit_tokens - 20);
          expect(fitted.messages.length + fitted.dropped_messages).toBe(messages.length);
          expect(fitted.messages[0]).toEqual(messages[0]);
          expect(fitted.messages[1]?.role).toBe('user');
          const source = fitted.messages.map((kept) => sourceOf(messages, kept));
          expect(source).toEqual([...source].sort((a, b) => a - b));
          expect(source).toContain(question_at);
          expect(source.at(-1)).toBe(messages.length - 1);
        },
      ),
      { numRuns: 200 },
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
    expect(String(fitted.messages[1]?.content)).toMatch(/^One sentence here\..*here\. +\[…\] .*here\. $/s);
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

  it('shows each model itself as the assistant and the other in quotes, with the task last', () => {
    const past = [
      { side: 'modelA', content: 'a1' },
      { side: 'modelB', content: 'b1' },
    ] as const;
    const forA = planTurn({ ...base, side: 'modelA', past }).messages;
    expect(forA.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user']);
    expect(forA[2]?.content).toBe('a1');
    expect(forA[3]?.content).toMatch(
      /^Someone else answered:\n\n"""\nb1\n"""\n\nIf it shows .* final answer\.$/,
    );
    const forB = planTurn({ ...base, side: 'modelB', past: past.slice(0, 1) }).messages;
    expect(forB.at(-1)?.content).toMatch(/^Someone answered:\n\n"""\na1\n"""\n\nSay where .* own answer\.$/);
    expect(forB.some(({ role }) => role === 'assistant')).toBe(false);
  });

  it.each([
    ['debate', 'what is missing', 'shows a mistake'],
    ['cross-check', 'each fact', 'corrects a mistake'],
  ] as const)('gives the sides their tasks in mode %s', (mode, taskB, taskA) => {
    const a1 = { side: 'modelA', content: 'a1' } as const;
    const b1 = { side: 'modelB', content: 'b1' } as const;
    const last = (side: 'modelA' | 'modelB', past: readonly (typeof a1 | typeof b1)[]) =>
      planTurn({ ...base, mode, side, past }).messages.at(-1)?.content;
    expect(last('modelA', [])).toBe('Q?');
    expect(last('modelB', [a1])).toContain(taskB);
    expect(last('modelA', [a1, b1])).toContain(taskA);
  });

  it('keeps first answers independent in mode answer', () => {
    const forB = planTurn({
      ...base,
      mode: 'answer',
      side: 'modelB',
      past: [{ side: 'modelA', content: 'a1' }],
    });
    expect(JSON.stringify(forB)).not.toContain('a1');
    const past = [
      { side: 'modelA', content: 'a1' },
      { side: 'modelB', content: 'b1' },
    ] as const;
    const forA = planTurn({ ...base, mode: 'answer', side: 'modelA', past }).messages.at(-1)?.content;
    expect(forA).toMatch(/b1\n"""\n\nSay which of the two answers is better/);
  });

  it('knows the question among earlier ones, answered or not', () => {
    const { messages, question_at } = planTurn({
      ...base,
      side: 'modelA',
      past: [],
      earlier: [
        { question: 'first?', answer: 'one' },
        { question: 'second?', answer: '' },
      ],
    });
    expect(messages[question_at]?.content).toBe('Q?');
    expect(alternate(messages).map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user']);
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
          expect(parts.map(({ text }) => text).join('')).toBe(answer.trimStart());
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
      mkdirSync(join(dir, 'folder.md'));
      execFileSync('mkfifo', [join(dir, 'pipe.md')]);
      writeFileSync(join(dir, 'windows.md'), '---\r\ndescription: From Windows.\r\n---\r\nHello.\r\n');
      for (const name of ['folder', 'pipe'])
        await expect(library.get(name, 'promptA')).rejects.toMatchObject({ code: 'invalid_request' });
      expect(await library.get('windows', 'promptA')).toMatchObject({
        description: 'From Windows.',
        text: 'Hello.',
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      });
      await expect(library.get('nothing', 'promptA')).rejects.toThrow(
        /there is no prompt 'nothing'.*base_system/,
      );
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
