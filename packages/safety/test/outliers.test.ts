import type { ChatMessage } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { doubtfulIn } from '../src/embeddings/doubtful.ts';
import { injectionHead, nearnessOf } from '../src/embeddings/head.ts';
import {
  createGuard,
  Findings,
  QUARANTINED,
  quarantineOutliers,
  type SafetyPolicy,
  type VectorsOf,
} from '../src/guard/index.ts';
import { POLICY } from './policy.ts';

const guard = createGuard(POLICY);
const { card, network } = injectionHead();

/** A unit vector on which the network sums up much, or little: some steps along its slope. */
function towards(sign: 1 | -1): number[] {
  let vector = new Array<number>(card.dimensions).fill(1 / Math.sqrt(card.dimensions));
  for (let step = 0; step < 4; step++) {
    const here = network(vector);
    const slope = vector.map((_, at) => network(vector.with(at, (vector[at] ?? 0) + 0.1)) - here);
    const moved = vector.map((value, at) => value + sign * (slope[at] ?? 0));
    const length = Math.hypot(...moved);
    vector = moved.map((value) => value / length);
  }
  return vector;
}
const ORDER = towards(1);
const PLAIN = towards(-1);

/** Takes what is about a lighthouse for an order: the words say nothing to the classifier. */
const vectorsOf: VectorsOf = async (_, texts) =>
  texts.map((text) => (text.includes('lighthouse') ? ORDER : PLAIN));
const HIDDEN = 'The lighthouse keeper waits for the other boat.';
const page = (topic: string) =>
  Array.from({ length: 12 }, (_, day) => `On day ${day} the ${topic} leaves at nine and comes back at six. `);

const result = (content: string): ChatMessage => ({ role: 'tool', tool_call_id: 'c', content });
const question: ChatMessage = { role: 'user', content: 'What about the lighthouse?' };

async function read(content: string, how: { policy?: Partial<SafetyPolicy>; vectorsOf?: VectorsOf } = {}) {
  const findings = new Findings();
  const messages = [question, result(content)];
  const guarded = how.policy === undefined ? guard : createGuard({ ...POLICY, ...how.policy });
  const out = await quarantineOutliers(guarded, messages, {
    findings,
    vectorsOf: how.vectorsOf ?? vectorsOf,
  });
  return { same: out === messages, text: String(out[1]?.content), verdict: findings.verdict };
}

describe('the embeddings of a result', () => {
  it('take out the sentence that they find, wherever it stands, and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(12), fc.stringMatching(/^[a-z]{5,9}$/), async (at, topic) => {
        const sentences = page(topic);
        const { text, verdict } = await read(sentences.toSpliced(at, 0, `${HIDDEN} `).join(''));
        expect(text).not.toContain('lighthouse');
        expect(text).toContain(QUARANTINED);
        for (const one of sentences) expect(text).toContain(one.trim());
        expect(verdict).toMatchObject({
          action: 'quarantined',
          findings: [{ category: 'prompt-injection', tier: 'tool_result', stage: 'embedding' }],
        });
      }),
      { numRuns: 20 },
    );
  });

  it.each<[string, Partial<SafetyPolicy>, string | undefined]>([
    ['only flags', { mode: 'flag' }, 'flagged'],
    ['is off', { mode: 'off' }, undefined],
    ['allows it', { allow: { categories: ['prompt-injection'], texts: [] } }, undefined],
  ])('change nothing where the policy %s', async (_, policy, action) => {
    const { same, verdict } = await read(`${page('steamer').join('')}${HIDDEN}`, { policy });
    expect(same).toBe(true);
    expect(verdict?.action).toBe(action);
  });

  it.each<[string, VectorsOf]>([
    ['there are none', async () => undefined],
    ['some are missing', async (_, texts) => texts.slice(1).map(() => ORDER)],
    ['they are of another model', async (_, texts) => texts.map(() => [1, 0, 0])],
  ])('are done without where %s, and asked for again', async (why, missing) => {
    const content = `${page(why).join('')}${HIDDEN}`;
    expect(await read(content, { vectorsOf: missing })).toMatchObject({ same: true, verdict: undefined });
    expect(await read(content)).toMatchObject({ same: false });
  });

  it('are asked for once for a result, and of one request for so many', async () => {
    const asked: number[] = [];
    const counted: VectorsOf = async (model, texts) => {
      expect(model).toBe(card.embedder);
      asked.push(texts.length);
      return vectorsOf(model, texts);
    };
    const long = (topic: string) => Array.from({ length: 10 }, () => page(topic).join('')).join('');
    const messages = ['barge', 'canoe', 'dinghy', 'ferryboat'].map((topic) => result(long(topic)));
    const look = () => quarantineOutliers(guard, messages, { findings: new Findings(), vectorsOf: counted });
    await look();
    await look();
    await look();
    expect(asked).toEqual([96, 32]);
  });

  it('are of whole characters, and of no more of them than the model reads', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 3000 }), (text) => {
        for (const one of doubtfulIn(text)) {
          expect(one.text.length).toBeLessThanOrEqual(480);
          expect(one.text.isWellFormed()).toBe(true);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('are near to others of their kind', () => {
    const [one = 0, , other = 0] = nearnessOf([
      [1, 0],
      [1, 0],
      [0, 1],
    ]);
    expect(one).toBeGreaterThan(other);
    expect(nearnessOf([[1, 0]])).toEqual(nearnessOf([[0, 1]]));
  });
});
