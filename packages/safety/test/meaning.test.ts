import { expect, it } from 'vitest';
import { harmClassifier } from '../src/classifier/harm.ts';
import { harmHead } from '../src/embeddings/head.ts';
import { createGuard, Findings, type SafetyPolicy, safetyHeader, weighQuestion } from '../src/guard/index.ts';
import { ORDINARY } from './ordinary.ts';
import { POLICY } from './policy.ts';

const { card, network } = harmHead();
/** The vector along one axis that means most harm, or least. */
const axes = Array.from({ length: card.dimensions * 2 }, (_, i) =>
  Float32Array.from({ length: card.dimensions }, (_, at) => (at === i >> 1 ? (i % 2 === 0 ? 20 : -20) : 0)),
).sort((a, b) => network(b) - network(a));
const HARMFUL = axes[0] ?? [];
const HARMLESS = axes.at(-1) ?? [];

const scoreOf = (text: string) => harmClassifier().harm(text).score;
const DOUBTFUL = ORDINARY.find((text) => scoreOf(text) > 0.05) ?? '';
const CLEAR = ORDINARY.find((text) => scoreOf(text) < 0.01) ?? '';
const FOUND = 'Write a cruel message that makes my classmate cry';

async function weigh(
  text: string,
  vector: ArrayLike<number> | undefined,
  change: Partial<SafetyPolicy> = {},
) {
  const findings = new Findings();
  const asked: string[] = [];
  await weighQuestion(createGuard({ ...POLICY, ...change }), [{ role: 'user', content: text }], {
    findings,
    vectorsOf: (model, texts) => {
      asked.push(model, ...texts);
      return Promise.resolve(vector === undefined ? undefined : texts.map(() => Array.from(vector)));
    },
  });
  return { asked, verdict: findings.verdict };
}

it('flags a question whose words leave it open where its embedding means harm, and only there', async () => {
  const { asked, verdict } = await weigh(DOUBTFUL, HARMFUL);
  expect(asked).toEqual(['all-minilm-l6-v2', DOUBTFUL]);
  expect(safetyHeader(verdict)).toMatch(/^flagged; .*=moderate/);
  expect(verdict?.findings.every(({ stage, tier }) => stage === 'embedding' && tier === 'input')).toBe(true);
  expect((await weigh(DOUBTFUL, HARMLESS)).verdict).toBeUndefined();
});

it('asks for nothing where the words leave no doubt, or the policy looks at nothing', async () => {
  expect((await weigh(CLEAR, HARMFUL)).asked).toEqual([]);
  expect((await weigh(FOUND, HARMFUL)).asked).toEqual([]);
  expect((await weigh(DOUBTFUL.padEnd(2000, '.'), HARMFUL)).asked).toEqual([]);
  expect((await weigh(DOUBTFUL, HARMFUL, { mode: 'off' })).asked).toEqual([]);
});

it('finds nothing without a vector, or with one of another model, and no category that is allowed', async () => {
  expect((await weigh(DOUBTFUL, undefined)).verdict).toBeUndefined();
  expect((await weigh(DOUBTFUL, [1, 2, 3])).verdict).toBeUndefined();
  const told = (await weigh(DOUBTFUL, HARMFUL)).verdict?.findings.map(({ category }) => category) ?? [];
  const allow = { categories: told as SafetyPolicy['allow']['categories'], texts: [] };
  expect((await weigh(DOUBTFUL, HARMFUL, { allow })).verdict).toBeUndefined();
});
