import fc from 'fast-check';
import { encode as cl100k } from 'gpt-tokenizer/encoding/cl100k_base';
import { encode as o200k } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, it } from 'vitest';
import { messageTokens, textsOf } from '../src/index.ts';

const at = (model = 'all-minilm-l6-v2') => ({ model, param: 'input' });

describe('texts that come as tokens', () => {
  it('are what was encoded', async () => {
    const texts = fc.array(fc.string({ unit: 'grapheme', minLength: 1 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(texts, async (given) => {
        expect(
          await textsOf(
            given.map((text) => cl100k(text)),
            at(),
          ),
        ).toEqual(given);
        expect(await textsOf(given, at())).toEqual(given);
        expect(await textsOf(cl100k(given[0] ?? ''), at())).toEqual([given[0]]);
      }),
    );
  });

  /** As tiktoken.encoding_for_model has it; clients take cl100k_base for what that does not know. */
  it.each([
    ['text-embedding-3-small', cl100k],
    ['text-embedding-ada-002', cl100k],
    ['gpt-4', cl100k],
    ['gpt-4-turbo', cl100k],
    ['smollm2-135m-instruct', cl100k],
    ['openai/gpt-4o', cl100k],
    ['o1x', cl100k],
    ['gpt-4o', o200k],
    ['gpt-4o-mini', o200k],
    ['gpt-4.1-nano', o200k],
    ['gpt-5-mini', o200k],
    ['o3', o200k],
    ['o4-mini-high', o200k],
    ['ft:gpt-4o:org', o200k],
  ])('are read for %s as tiktoken made them', async (model, encode) => {
    const text = 'Grüße aus Überlingen, ¿qué tal?';
    expect(await textsOf([encode(text)], at(model))).toEqual([text]);
  });

  it('are refused with the place of what is no token', async () => {
    await expect(textsOf([5, 200_000], at())).rejects.toMatchObject({
      code: 'invalid_request',
      param: 'input',
      message: expect.stringMatching(/no token of cl100k_base.*Send the text itself/),
    });
    await expect(textsOf([[5], [250_000]], at('gpt-5'))).rejects.toMatchObject({
      param: 'input.1',
      message: expect.stringContaining('o200k_base'),
    });
  });

  it('are refused where they stand for more text than a body holds', async () => {
    const [spaces = 0] = cl100k(' '.repeat(80));
    const lists = Array.from({ length: 200 }, () => Array<number>(1024).fill(spaces));
    await expect(textsOf(lists, at())).rejects.toMatchObject({ code: 'payload_too_large' });
  });
});

describe('tokens of messages', () => {
  const talk = [
    { role: 'system' as const, content: 'Sei kurz.' },
    { role: 'user' as const, content: 'Was heißt <|endoftext|> auf 中文?' },
  ];
  const byHand = (encode: typeof cl100k) =>
    talk.reduce((sum, { content }) => sum + 4 + encode(content, { disallowedSpecial: new Set() }).length, 3);

  it.each([
    ['gpt-4o-mini', o200k, true],
    ['gpt-5', o200k, true],
    ['gpt-4-turbo', cl100k, true],
    ['gpt-3.5-turbo', cl100k, true],
    ['ft:gpt-4:org', cl100k, true],
    ['gpt-4.1', o200k, true],
    ['llama-3.3-70b', o200k, false],
    ['deepseek-chat', o200k, false],
  ])('of %s are by its vocabulary, and said to be exact where they are', async (model, encode, exact) => {
    expect(await messageTokens(talk, model)).toEqual({ tokens: byHand(encode), exact });
  });

  it.each([
    [
      'a picture',
      {
        role: 'user' as const,
        content: [{ type: 'image_url' as const, image_url: { url: 'data:image/png;base64,AAAA' } }],
      },
    ],
    ['a result', { role: 'tool' as const, tool_call_id: 'c', content: 'ok' }],
    [
      'a call',
      {
        role: 'assistant' as const,
        content: null,
        tool_calls: [{ id: 'c', type: 'function' as const, function: { name: 'f', arguments: '{"a":1}' } }],
      },
    ],
  ])('are an estimate with %s, which counts', async (_, message) => {
    const counted = await messageTokens([...talk, message], 'gpt-4o');
    expect(counted.exact).toBe(false);
    expect(counted.tokens).toBeGreaterThan(byHand(o200k) + 4);
  });
});
