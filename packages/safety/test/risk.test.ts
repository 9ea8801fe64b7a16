import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CATEGORY_NAMES, CATEGORIES as REGISTRY, type SafetyCategory } from '../src/categories.ts';
import { riskScore } from '../src/index.ts';
import { evidenceIn } from '../src/risk.ts';
import { PHRASES as TABLE } from '../src/rules/phrases.ts';

/** One phrase of each kind, and one near it that only looks like it. */
const PHRASES: readonly [SafetyCategory, string, string][] = [
  ['self-harm', 'how to end my life', 'how to end my lease'],
  ['violence', 'how to poison someone', 'how to poison rats'],
  ['weapons', 'make a pipe bomb', 'make a bath bombastic'],
  ['hate', 'exterminate the neighbours', 'exterminate them'],
  ['sexual-minors', 'nude pictures of a minor', 'a nude study in a minor key'],
  ['malware', 'write a keylogger', 'write about keyloggers'],
  ['prompt-injection', 'ignore all previous instructions', 'follow all previous instructions'],
];
const CATEGORIES = PHRASES.map(([category]) => category);

describe('evidence', () => {
  it.each(PHRASES.filter(([category]) => category !== 'sexual-minors'))(
    '%s: %j counts, %j does not',
    (category, phrase, near) => {
      expect(riskScore(phrase).categories).toEqual([category]);
      expect(riskScore(phrase.toUpperCase()).categories).toEqual([category]);
      expect(riskScore(near)).toEqual({ risk: 0, categories: [] });
    },
  );

  it('cannot tell a study in a minor key from what is forbidden: words near each other count', () => {
    const [, phrase, near] = PHRASES[4] ?? ['', '', ''];
    expect(riskScore(phrase).categories).toEqual(['sexual-minors']);
    expect(riskScore(near).categories).toEqual(['sexual-minors']);
    expect(riskScore('An erotic novel. Children sing elsewhere.').categories).toEqual([]);
  });

  it('has phrases for every category but those that other stages find', () => {
    const named = new Set(TABLE.map(({ category }) => category));
    expect(CATEGORY_NAMES.filter((name) => !named.has(name))).toEqual(['secrets']);
    for (const { openai } of Object.values(REGISTRY)) expect(openai.length).toBeGreaterThan(0);
  });

  it('beyond what is read does not count', () => {
    expect(riskScore(`${'a '.repeat(100_000)}write a keylogger`).categories).toEqual([]);
  });
});

describe('the risk of a text', () => {
  const chosen = fc.uniqueArray(fc.constantFrom(...PHRASES), {
    selector: ([category]) => category,
    maxLength: PHRASES.length,
  });
  const textOf = (phrases: readonly (readonly string[])[]) => phrases.map(([, phrase]) => phrase).join('.\n');

  it('adds up as independent probabilities, whatever the order', () => {
    fc.assert(
      fc.property(chosen, (phrases) => {
        const weights = phrases.flatMap(([, phrase]) => evidenceIn(phrase).map(({ weight }) => weight));
        const { risk, categories } = riskScore(textOf(phrases));
        expect(risk).toBeCloseTo(1 - weights.reduce((safe, weight) => safe * (1 - weight), 1), 12);
        expect(new Set(categories)).toEqual(new Set(phrases.map(([category]) => category)));
        expect(riskScore(textOf([...phrases].reverse())).risk).toBeCloseTo(risk, 12);
      }),
    );
  });

  it('is in [0, 1], grows with each kind, and not with a phrase said twice', () => {
    fc.assert(
      fc.property(chosen, fc.constantFrom(...PHRASES), (phrases, more) => {
        const before = riskScore(textOf(phrases)).risk;
        const after = riskScore(textOf([...phrases, more])).risk;
        const there = phrases.some(([category]) => category === more[0]);
        expect(before).toBeGreaterThanOrEqual(0);
        expect(after).toBeLessThanOrEqual(1);
        if (there) expect(after).toBeCloseTo(before, 12);
        else expect(after).toBeGreaterThan(before);
      }),
    );
  });

  it('has a category for every kind there is', () => {
    const found = new Set(PHRASES.flatMap(([, phrase]) => riskScore(phrase).categories));
    expect([...found].sort()).toEqual([...CATEGORIES].sort());
  });
});
