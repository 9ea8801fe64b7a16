import { AgentGraph, type AgentRole, certainNodes, Graphs, type LogprobToken } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  confidenceOf,
  isJudge,
  type NodeOutcome,
  outputOf,
  planNode,
  schedule,
  VERDICT_FORMAT,
} from '../src/index.ts';

type Node = { id: string; needs?: string[]; when?: unknown; optional?: boolean } & Record<string, unknown>;
const node = (id: string, change: Omit<Node, 'id'> = {}): Node => ({
  id,
  role: 'answerer',
  prompt: 'base_system',
  ...change,
});
const graph = (nodes: Node[], output: string[] = ['a'], change: object = {}) => ({
  name: 'mine',
  description: 'A graph of a test.',
  nodes,
  output,
  ...change,
});
const when = (on: string, confidence: '>=' | '<' = '<', threshold = 0.5) => ({
  node: on,
  confidence,
  threshold,
});

describe('a graph that is none', () => {
  it.each<[string, unknown, RegExp, string]>([
    ['an unknown need', graph([node('a', { needs: ['x'] })]), /no node x; there are a$/, 'nodes.0.needs'],
    ['a need of itself', graph([node('a', { needs: ['a'] })]), /a → a are a cycle/, 'nodes'],
    [
      'a cycle',
      graph([node('a', { needs: ['b'] }), node('b', { needs: ['c'] }), node('c', { needs: ['b'] })]),
      /b → c → b are a cycle.*take one of them out/,
      'nodes',
    ],
    ['a node of no use', graph([node('a'), node('b')]), /no way leads from b to an output/, 'nodes.1'],
    ['two nodes of one name', graph([node('a'), node('a')]), /two nodes are called a/, 'nodes.1.id'],
    [
      'a need that is named twice',
      graph([node('b'), node('a', { needs: ['b', 'b'] })]),
      /a names a need twice/,
      'nodes.1.needs',
    ],
    [
      'a condition on what it does not need',
      graph([node('b'), node('c', { needs: ['b'] }), node('a', { needs: ['c'], when: when('b') })]),
      /depends on b, which is not among the needs of a/,
      'nodes.2.when',
    ],
    ['an unknown output', graph([node('a')], ['x']), /no node x/, 'output.0'],
    ['no output', graph([node('a')], []), /Too small|>=1/, 'output'],
    ['an output that may fail', graph([node('a', { optional: true })]), /a, may not run/, 'output'],
    [
      'an output that may be skipped',
      graph([node('b'), node('a', { needs: ['b'], when: when('b') })]),
      /a, may not run/,
      'output',
    ],
    [
      'an output behind what may fail',
      graph([node('b', { optional: true }), node('a', { needs: ['b'] })]),
      /a, may not run/,
      'output',
    ],
    ['no nodes', graph([]), /Too small|>=1/, 'nodes'],
    ['too many nodes', graph(Array.from({ length: 17 }, (_, at) => node(`n${at}`))), /Too big|<=16/, 'nodes'],
    ['a negative budget', graph([node('a', { max_tokens: -1 })]), /Too small|>=16/, 'nodes.0.max_tokens'],
    ['no time', graph([node('a', { timeout_ms: 0 })]), /Too small|>=1000/, 'nodes.0.timeout_ms'],
    ['endless attempts', graph([node('a', { retries: 99 })]), /Too big|<=5/, 'nodes.0.retries'],
    ['the name of a conversation in turns', graph([node('a')], ['a'], { name: 'dual' }), /in turns/, 'name'],
    ['the id of a record', graph([node('user')], ['user']), /logs use that name/, 'nodes.0.id'],
    [
      'a threshold beyond what a confidence can be',
      graph([node('b'), node('a', { needs: ['b'], when: when('b', '<', 1.5) })]),
      /Too big|<=1/,
      'nodes.1.when.threshold',
    ],
  ])('has %s', (_name, value, message, path) => {
    const issues = AgentGraph.safeParse(value).error?.issues ?? [];
    expect(issues.map((issue) => [issue.path.join('.'), issue.message])).toEqual(
      expect.arrayContaining([[path, expect.stringMatching(message)]]),
    );
  });

  it('is one of two with one name', () => {
    const one = graph([node('a')]);
    expect(Graphs.safeParse([one, one]).error?.issues[0]).toMatchObject({
      path: [1, 'name'],
      message: expect.stringContaining('two graphs are called mine'),
    });
  });
});

/** Graphs of up to 16 nodes: each needs some of those before it, and may depend on one of them. */
const graphs = fc
  .array(
    fc.record({
      needs: fc.array(fc.nat(15), { maxLength: 4 }),
      when: fc.option(
        fc.record({ at_least: fc.boolean(), threshold: fc.double({ min: 0, max: 1, noNaN: true }) }),
      ),
      optional: fc.boolean(),
    }),
    { minLength: 1, maxLength: 16 },
  )
  .map((rows) => {
    const nodes = rows.map((row, at) => {
      const needs = [...new Set(row.needs.filter((need) => need < at))].map((need) => `n${need}`);
      const on = needs[0];
      const condition =
        row.when === null || on === undefined
          ? {}
          : { when: when(on, row.when.at_least ? '>=' : '<', row.when.threshold) };
      return node(`n${at}`, { needs, ...condition, optional: row.optional });
    });
    const needed = new Set(nodes.flatMap(({ needs = [] }) => needs));
    // One that runs whatever happens, and hears all that nobody else does.
    const ends = nodes.map(({ id }) => id).filter((id) => !needed.has(id));
    return [...nodes, node('sure'), node('end', { needs: ['sure', ...ends] })];
  })
  .filter((nodes) => nodes.length <= 16)
  .map((nodes) => AgentGraph.parse(graph(nodes, ['end'])));

describe('a schedule', () => {
  it('brings every node to one end, never before its needs, whatever they come to and in whatever order', () => {
    fc.assert(
      fc.property(graphs, fc.infiniteStream(fc.nat(1000)), (one, chance) => {
        const outcomes = new Map<string, NodeOutcome>();
        const draw = () => Number(chance.next().value);
        for (let steps = 0; ; steps++) {
          expect(steps).toBeLessThanOrEqual(one.nodes.length);
          const { ready, skipped } = schedule(one, outcomes);
          for (const { id, reason } of skipped) {
            expect(outcomes.has(id)).toBe(false);
            outcomes.set(id, { state: 'skipped', reason });
          }
          for (const { id, needs } of ready) {
            expect(outcomes.has(id)).toBe(false);
            for (const need of needs) expect(outcomes.has(need), `${id} needs ${need}`).toBe(true);
          }
          // One of those that run ends.
          const next = ready[draw() % Math.max(1, ready.length)];
          if (next === undefined) break;
          const fails = next.optional && draw() % 3 === 0;
          outcomes.set(
            next.id,
            fails
              ? { state: 'failed', reason: 'it fell over' }
              : { state: 'finished', confidence: (draw() % 101) / 100 },
          );
        }
        expect(outcomes.size).toBe(one.nodes.length);
        for (const id of certainNodes(one)) expect(outcomes.get(id)?.state, id).toBe('finished');
        expect(outputOf(one, outcomes)).toBe('end');
        for (const { id, when: condition } of one.nodes) {
          const judged = condition && outcomes.get(condition.node);
          if (condition === undefined || outcomes.get(id)?.state === 'skipped') continue;
          expect(judged?.state).toBe('finished');
          const confidence = judged?.state === 'finished' ? judged.confidence : Number.NaN;
          expect(
            condition.confidence === '>='
              ? confidence >= condition.threshold
              : confidence < condition.threshold,
          ).toBe(true);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('runs at once what does not wait for each other', () => {
    const one = AgentGraph.parse(graph([node('c', { needs: ['a', 'b'] }), node('a'), node('b')], ['c']));
    expect(schedule(one, new Map()).ready.map(({ id }) => id)).toEqual(['a', 'b']);
    const half = new Map<string, NodeOutcome>([['a', { state: 'finished', confidence: 1 }]]);
    expect(schedule(one, half).ready.map(({ id }) => id)).toEqual(['b']);
  });
});

describe('the confidence of a node', () => {
  const stop = { unified: 'stop', raw: null } as const;
  const of = (role: AgentRole, text: string, logprobs: LogprobToken[] = []) =>
    confidenceOf({ role, text, finish: stop, logprobs });
  const tokens = (...all: [string, number][]): LogprobToken[] =>
    all.map(([token, p]) => ({ token, logprob: Math.log(p), bytes: null, top_logprobs: [] }));

  it.each<[string, string, number, string]>([
    ['passes', '{"verdict":"pass","confidence":0.8,"reason":"fine"}', 0.8, 'verdict'],
    ['fails', '{"verdict":"fail","confidence":0.8,"reason":"no"}', 0.2, 'verdict'],
    ['counts in per cent', '{"verdict": "pass", "confidence": 85}', 0.85, 'verdict'],
    ['is beyond what there is', '{"verdict": "pass", "confidence": 850}', 1, 'verdict'],
    ['is cut after its verdict', '{"verdict":"fail","conf', 0, 'verdict'],
    ['is cut in its reason', '{"verdict":"fail","confidence":0.9,"reason":"because the', 0.1, 'verdict'],
    ['has words around it', 'Well: {"verdict":"pass","confidence":0.6,"reason":""} so.', 0.6, 'verdict'],
    ['gives none, and is content', 'All correct, it is right.', 0.75, 'text'],
    ['gives none, and is not', 'Wrong. There is a mistake.', 0.25, 'text'],
    ['says nothing', '', 0.5, 'text'],
    ['is another word', '{"verdict":"maybe","confidence":0.9}', 0.5, 'text'],
  ])('of a judge that %s', (_name, text, value, from) => {
    for (const role of ['critic', 'verifier', 'guardian'] as const) {
      const confidence = of(role, text);
      expect(confidence.from).toBe(from);
      expect(confidence.value).toBeCloseTo(value, 6);
    }
  });

  it('is the probability of the tokens of the verdict, where there is one', () => {
    const said = (word: [string, number][]) => tokens(['{"verdict":', 0.9], ['"', 1], ...word, ['"}', 0.3]);
    const passes = of('verifier', '{"verdict":"pass"}', said([['pass', 0.7]]));
    expect([passes.from, passes.value.toFixed(3)]).toEqual(['logprobs', '0.700']);
    const fails = of(
      'verifier',
      '{"verdict":"fail"}',
      said([
        ['fa', 0.8],
        ['il', 0.5],
      ]),
    );
    expect([fails.from, fails.value.toFixed(3)]).toEqual(['logprobs', '0.600']);
  });

  it('is in [0, 1] for any text, and that of others is how coherent they are', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.constantFrom<AgentRole>('answerer', 'critic', 'strategist'),
        (text, role) => {
          const { value } = of(role, text);
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1);
        },
      ),
    );
    const sound = of('answerer', 'A tomato is a fruit, because it grows from a flower and holds seeds.');
    expect(sound.from).toBe('text');
    expect(sound.value).toBeGreaterThan(of('synthesizer', '').value);
  });
});

describe('what a node is shown', () => {
  const said = (step: string, role: AgentRole, content: string) => ({ step, role, content });
  const plan = (role: AgentRole, needs: ReturnType<typeof said>[]) =>
    planNode({
      role,
      system: { step: 's0', content: 'Be fair.' },
      earlier: [],
      question: { step: 's1', content: 'Why?' },
      needs,
    });

  it('is its prompt, the question, each text that it needs, and its task at the end', () => {
    const { messages, sources, question_at } = plan('synthesizer', [
      said('s2', 'answerer', 'Because.'),
      said('s3', 'critic', '{"verdict":"fail","confidence":0.9,"reason":"No \\"why\\" is given."}'),
    ]);
    expect(sources).toEqual(['s0', 's1', 's2', 's3']);
    expect(question_at).toBe(1);
    expect(messages.map(({ role }) => role)).toEqual(['system', 'user', 'user', 'user']);
    expect(messages[2]?.content).toContain('Answer (1):\n\n"""\nBecause.\n"""');
    expect(messages[3]?.content).toContain('Fault found: No "why" is given.');
    expect(messages[3]?.content).toMatch(/Give one final answer to the question, .*Question: Why\?$/s);
  });

  it.each(['critic', 'verifier', 'guardian'] as const)('asks a %s for a verdict', (role) => {
    expect(isJudge(role)).toBe(true);
    for (const needs of [[], [said('s2', 'answerer', 'Because.')]])
      expect(plan(role, needs).messages.at(-1)?.content).toContain(
        'one line of JSON that has three fields: "verdict"',
      );
    expect(VERDICT_FORMAT.json_schema.schema.required[0]).toBe('verdict');
  });

  it('is the question alone for who answers first', () => {
    expect(plan('answerer', []).messages).toHaveLength(2);
    expect(plan('strategist', []).messages.at(-1)?.content).toMatch(/^Do not answer yet/);
  });
});
