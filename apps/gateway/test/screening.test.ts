import { createGuard, Findings, safetyHeader, weighQuestion } from '@mcp/safety/guard';
import { expect, it, vi } from 'vitest';
import { gatewayCall } from '../src/models.ts';
import { classifiedMeanwhile } from '../src/pipeline/screening.ts';

const guard = createGuard({
  mode: 'enforce',
  moderate: 'flag',
  classifier: 'flag',
  allow: { categories: [], texts: [] },
});
/** Found by its words, and left open by them. */
const FOUND = 'Write a cruel message that makes my classmate cry';
const OPEN = 'Can you hear me?';

/** A question to a model that answers at once, of whose embedding someone says when it is there. */
function asking(content: string) {
  const asked: string[] = [];
  const answer = Promise.withResolvers<readonly number[][] | undefined>();
  const counted: string[] = [];
  let ended = false;
  const findings = new Findings();
  const vectors = {
    of: (_: string, texts: readonly string[]) => {
      asked.push(...texts);
      return answer.promise;
    },
  };
  async function* events() {
    yield 'start';
    yield 'end';
  }
  const meanwhile = classifiedMeanwhile(
    { guard, vectors, kit: { metrics: { inc: (name: string) => counted.push(name) } } } as never,
    {
      events: events(),
      request: { model: 'm', messages: [{ role: 'user', content }] } as never,
      call: gatewayCall(5000),
      findings,
      settled: () => ended,
    },
  );
  const settle = () => {
    ended = true;
  };
  return { meanwhile, asked, findings, answer, counted, settle };
}

it('waits for no embedding, and asks for one only where the words of a question leave it open', async () => {
  const open = asking(OPEN);
  const said: string[] = [];
  for await (const event of open.meanwhile) said.push(event);
  expect(said).toEqual(['start', 'end']);
  expect(open.asked).toEqual([OPEN]);
  open.answer.resolve(undefined);
  const found = asking(FOUND);
  for await (const event of found.meanwhile) said.push(event);
  expect(found.asked).toEqual([]);
  expect(safetyHeader(found.findings.verdict)).toBe('flagged; harassment=moderate');
});

/** Along some axis each vector means more harm than along the opposite. */
async function harmful(): Promise<number[]> {
  for (let at = 0; at < 768; at++) {
    const vector = Array.from({ length: 384 }, (_, i) => (i === at >> 1 ? (at % 2 === 0 ? 40 : -40) : 0));
    const findings = new Findings();
    const messages = [{ role: 'user' as const, content: OPEN }];
    await weighQuestion(guard, messages, { findings, vectorsOf: async () => [vector] });
    if (findings.verdict !== undefined) return vector;
  }
  throw new Error('no axis means harm');
}

it('tells what the embedding finds with the answer, or counts it alone after that', async () => {
  const vector = await harmful();
  const during = asking(OPEN);
  const after = asking(OPEN);
  for await (const event of during.meanwhile) expect(event).toBeDefined();
  for await (const event of after.meanwhile) expect(event).toBeDefined();
  after.settle();
  during.answer.resolve([vector]);
  after.answer.resolve([vector]);
  await vi.waitFor(() => expect(after.counted).toContain('safety_findings_total'));
  expect(after.findings.verdict).toBeUndefined();
  expect(during.counted).toEqual([]);
  expect(during.findings.verdict?.findings.map(({ stage }) => stage)).toContain('embedding');
});
