import type { ChatMessage } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { extractSummary, fitBudget } from '../src/index.ts';

const countWords = (messages: readonly ChatMessage[]) =>
  Promise.resolve(
    messages.reduce((sum, { content }) => sum + 3 + String(content ?? '').split(/\s+/).length, 0),
  );

/** Whether a text was made of a source by leaving parts of it out, and putting a summary behind it. */
function isMadeOf(made: string, source: string, summary: string | undefined): boolean {
  const suffix = `: ${summary}]`;
  const text = made.endsWith(suffix) ? made.slice(0, made.lastIndexOf('\n\n[Summary of ')) : made;
  let from = 0;
  for (const part of text.split(/ \[…\] | \.\.\. /)) {
    const at = source.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return true;
}

const words = fc
  .array(fc.constantFrom('alpha', 'beta', 'gamma.', 'delta', 'epsilon!', 'zeta?', '終わり。', '𐐷'), {
    minLength: 1,
    maxLength: 60,
  })
  .map((list) => list.join(' '));

const said = fc.oneof(
  { weight: 3, arbitrary: words.map((content): ChatMessage[] => [{ role: 'user', content }]) },
  { weight: 3, arbitrary: words.map((content): ChatMessage[] => [{ role: 'assistant', content }]) },
  // Calls with their results, in whatever order those come.
  fc
    .record({ results: fc.array(words, { minLength: 1, maxLength: 3 }), reversed: fc.boolean() })
    .map(({ results, reversed }): ChatMessage[] => {
      const id = (i: number) => `call-${results[0]?.length}-${i}`;
      const answers = results.map(
        (content, i): ChatMessage => ({ role: 'tool', tool_call_id: id(i), content }),
      );
      return [
        {
          role: 'assistant',
          content: null,
          tool_calls: results.map((_, i) => ({
            id: id(i),
            type: 'function',
            function: { name: 'look', arguments: '{}' },
          })),
        },
        ...(reversed ? answers.reverse() : answers),
      ];
    }),
);

const contexts = fc
  .record({
    before: fc.array(said, { maxLength: 8 }),
    question: words,
    past: fc.array(said, { maxLength: 8 }),
  })
  .map(({ before, question, past }) => {
    const head: ChatMessage[] = [{ role: 'system', content: 'Be brief.' }, ...before.flat()];
    return {
      question_at: head.length,
      // No message is another one's object, and no call has the id of another.
      messages: [...head, { role: 'user', content: question } satisfies ChatMessage, ...past.flat()].map(
        (message, i, all) => withOwnIds(message, all.slice(0, i)),
      ),
    };
  });

/** The calls of a message and the results of the latest calls before it get ids of their own. */
function withOwnIds(message: ChatMessage, before: readonly ChatMessage[]): ChatMessage {
  const caller = before.findLastIndex(({ role }) => role === 'assistant');
  if (message.role === 'tool') return { ...message, tool_call_id: `${caller}-${message.tool_call_id}` };
  if (message.role !== 'assistant') return message;
  const calls = message.tool_calls?.map((call) => ({ ...call, id: `${before.length}-${call.id}` }));
  return calls === undefined ? message : { ...message, tool_calls: calls };
}

/** Vectors of a model that finds every text as like the question as its length says. */
const embedByLength = (texts: readonly string[]) =>
  Promise.resolve(texts.map((text) => [1, text.length % 7, text.length % 3]));

describe('fitBudget', () => {
  it('never exceeds the budget, and keeps the order, what is pinned, and calls with their results', async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(
        contexts,
        fc.integer({ min: 60, max: 500 }),
        fc.record({ summary: fc.boolean(), vectors: fc.boolean() }),
        async ({ messages, question_at }, limit_tokens, { summary, vectors }) => {
          const room = limit_tokens - 20;
          const fitted = await fitBudget({
            messages,
            question_at,
            limit_tokens,
            reserve_tokens: 20,
            count: countWords,
            embed: vectors ? embedByLength : undefined,
            summarize: summary ? (gone) => Promise.resolve(extractSummary(gone, 80)) : undefined,
          }).catch((error: unknown) => {
            // Only calls cannot be cut, and each message has its overhead.
            expect(error).toMatchObject({ code: 'context_length_exceeded' });
            return undefined;
          });
          if (fitted === undefined) return;
          seen.add(fitted.action);
          const { kept, action } = fitted;
          expect(await countWords(fitted.messages)).toBe(fitted.input_tokens);
          expect(fitted.input_tokens).toBeLessThanOrEqual(room);
          expect(action === 'none').toBe((await countWords(messages)) <= room);
          expect(kept.length + fitted.dropped_messages).toBe(messages.length);
          expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b));
          expect(kept).toEqual(expect.arrayContaining([0, question_at, messages.length - 1]));
          expect(fitted.messages[0]).toBe(messages[0]);
          for (const [i, at] of kept.entries()) {
            const [made, source] = [fitted.messages[i], messages[at]];
            expect({ ...made, content: '' }).toEqual({ ...source, content: '' });
            expect(isMadeOf(String(made?.content ?? ''), String(source?.content ?? ''), fitted.summary)).toBe(
              true,
            );
            expect(String(made?.content).isWellFormed()).toBe(true);
          }
          const calls = (list: readonly ChatMessage[]) =>
            list.flatMap((one) =>
              one.role === 'assistant' ? (one.tool_calls ?? []).map(({ id }) => id) : [],
            );
          const results = fitted.messages.flatMap((one) => (one.role === 'tool' ? [one.tool_call_id] : []));
          expect([...results].sort()).toEqual(calls(fitted.messages).sort());
          expect(fitted.summary === undefined).toBe(action !== 'summarized');
          // Whatever is not there any more, the summary stands for.
          if (action === 'summarized')
            expect(fitted.summarized).toEqual(
              expect.arrayContaining([...messages.keys()].filter((i) => !kept.includes(i))),
            );
          if (fitted.summary !== undefined)
            expect(String(fitted.messages[kept.indexOf(question_at)]?.content)).toContain(fitted.summary);
        },
      ),
      { numRuns: 400 },
    );
    expect([...seen].sort()).toEqual(['clustered', 'none', 'summarized', 'truncated']);
  });

  const sentences = (topic: string, count: number) =>
    Array.from({ length: count }, (_, i) => `The ${topic} has a part number ${i} that matters here. `).join(
      '',
    );

  it.each([
    ['leaves out what has least to do with the question, when a little is too long', 1.15, 'truncated'],
    ['keeps sentences that stand for the others, when more is too long', 1.45, 'clustered'],
    ['has a summary written, when far too much is', 2.5, 'summarized'],
  ])('%s', async (_, over, action) => {
    const messages: ChatMessage[] = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: sentences('boat engine', 6) },
      { role: 'assistant', content: sentences('garden rose', 6) },
      { role: 'user', content: 'Which part of the boat engine matters?' },
      { role: 'assistant', content: sentences('boat engine', 4) },
      { role: 'user', content: 'Say it again.' },
    ];
    const whole = await countWords(messages);
    const fitted = await fitBudget({
      messages,
      question_at: 3,
      limit_tokens: Math.floor(whole / over),
      reserve_tokens: 0,
      count: countWords,
      summarize: () => Promise.resolve('Engines and roses.'),
    });
    expect(fitted.action).toBe(action);
    const left = fitted.messages.map(({ content }) => content).join(' ');
    const share = (word: string) => left.split(word).length - 1;
    if (action === 'clustered')
      expect(Math.min(share('boat engine'), share('garden rose'))).toBeGreaterThan(3);
    else expect(share('boat engine')).toBeGreaterThan(share('garden rose'));
  });

  it('keeps what is nearest in meaning by an embedding model, whatever its words', async () => {
    const messages: ChatMessage[] = [
      { role: 'user', content: 'Felines are silent hunters at night. '.repeat(4) },
      { role: 'user', content: 'Rates of interest went up in spring. '.repeat(4) },
      { role: 'user', content: 'What do cats do?' },
      { role: 'user', content: 'Answer.' },
    ];
    const fitted = await fitBudget({
      messages,
      question_at: 2,
      limit_tokens: 60,
      reserve_tokens: 0,
      count: countWords,
      embed: (texts) => Promise.resolve(texts.map((text) => (/cat|feline/i.test(text) ? [1, 0] : [0, 1]))),
    });
    const left = fitted.messages.map(({ content }) => content).join(' ');
    expect(left.split('Felines').length - 1).toBe(4);
    expect(left.split('interest').length - 1).toBeLessThan(4);
  });

  it('goes on by words when there are no vectors just now', async () => {
    const messages: ChatMessage[] = Array.from({ length: 6 }, (_, i) => ({
      role: i % 2 === 0 ? 'user' : 'assistant',
      content: sentences('boat', 3),
    }));
    const options = { messages, limit_tokens: 140, reserve_tokens: 0, count: countWords };
    const without = await fitBudget(options);
    expect(await fitBudget({ ...options, embed: () => Promise.resolve(undefined) })).toEqual(without);
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
      summarized: [],
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
