import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReasoningSplitter } from '../src/index.ts';

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
