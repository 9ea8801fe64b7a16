import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ModelEvent, type Residency, ResidencyRules } from '@mcp/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  assertModerable,
  createGuard,
  Findings,
  guardEvents,
  Moderator,
  moderateQuestion,
  type SafetyPolicy,
} from '../src/guard/index.ts';
import { POLICY } from './policy.ts';

const Asked = z.object({ model: z.string(), input: z.string() });

/** A moderation over a real socket, for which `dreadful` is severe and `rude` moderate. */
const asked: z.infer<typeof Asked>[] = [];
const failures: unknown[] = [];
let answer: 'well' | 'error' | 'nonsense' = 'well';
const server = createServer(async (request, response) => {
  let body = '';
  for await (const piece of request) body += String(piece);
  const one = Asked.parse(JSON.parse(body));
  asked.push(one);
  if (answer === 'error') response.writeHead(500);
  if (answer !== 'well') {
    response.end('{}');
    return;
  }
  const scores = {
    violence: one.input.includes('dreadful') ? 0.97 : 0.01,
    harassment: one.input.includes('rude') ? 0.6 : 0,
  };
  const categories = Object.fromEntries(Object.entries(scores).map(([name, score]) => [name, score > 0.5]));
  response.end(JSON.stringify({ results: [{ flagged: true, categories, category_scores: scores }] }));
});
beforeAll(() => new Promise<void>((done) => server.listen(0, '127.0.0.1', done)));
afterAll(() => server.close());
beforeEach(() => {
  answer = 'well';
  asked.length = 0;
  failures.length = 0;
});

const guard = (change: { on_failure?: 'open' | 'closed' } & Partial<SafetyPolicy> = {}) => {
  const { on_failure = 'closed', ...policy } = change;
  const { port } = server.address() as AddressInfo;
  const options = { url: `http://127.0.0.1:${port}/v1/`, key: 'k', model: 'guard', on_failure };
  return createGuard(
    { ...POLICY, ...policy },
    new Moderator({ ...options, onFailure: (error) => void failures.push(error) }),
  );
};
const user = (content: string) => [{ role: 'user' as const, content }];

async function answered(
  pieces: readonly string[],
  of = guard(),
): Promise<{ text: string; ends: string[]; findings: Findings }> {
  async function* source(): AsyncGenerator<ModelEvent> {
    yield { type: 'start', id: 'a', model: 'm', backend: 'b', created_s: 1 };
    for (const text of pieces) yield { type: 'text', choice: 0, text };
    yield { type: 'finish', choice: 0, reason: { unified: 'stop', raw: 'stop' } };
    yield { type: 'usage', usage: { input_tokens: 1, output_tokens: 1 } };
  }
  const findings = new Findings();
  const events: ModelEvent[] = [];
  for await (const event of guardEvents(of, source(), findings)) events.push(event);
  return {
    text: events.map((event) => ('text' in event ? event.text : '')).join(''),
    ends: events
      .flatMap((event) =>
        event.type === 'finish' ? [event.reason.unified] : [event.type === 'usage' ? 'usage' : ''],
      )
      .filter(Boolean),
    findings,
  };
}

describe('a text that must stay in the EU', () => {
  const call = (change: object) =>
    ({ principal: { id: 'key:1' }, ...change }) as unknown as Parameters<typeof assertModerable>[1];

  it.each([
    ['the request', {}, { residency: 'eu' }],
    ['the operator, for all', { default: ['eu'] }, {}],
    ['the operator, for the caller', { callers: { 'key:1': ['eu'] } }, {}],
  ] as const)('by the word of %s goes to a moderation there alone', (_, rules, change) => {
    const at = (residency?: Residency, mode: SafetyPolicy['mode'] = 'enforce') =>
      createGuard(
        { ...POLICY, mode },
        new Moderator({
          url: 'http://127.0.0.1:1',
          key: undefined,
          model: 'guard',
          on_failure: 'open',
          onFailure: () => {},
          residency,
          rules: ResidencyRules.parse(rules),
        }),
      );
    assertModerable(at('eu'), call(change));
    assertModerable(at('us', 'off'), call(change));
    assertModerable(createGuard(POLICY), call(change));
    for (const elsewhere of ['us', 'any', undefined] as const)
      expect(() => assertModerable(at(elsewhere), call(change))).toThrow(/must stay in eu.*Nothing was sent/);
  });
});

describe('a question', () => {
  it('is refused where the moderation is sure, and flagged where it is less', async () => {
    const findings = new Findings();
    await expect(moderateQuestion(guard(), user('dreadful'), findings)).rejects.toMatchObject({
      code: 'content_filter',
    });
    expect(findings.verdict).toMatchObject({
      action: 'blocked',
      findings: [{ category: 'violence', stage: 'moderation', score: 0.97 }],
    });
    const rude = new Findings();
    await moderateQuestion(guard(), user('rude'), rude);
    expect(rude.verdict).toMatchObject({
      action: 'flagged',
      findings: [{ category: 'harassment', severity: 'moderate' }],
    });
    expect(asked.map(({ model }) => model)).toEqual(['guard', 'guard']);
  });

  it('passes where its category is allowed, or nobody is to be asked', async () => {
    await moderateQuestion(
      guard({ allow: { categories: ['violence'], texts: [] } }),
      user('dreadful'),
      new Findings(),
    );
    await moderateQuestion(guard({ mode: 'off' }), user('dreadful'), new Findings());
    await moderateQuestion(createGuard(POLICY), user('dreadful'), new Findings());
    expect(asked).toHaveLength(1);
  });

  it.each(['error', 'nonsense'] as const)(
    'is not let through when the moderation answers with %s, unless it may',
    async (how) => {
      answer = how;
      await expect(moderateQuestion(guard(), user('hi'), new Findings())).rejects.toMatchObject({
        code: 'unavailable',
        retryable: true,
      });
      await moderateQuestion(guard({ on_failure: 'open' }), user('hi'), new Findings());
      expect(failures).toHaveLength(2);
    },
  );
});

describe('an answer', () => {
  const words = Array.from({ length: 400 }, (_, i) => `word${i} `);

  it('goes on in pieces that were let pass, whole', async () => {
    const { text, ends } = await answered(words);
    expect(text).toBe(words.join(''));
    expect(ends).toEqual(['stop', 'usage']);
    expect(asked.length).toBeGreaterThan(3);
    for (const { input } of asked) expect(input.length).toBeLessThan(1100);
  });

  it('is cut before what is blocked, also where that lies across two pieces', async () => {
    for (let at = 100; at < 120; at += 5) {
      const pieces = [...words.slice(0, at), 'dread', 'ful ', ...words.slice(at)];
      const { text, ends, findings } = await answered(pieces);
      expect(text).not.toContain('dreadful');
      expect(ends).toEqual(['content_filter']);
      expect(findings.verdict?.action).toBe('blocked');
      expect(words.join('').startsWith(text.replace(/dread$/, ''))).toBe(true);
    }
  });

  it('breaks off where nobody can say, unless it may go on', async () => {
    answer = 'error';
    await expect(answered(words)).rejects.toMatchObject({ code: 'unavailable' });
    expect((await answered(words, guard({ on_failure: 'open' }))).text).toBe(words.join(''));
  });
});
