import type { ChatMessage } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Calibrations } from '../src/index.ts';

/** Words of scripts, of each of which a vocabulary takes so many tokens more than counted for a character. */
const SCRIPTS = {
  latin: 'the quick brown fox jumps over a lazy dog ',
  digits: '4711 0815 1234 5678 90 ',
  greek: 'ξεσκεπάζω την ψυχοφθόρα βδελυγμία ',
  hindi: 'ऋषियों को सताने वाले दुष्ट राक्षसों के राजा ',
  chinese: '視野無限廣窗外有藍天',
  emoji: '🙂🚢🎉🦀',
} as const;
type Script = keyof typeof SCRIPTS;
const names = Object.keys(SCRIPTS) as Script[];

function saying(...scripts: readonly Script[]): ChatMessage[] {
  return scripts.map((script) => ({ role: 'user', content: SCRIPTS[script].repeat(12) }));
}

/** As another vocabulary has it: a token for four bytes. */
function counted(messages: readonly ChatMessage[]): number {
  return Math.ceil(Buffer.byteLength(messages.map(({ content }) => content).join('')) / 4);
}

/** A model that takes a share of the bytes of each script. */
function realOf(shares: Readonly<Record<Script, number>>, scripts: readonly Script[]): number {
  return scripts.reduce(
    (sum, script) => sum + Math.ceil(Buffer.byteLength(SCRIPTS[script].repeat(12)) * shares[script]),
    0,
  );
}

const vocabulary = fc.record(
  Object.fromEntries(names.map((name) => [name, fc.double({ min: 0.18, max: 0.6, noNaN: true })])) as Record<
    Script,
    fc.Arbitrary<number>
  >,
);
const contexts = fc.array(fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 4 }), {
  minLength: 40,
  maxLength: 40,
});

/** Numbers in [0, 1), the same in every run (mulberry32). */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

describe('Calibrations', () => {
  it('learn a vocabulary by its scripts, and carry it over to mixtures that were never seen', () => {
    fc.assert(
      fc.property(vocabulary, contexts, (shares, seen) => {
        const calibrations = new Calibrations();
        for (const scripts of [...seen, ...names.map((name) => [name])]) {
          const messages = saying(...scripts);
          const seen = { counted_tokens: counted(messages), input_tokens: realOf(shares, scripts) };
          calibrations.learn('m', messages, seen);
        }
        const all = saying(...names);
        const tokens = counted(all);
        const { ratio, spread } = calibrations.of('m', all, tokens);
        const real = realOf(shares, names);
        expect(Math.abs(tokens * ratio - real) / real).toBeLessThan(0.1);
        expect(tokens * (ratio + spread)).toBeGreaterThan(real * 0.98);
      }),
      { numRuns: 30 },
    );
  });

  it('take a script that they never saw for as much as its bytes, and one that they know for little more', () => {
    const calibrations = new Calibrations();
    const spreadOf = (script: Script) => {
      const messages = saying(script);
      const tokens = counted(messages);
      const { ratio, spread } = calibrations.of('m', messages, tokens);
      const bytes = Buffer.byteLength(messages.map(({ content }) => content).join(''));
      expect(ratio + spread).toBeLessThanOrEqual(bytes / tokens + 1e-9);
      return spread;
    };
    expect(spreadOf('latin')).toBeLessThan(0.5);
    for (const script of ['greek', 'hindi', 'chinese', 'emoji'] as const)
      expect(spreadOf(script)).toBeGreaterThan(0.9);
    const messages = saying('greek');
    const tokens = counted(messages);
    for (let i = 0; i < 3; i++)
      calibrations.learn('m', messages, { counted_tokens: tokens, input_tokens: tokens * 2 });
    expect(Math.abs(calibrations.of('m', messages, tokens).ratio - 2)).toBeLessThan(0.2);
    expect(spreadOf('greek')).toBeLessThan(0.7);
    // Of others nothing is known by that.
    expect(spreadOf('hindi')).toBeGreaterThan(0.9);
    const latin = saying('latin');
    expect(Math.abs(calibrations.of('m', latin, counted(latin)).ratio - 1)).toBeLessThan(0.1);
  });

  it.each(['greek', 'hindi', 'chinese', 'emoji'] as const)(
    'hold what a vocabulary takes that has not even letters of %s, from the first call',
    (script) => {
      const calibrations = new Calibrations();
      const messages = saying(script);
      const text = SCRIPTS[script].repeat(12);
      // As a vocabulary has it that knows the script well, and as one that has nothing but its bytes.
      const counted_tokens = Math.ceil(0.4 * text.length);
      const input_tokens = Buffer.byteLength(text);
      const { ratio, spread } = calibrations.of('m', messages, counted_tokens);
      expect(counted_tokens * (ratio + spread)).toBeGreaterThan(0.95 * input_tokens);
      calibrations.learn('m', messages, { counted_tokens, input_tokens });
      const known = calibrations.of('m', messages, counted_tokens);
      expect(Math.abs((counted_tokens * known.ratio) / input_tokens - 1)).toBeLessThan(0.05);
    },
  );

  it('stay steady over thousands of calls whose tokens scatter', () => {
    const calibrations = new Calibrations();
    const shares = { latin: 0.25, digits: 0.5, greek: 0.4, hindi: 0.3, chinese: 0.4, emoji: 0.5 };
    const random = mulberry32(1);
    let off = 0;
    for (let i = 0; i < 3000; i++) {
      const scripts = names.filter(() => random() < 0.4);
      const messages = saying(...scripts, 'latin');
      const tokens = counted(messages);
      // Now and then one that is far off.
      const scatter = i % 50 === 0 ? 2 : 0.95 + 0.1 * random();
      const input_tokens = realOf(shares, [...scripts, 'latin']) * scatter;
      if (i > 100 && scatter < 2)
        off = Math.max(
          off,
          Math.abs(tokens * calibrations.of('m', messages, tokens).ratio - input_tokens) / input_tokens,
        );
      calibrations.learn('m', messages, { counted_tokens: tokens, input_tokens });
    }
    expect(off).toBeLessThan(0.35);
  });

  it('follow a model that becomes another one', () => {
    const calibrations = new Calibrations();
    const messages = saying('latin', 'greek');
    const tokens = counted(messages);
    for (const real of [1.2, 0.7]) {
      for (let i = 0; i < 60; i++)
        calibrations.learn('m', messages, { counted_tokens: tokens, input_tokens: tokens * real });
      const { ratio, spread } = calibrations.of('m', messages, tokens);
      expect(Math.abs(ratio - real)).toBeLessThan(0.1);
      expect(ratio + spread).toBeGreaterThan(real);
    }
  });

  it('forget the model that was heard of longest ago, and learn nothing from nothing', () => {
    const calibrations = new Calibrations();
    const messages = saying('latin');
    const told = { counted_tokens: 100, input_tokens: 130 };
    calibrations.learn('first', messages, told);
    calibrations.learn('second', messages, { counted_tokens: 0, input_tokens: 9 });
    expect(calibrations.of('first', messages, 100).ratio).toBeGreaterThan(1.05);
    expect(calibrations.of('second', messages, 100).ratio).toBe(1);
    for (let i = 0; i < 500; i++) calibrations.learn(`m${i}`, messages, told);
    expect(calibrations.of('first', messages, 100).ratio).toBe(1);
  });
});
