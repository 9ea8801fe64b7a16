import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineBackend, FEATURES, jsonOf, jsonText, listText, textOf, wholeText } from '../src/index.ts';

describe('texts as values', () => {
  it('reads back what JSON wrote, and gives undefined for what is none', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(JSON.stringify(jsonOf(text))).toBe(text);
      }),
    );
    for (const text of ['', '{', 'word', "{'a': 1}", '[1,]']) expect(jsonOf(text)).toBeUndefined();
  });

  it.each([
    ['no JSON', '{', 'must be JSON such as [1]'],
    ['another shape', '{"a":1}', 'expected array'],
    ['another value, by its place', '[1,"b"]', '1: '],
  ])('says of %s what does not fit', (_, text, message) => {
    const parsed = jsonText(z.array(z.number()), 'must be JSON such as [1]').safeParse(text);
    expect(parsed.error?.issues[0]?.message).toContain(message);
  });

  it('reads any list whatever blanks stand in it', () => {
    const word = fc.stringMatching(/^[a-z0-9:/.-]{1,12}$/);
    const blank = fc.constantFrom('', ' ', '  ', ' , ,');
    fc.assert(
      fc.property(fc.array(word), blank, (words, gap) => {
        expect(listText(z.array(z.string())).parse(words.join(`${gap},${gap}`))).toEqual(words);
      }),
    );
    expect(listText(z.array(z.enum(['a', 'b']))).safeParse('a,c').success).toBe(false);
  });

  it('takes whole numbers within bounds and nothing else', () => {
    const whole = wholeText(2, 9);
    fc.assert(
      fc.property(fc.integer({ min: -20, max: 20 }), (value) => {
        expect(whole.safeParse(String(value)).success).toBe(value >= 2 && value <= 9);
      }),
    );
    for (const text of ['2.5', 'two', '3x', 'NaN']) expect(whole.safeParse(text).success).toBe(false);
  });
});

describe('the text of a content', () => {
  const picture = () => '[image]';
  it.each([
    [null, ''],
    [undefined, ''],
    ['plain', 'plain'],
    [[], ''],
    [
      [
        { type: 'text', text: 'a' },
        { type: 'refusal', refusal: 'no' },
      ] as const,
      'a\nno',
    ],
    [
      [
        { type: 'input_text', text: 'a' },
        { type: 'input_image' },
        { type: 'output_text', text: 'b' },
      ] as const,
      'a\n[image]\nb',
    ],
  ])('of %j', (content, text) => {
    expect(textOf(content, { picture })).toBe(text);
  });

  it('leaves no trace of a picture for which nothing stands, and throws where it is refused', () => {
    const content = [{ type: 'text', text: 'a' }, { type: 'input_image' }] as const;
    expect(textOf(content, { picture: () => '' })).toBe('a');
    const refuse = () => {
      throw new Error('text only');
    };
    expect(() => textOf(content, { picture: refuse })).toThrow('text only');
    expect(textOf('a', { picture: refuse })).toBe('a');
  });
});

describe('the manifest of a backend', () => {
  type Manifest = Parameters<typeof defineBackend>[0];
  const features = Object.fromEntries(FEATURES.map((name) => [name, 'yes'])) as Manifest['features'];
  const discovery: NonNullable<Manifest['discovery']> = {
    servers: [{ name: 'Near', ports: [1234] }],
    list: '/v1/models',
    answer: z.array(z.string()),
    path: '/v1',
    gives: { variable: 'NEAR_URL', as: 'url' },
    named_by: ['NEAR_URL'],
  };
  const right: Manifest = {
    name: 'near',
    summary: 'A server near by.',
    runs: 'elsewhere',
    features,
    settings: { NEAR_URL: { schema: z.url(), meaning: 'Where it is.' } },
    discovery,
  };

  it('is taken as it is where it fits', () => {
    expect(defineBackend(right)).toMatchObject({
      name: 'near',
      runs: 'elsewhere',
      discovery: { accounts: [] },
    });
  });

  it.each<[string, Partial<Manifest>, RegExp]>([
    ['a name that is none', { name: 'Near By' }, /short lower-case name/],
    [
      'a feature that is missing',
      { features: { ...features, stream: undefined } as never },
      /features\.stream/,
    ],
    [
      'a variable in small letters',
      { settings: { near_url: { schema: z.url(), meaning: 'm' } } },
      /settings/,
    ],
    [
      'a setting without a meaning',
      { settings: { NEAR_URL: { schema: z.url(), meaning: '' } } },
      /settings\.NEAR_URL\.meaning/,
    ],
    [
      'what is found for no setting',
      { discovery: { ...discovery, gives: { variable: 'FAR_URL', as: 'url' } } },
      /FAR_URL is no setting/,
    ],
    [
      'a user naming it by no setting',
      { discovery: { ...discovery, named_by: ['FAR_URL'] } },
      /FAR_URL is no setting/,
    ],
    [
      'a port that is none',
      { discovery: { ...discovery, servers: [{ name: 'Near', ports: [0] }] } },
      /ports\.0/,
    ],
    [
      'a path with a slash at its end',
      { discovery: { ...discovery, path: '/v1/' } },
      /must be empty, or a path/,
    ],
  ])('refuses %s', (_, change, message) => {
    expect(() => defineBackend({ ...right, ...change })).toThrow(message);
  });
});
