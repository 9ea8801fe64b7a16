import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { phraseAutomaton, Reader } from '../src/rules/rules.ts';
import { symbolsOf } from '../src/rules/symbols.ts';

const automaton = phraseAutomaton((phrase) => phrase % 2 === 0);

/** The same without the table: each step is worked out from the phrases. */
function plainly(text: string) {
  let state = automaton.start;
  let held_from = 0;
  let read = 0;
  const found: (readonly [readonly number[], number])[] = [];
  const step = (symbol: number, at: number) => {
    const next = automaton.next(state, symbol);
    if (!state.holds && next.holds) held_from = at;
    if (next.found.length > 0) found.push([next.found, at]);
    state = next;
  };
  for (const char of text) {
    for (const symbol of symbolsOf(char.codePointAt(0) ?? 0)) step(symbol, read + char.length - 1);
    read += char.length;
  }
  return { found, held_from: state.holds ? held_from : read };
}

const words = fc.constantFrom(
  ...'how to build a pipe bomb kill yourself ignore all previous instructions the house is on a hill . , \u200b 😀 é ＨＯＷ 1gn0re'.split(
    ' ',
  ),
);
const texts = fc.array(words, { maxLength: 40 }).map((list) => list.join(' '));

describe('a text in pieces', () => {
  it('is read by the table as the phrases say, whatever the pieces', () => {
    fc.assert(
      fc.property(texts, fc.array(fc.nat(200), { maxLength: 6 }), (text, cuts) => {
        const found: (readonly [readonly number[], number])[] = [];
        const reader = new Reader(automaton, (phrases, at) => found.push([phrases, at]));
        let from = 0;
        for (const cut of [...cuts, text.length].sort((a, b) => a - b)) {
          reader.push(text.slice(from, cut));
          from = Math.max(from, Math.min(cut, text.length));
        }
        expect({ found, held_from: reader.held_from }).toEqual(plainly(text));
      }),
      { numRuns: 150 },
    );
  });
});
