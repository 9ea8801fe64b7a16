/** Extra turns: when one is worth its tokens, what it is told, and what takes its place where no evidence decides. */
import { ArbitrationTerms, type FinishReason, type RecordedContradiction } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arbitrate,
  type Candidate,
  contradictionsOf,
  digestOf,
  extendedTaskOf,
  extraTurnFor,
  planTurn,
  quotingAnswer,
  refinementOf,
  withoutQuotes,
} from '../src/index.ts';

const TERMS = ArbitrationTerms.parse({});
const STOP: FinishReason = { unified: 'stop', raw: 'stop' };
const IDS = ['modelA', 'modelB'] as const;
const OLD = 'The bridge was opened in 1931.';
const NEW = 'The bridge was opened in 1958.';
const QUESTION = `${'Some context that is long. '.repeat(40)}\n\nWhen was the bridge opened?`;

function messageOf(at: number): string {
  return `0194f0c2-0000-7000-8000-00000000000${at}`;
}

function candidate(text: string, at: number, more: Partial<Candidate> = {}): Candidate {
  const participant = IDS[at % 2] ?? '';
  const common = { model: 'm', finish: STOP, risk: 0, vector: [1, 0], before: at > 1 ? 1 : 0 };
  return { participant, message_id: messageOf(at), text, ...common, ...more };
}

function verdictOf(texts: readonly string[], question = '') {
  const candidates = texts.map((text, at) => candidate(text, at));
  const contradictions = contradictionsOf(candidates, {
    question,
    least: TERMS.thresholds.contradiction,
  });
  return arbitrate({ candidates, question: undefined, terms: TERMS, contradictions });
}

const open = verdictOf([OLD, NEW]);
/** The source in the question is against both. */
const wrong = verdictOf([OLD, NEW], 'Source: The bridge was opened in 1944.');
/** It is against one of them, which is not chosen. */
const settled = verdictOf([OLD, NEW], `Source: ${NEW}`);
const agreed = verdictOf([OLD, OLD]);

describe('an extra turn', () => {
  const low = (verdict: typeof open) => ({
    ...verdict,
    candidates: verdict.candidates.map((one) => ({ ...one, composite: 0.3 })),
  });
  const turn = { refinement: { ...TERMS.refinement, undecided: 'turn' as const } };

  it.each([
    ['nothing', agreed, {}, {}, undefined],
    ['evidence against another than the best', settled, {}, {}, undefined],
    ['evidence against the best', wrong, {}, {}, 'contradiction'],
    ['the same at unlike risk', { ...wrong, safety_delta: 0.5 }, {}, {}, undefined],
    ['the same without the flag', wrong, { critique: false }, {}, undefined],
    ['divergence without a claim that shows why', { ...agreed, divergence: 0.5 }, {}, {}, 'divergence'],
    ['divergence that choosing settles', { ...settled, divergence: 0.5 }, {}, {}, undefined],
    ['no evidence', open, {}, {}, 'undecided'],
    ['no evidence, where a turn is to tell both', open, {}, turn, 'contradiction'],
    ['no evidence, and it was quoted', open, { quoted: true }, {}, undefined],
    ['no evidence without the flag', open, { critique: false }, {}, undefined],
    ['a low composite', low(agreed), {}, {}, 'low-composite'],
    ['a low composite after the refinement', low(agreed), { taken: 1 }, {}, 'low-composite'],
    ['a low composite after the extended loop', low(agreed), { taken: 2, extended: 1 }, {}, undefined],
  ] as const)('for %s', (_, verdict, at, more, trigger) => {
    const options = { taken: 0, extended: 0, critique: true, ...at, terms: { ...TERMS, ...more } };
    expect(extraTurnFor({ verdict, ...options })).toBe(trigger);
  });

  it('is bounded, whatever the scores', () => {
    const terms = fc.record({
      max_extended_turns: fc.integer({ min: 0, max: 4 }),
      composite: fc.double({ min: 0, max: 1, noNaN: true }),
      undecided: fc.constantFrom('quote' as const, 'turn' as const, 'leave' as const),
    });
    const one = fc.record({
      verdict: fc.constantFrom(open, wrong, settled, agreed),
      composite: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(terms, fc.infiniteStream(one), ({ undecided, ...bounds }, stream) => {
        const thresholds = { ...TERMS.thresholds, composite: bounds.composite };
        const refinement = { ...TERMS.refinement, undecided };
        const all = { ...TERMS, ...bounds, thresholds, refinement };
        const taken: string[] = [];
        for (const { verdict, composite } of stream) {
          const scored = { ...verdict, candidates: verdict.candidates.map((c) => ({ ...c, composite })) };
          const trigger = extraTurnFor({
            verdict: scored,
            terms: all,
            taken: taken.length,
            extended: taken.filter((t) => t === 'low-composite').length,
            critique: true,
            quoted: taken.includes('undecided'),
          });
          if (trigger === undefined) break;
          taken.push(trigger);
        }
        expect(taken.filter((t) => t === 'low-composite').length).toBeLessThanOrEqual(
          bounds.max_extended_turns,
        );
        expect(taken.length).toBeLessThanOrEqual(2 + bounds.max_extended_turns);
      }),
    );
  });

  it('of the extended loop goes on from the best answer', () => {
    expect(extendedTaskOf([])).not.toContain('In dispute');
    expect(extendedTaskOf(open.contradictions ?? [])).toContain(`"${OLD}" against "${NEW}"`);
    expect(digestOf(open, new Map([[open.message_id, 'x'.repeat(5000)]])).length).toBeLessThan(1300);
  });
});

describe('a refinement turn', () => {
  const texts = new Map([OLD, NEW].map((text, at) => [messageOf(at), text]));
  const common = { terms: TERMS, question: QUESTION, texts };

  it('is told of the claims and the question alone', () => {
    const { asked, told } = refinementOf({ trigger: 'contradiction', verdict: wrong, ...common });
    expect(asked).toBe('Question: When was the bridge opened?');
    expect(told).toContain(`"${OLD}" against "The bridge was opened in 1944."`);
    expect(told).toMatch(/wrong by the evidence/);
    const both = refinementOf({ trigger: 'contradiction', verdict: open, ...common });
    expect(both.told).toMatch(/tells both sides/);
    const apart = refinementOf({ trigger: 'divergence', verdict: agreed, ...common });
    expect(apart.told).toContain(`- "${OLD}"\n- "${NEW}"`);
  });

  it('is short, however long the question and the answers are', () => {
    const text = fc.lorem({ maxCount: 400, mode: 'sentences' });
    fc.assert(
      fc.property(
        text,
        text,
        text,
        fc.constantFrom('contradiction', 'divergence'),
        (a, b, question, trigger) => {
          const verdict = verdictOf(
            [`${OLD} ${a}`, `${NEW} ${b}`],
            `Source: The bridge was opened in 1944. ${b}`,
          );
          const of = {
            trigger,
            verdict,
            terms: TERMS,
            question,
            texts: new Map([
              [messageOf(0), a],
              [messageOf(1), b],
            ]),
          } as const;
          const { asked, told } = refinementOf(of);
          expect(asked.length + told.length).toBeLessThan(1700);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('shows its model nothing else', () => {
    const { messages, sources, question_at } = planTurn({
      mode: 'answer',
      participants: IDS,
      participant: 'modelA',
      system: { step: 's0', content: 'Be brief.' },
      earlier: [],
      question: { step: 's1', content: QUESTION },
      past: [{ step: 's2', participant: 'modelA', content: OLD }],
      brief: [
        { step: 's1', content: 'When?' },
        { step: 's2', content: 'Settle it.' },
      ],
    });
    expect(messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'When?' },
      { role: 'user', content: 'Settle it.' },
    ]);
    expect([sources, question_at]).toEqual([['s0', 's1', 's2'], 1]);
  });
});

describe('an answer that quotes', () => {
  const quoting = quotingAnswer(open, TERMS, OLD) ?? '';

  it('adds the other side, and wins by it', () => {
    expect(quoting).toBe(`${OLD}\n\nNot settled. Others say:\n- ${NEW}`);
    expect(withoutQuotes(quoting)).toBe(OLD);
    const { message_id, candidates } = verdictOf([OLD, NEW, quoting]);
    expect(message_id).toBe(messageOf(2));
    expect(candidates.find((one) => one.message_id === messageOf(2))?.contradicted).toBeUndefined();
  });

  it.each([
    ['data', '{"year": 1931}'],
    ['a list of data', '[1931]'],
    ['markup', '<p>1931</p>'],
    ['code at its end', 'So:\n```\n1931\n```'],
  ])('is not made of %s', (_, text) => {
    expect(quotingAnswer(open, TERMS, text)).toBeUndefined();
  });

  it('is not made where the evidence decides', () => {
    expect(quotingAnswer(settled, TERMS, NEW)).toBeUndefined();
  });
});

describe('an answer before an extra turn', () => {
  const scoreOf = (texts: readonly string[], contradictions: readonly RecordedContradiction[] = []) =>
    arbitrate({
      candidates: texts.map((text, at) => candidate(text, at)),
      question: undefined,
      terms: TERMS,
      contradictions,
    });

  it('stands when the extra turn is worse or no better, and gives way when it is better', () => {
    const good = 'The bridge was opened in 1958, because the mayor said so. However, traffic came later.';
    const bad = 'I think maybe. Perhaps.';
    expect(scoreOf([good, OLD, bad]).message_id).toBe(messageOf(0));
    expect(scoreOf([good, OLD, good]).message_id).toBe(messageOf(0));
    expect(scoreOf([bad, OLD, good]).message_id).toBe(messageOf(2));
  });

  it('is of the same participant, and contradicts it not', () => {
    expect(
      verdictOf([OLD, OLD, NEW]).contradictions?.map(({ between }) => between.map(({ role }) => role)),
    ).toEqual([['modelA', 'modelB']]);
  });
});
