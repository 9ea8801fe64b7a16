import fc from 'fast-check';
import { encode as cl100k } from 'gpt-tokenizer/encoding/cl100k_base';
import { encode as o200k } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, it } from 'vitest';
import { textsOf } from '../src/index.ts';

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
