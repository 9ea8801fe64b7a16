import type { ChatMessage } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { extractSummary, fitBudget } from '../src/index.ts';

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
          expect(fitted.kept).toEqual(source);
          expect(fitted.summary === undefined).toBe(fitted.action !== 'summarized');
          if (fitted.summary !== undefined)
            expect(
              fitted.messages.some(({ content }) => String(content).includes(fitted.summary ?? '')),
            ).toBe(true);
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
      kept: [0],
      summary: undefined,
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

describe('extractSummary', () => {
  it('is well-formed text within its bound, of the beginnings of the messages', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 12 }),
        fc.integer({ min: 1, max: 700 }),
        (texts, max_chars) => {
          const summary = extractSummary(
            texts.map((content) => ({ role: 'user', content })),
            max_chars,
          );
          expect(summary.length).toBeLessThanOrEqual(max_chars);
          expect(summary.isWellFormed()).toBe(true);
        },
      ),
    );
  });

  it.each([
    ['first sentences', ['One. Two.', 'Three! Four.'], 'One. Three!'],
    ['first lines', ['a title\nand more'], 'a title'],
    ['nothing of nothing', [], ''],
  ])('takes %s', (_, texts, summary) => {
    expect(extractSummary(texts.map((content) => ({ role: 'user', content })))).toBe(summary);
  });

  it('leaves pictures out', () => {
    const url = 'data:image/png;base64,AAAA';
    const picture: ChatMessage = { role: 'user', content: [{ type: 'image_url', image_url: { url } }] };
    expect(extractSummary([picture, { role: 'user', content: 'A boat.' }])).toBe('A boat.');
  });
});
