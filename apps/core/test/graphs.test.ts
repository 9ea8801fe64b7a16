import { type AgentGraph, type ChatEvent, LogRecordV2, PlatformError } from '@mcp/contracts';
import { failure } from '@mcp/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { SHIPPED_GRAPHS } from '../src/graphs/shipped.ts';
import {
  type Core,
  callOf,
  chat,
  cleanUp,
  idOf,
  only,
  startCore,
  startReplica,
  tamper,
  the,
} from './harness.ts';
import { chatModel, type Script, textOf } from './scripted-models.ts';

afterAll(cleanUp);

/** What most tests ask; those that need settings of their own start another. */
let shared: Core;
beforeAll(async () => {
  shared = await start();
});

const endless: Script = { pieces: Array.from({ length: 6000 }, (_, i) => `w${i} `), pause_ms: 10 };
const verdict = (word: 'pass' | 'fail', confidence: number): string =>
  JSON.stringify({ verdict: word, confidence, reason: `It is ${word}.` });

/** A model of its own for each node, so that a script knows who asks. */
const NODES = [...new Set(SHIPPED_GRAPHS.flatMap(({ nodes }) => nodes.map(({ id }) => id)))];
const modelsOf = (graph: AgentGraph) => graph.nodes.map(({ id }) => ({ id, model: id }));

type Scripts = Readonly<Record<string, Script>>;

/** A core whose nodes pass everything and say their names, unless told otherwise. */
async function start(scripts: Scripts = {}, env: Record<string, string> = {}): Promise<Core> {
  const core = await startCore({ env });
  core.models.known = [...NODES, 'alpha', 'beta'].map((id) => chatModel(id));
  play(core, scripts);
  return core;
}

/** The shared core, as new. */
function fresh(scripts: Scripts = {}): Core {
  shared.models.asked.length = 0;
  shared.models.stopped = 0;
  play(shared, scripts);
  return shared;
}

function play(core: Core, scripts: Scripts): void {
  core.models.script = ({ model, response_format }) =>
    scripts[model] ?? {
      pieces: [response_format === undefined ? `${model} says so.` : verdict('pass', 0.9)],
    };
}

const named = (name: string): AgentGraph => {
  const graph = SHIPPED_GRAPHS.find((one) => one.name === name);
  if (graph === undefined) throw new Error(`no graph ${name}`);
  return graph;
};

async function recordsOf(core: Core, id: string): Promise<LogRecordV2[]> {
  return z.array(LogRecordV2).parse((await core.api.exportLog(id, callOf())).messages);
}

interface Watched {
  readonly seen?: (event: ChatEvent) => void;
  readonly signal?: AbortSignal;
}

const run = (core: Core, name: string, { seen, signal }: Watched = {}) =>
  chat(
    core,
    { message: 'Why?', mode: `mcp/${name}`, participants: modelsOf(named(name)) },
    { ...(seen === undefined ? {} : { seen }), call: callOf(signal === undefined ? {} : { signal }) },
  );

describe('each built-in graph', () => {
  it.each<[string, Scripts, string, string[], string[]]>([
    ['debate', {}, 'judge', ['first', 'second', 'first-critic', 'second-critic', 'judge'], []],
    ['council', {}, 'chair', ['plain', 'practical', 'rigorous', 'chair', 'verifier'], ['repair']],
    [
      'council',
      { verifier: { pieces: [verdict('fail', 0.8)] } },
      'repair',
      ['plain', 'practical', 'rigorous', 'chair', 'verifier', 'repair'],
      [],
    ],
    [
      'plan-verify',
      {},
      'synthesizer',
      ['strategist', 'critic', 'synthesizer', 'verifier', 'guardian'],
      ['repair', 'safe-answer'],
    ],
    [
      'plan-verify',
      { guardian: { pieces: [verdict('fail', 0.9)] } },
      'safe-answer',
      ['strategist', 'critic', 'synthesizer', 'verifier', 'guardian', 'safe-answer'],
      ['repair'],
    ],
    ['single-with-critic', {}, 'answer', ['answer', 'critic'], ['revision']],
    [
      'single-with-critic',
      { critic: { pieces: [verdict('pass', 0.3)] } },
      'revision',
      ['answer', 'critic', 'revision'],
      [],
    ],
  ])('%s branches on what its judges say', async (name, scripts, chosen, ran, skipped) => {
    const core = fresh(scripts);
    const events = await run(core, name);
    const { response } = the(events, 'done');
    expect(response).toMatchObject({
      status: 'completed',
      mode: `mcp/${name}`,
      answer: `${chosen} says so.`,
      decision: { chosen, method: 'graph' },
    });
    expect(new Set(response.messages.map(({ participant }) => participant))).toEqual(new Set(ran));
    expect(only(events, 'node').map(({ participant, state }) => [participant, state])).toEqual(
      skipped.map((id) => [id, 'skipped']),
    );
    for (const id of skipped) expect(response.decision?.reason).toContain(`${id} did not run: `);
    // Each step names what its model was shown: the prompt, the question, the nodes that it needs.
    const records = await recordsOf(core, idOf(events));
    const stepOf = new Map(records.map(({ step, participant, kind }) => [`${kind} ${participant}`, step]));
    for (const { id, needs } of named(name).nodes.filter((node) => ran.includes(node.id)))
      expect(
        records.find(({ kind, participant }) => kind === 'turn' && participant === id)?.parents,
        id,
      ).toEqual([
        stepOf.get(`system ${id}`),
        stepOf.get('question undefined'),
        ...needs.filter((need) => ran.includes(need)).map((need) => stepOf.get(`turn ${need}`)),
      ]);
    expect(await core.api.verifyConversation(idOf(events), callOf())).toMatchObject({ status: 'ok' });
  });
});

/** Each node of each built-in graph, and what makes it run. */
const EVERY_NODE = SHIPPED_GRAPHS.flatMap((graph) =>
  graph.nodes.map(({ id, when }): [string, string, Scripts] => [
    graph.name,
    id,
    when === undefined ? {} : { [when.node]: { pieces: [verdict('fail', 1)] } },
  ]),
);

describe('a graph that is cut short', () => {
  it.each(EVERY_NODE)('%s is cancelled in its node %s, and finished later', async (name, id, scripts) => {
    const core = fresh({ ...scripts, [id]: endless });
    const controller = new AbortController();
    const events = await run(core, name, {
      seen(event) {
        if (event.type === 'delta' && event.participant === id && event.text === 'w2 ')
          controller.abort(new PlatformError('cancelled', 'Cancelled by the client.'));
      },
      signal: controller.signal,
    });
    expect(the(events, 'done').response).toMatchObject({ status: 'cancelled', decision: null });
    // Whatever ran beside it was stopped too, and nothing goes on.
    const begun = core.models.asked.length;
    expect(core.models.stopped).toBeGreaterThanOrEqual(1);
    const whole = only(events, 'message.end').filter((end) => end.finish_reason.unified === 'stop');
    expect(whole.length + core.models.stopped).toBe(begun);
    expect(only(events, 'message.end').find(({ participant }) => participant === id)).toMatchObject({
      content: expect.stringMatching(/^w0 w1 w2 /),
      finish_reason: { unified: 'cancelled' },
    });
    expect(await core.api.verifyConversation(idOf(events), callOf())).toMatchObject({ ok: true });

    play(core, scripts);
    const rest = await chat(core, { conversation_id: idOf(events) });
    const { response } = the(rest, 'done');
    expect(response).toMatchObject({ status: 'completed', decision: { method: 'graph' } });
    // No node that is on record is asked again.
    const again = core.models.asked.slice(begun).map(({ request }) => request.model);
    expect(again).toContain(id);
    for (const { participant } of whole) expect(again).not.toContain(participant);
    expect(new Set(response.messages.map(({ participant }) => participant)).size).toBe(
      response.messages.length,
    );
    expect(await core.api.verifyConversation(idOf(events), callOf())).toMatchObject({ ok: true });
  });

  it('goes on in another process from its records, by the graph that it was begun with', async () => {
    const own = { ...named('single-with-critic'), name: 'mine' };
    const core = await start({ critic: endless }, { MCP_GRAPHS: JSON.stringify([own]) });
    const controller = new AbortController();
    const events = await chat(
      core,
      { message: 'Why?', mode: 'mine', participants: modelsOf(own) },
      {
        call: callOf({ signal: controller.signal }),
        seen: ({ type }) => void (type === 'message.end' && controller.abort()),
      },
    );
    expect(the(events, 'start').mode).toBe('mcp/mine');
    const id = idOf(events);
    // As kill -9 leaves it: running, and held by nobody who lives.
    await tamper(
      core,
      `UPDATE conversations SET status = 'running', lease_token = 'dead', lease_until = '2020-01-01T00:00:00.000Z' WHERE id = '${id}'`,
    );
    const other = await startReplica(core);
    other.models.known = core.models.known;
    play(other, {});
    const rest = await chat(other, { conversation_id: id });
    expect(the(rest, 'done').response).toMatchObject({ answer: 'answer says so.', mode: 'mcp/mine' });
    expect(other.models.asked.map(({ request }) => request.model)).toEqual(['critic']);
    expect(await other.api.verifyConversation(id, callOf())).toMatchObject({ ok: true });
  });
});

describe('a node', () => {
  const broken: Script = {
    pieces: ['half'],
    failure: new PlatformError('upstream_interrupted', 'It fell over.'),
  };

  it('that is optional is gone on without', async () => {
    const core = fresh({ critic: { ...broken, failure: new PlatformError('forbidden', 'No.') } });
    const events = await run(core, 'single-with-critic');
    expect(only(events, 'node')).toMatchObject([
      { participant: 'critic', state: 'failed', reason: 'No.' },
      { participant: 'revision', state: 'skipped', reason: 'nothing came of critic' },
    ]);
    expect(the(events, 'done').response).toMatchObject({
      answer: 'answer says so.',
      decision: { reason: expect.stringContaining('critic failed: No.') },
    });
  });

  it('that is not stops the others, and what is on record is kept', async () => {
    const core = fresh({
      first: endless,
      second: { pieces: [], failure: new PlatformError('forbidden', 'No.') },
    });
    const events = await run(core, 'debate');
    expect(the(events, 'error')).toMatchObject({ code: 'forbidden', conversation_id: idOf(events) });
    expect(core.models.stopped).toBe(2);
    play(core, {});
    const rest = await chat(core, { conversation_id: idOf(events) });
    expect(the(rest, 'done').response.answer).toBe('judge says so.');
  });

  it('is tried again as often as it may, and no more than the request has left', async () => {
    const graph = named('single-with-critic');
    const withRetries = (retries: number) => ({
      ...graph,
      name: `retries-${retries}`,
      nodes: graph.nodes.map((node) => ({ ...node, retries })),
    });
    const own = [0, 1, 5].map(withRetries);
    const core = await start({ answer: broken }, { MCP_GRAPHS: JSON.stringify(own) });
    for (const [retries, left, attempts] of [
      [0, 5, 1],
      [1, 5, 2],
      [5, 1, 2],
    ] as const) {
      const budget = { left, take: () => budget.left-- > 0, settle: () => undefined };
      const events = await chat(
        core,
        { message: 'Why?', mode: `retries-${retries}`, participants: modelsOf(graph) },
        { call: callOf({ retries: budget }) },
      );
      expect(only(events, 'message.start').map(({ attempt }) => attempt)).toEqual(
        Array.from({ length: attempts }, (_, at) => at + 1),
      );
      expect(the(events, 'error').code).toBe('upstream_interrupted');
    }
  });

  it('has a time of its own; when that is over an optional one is left out', async () => {
    const graph = named('single-with-critic');
    const own = {
      ...graph,
      name: 'mine',
      nodes: graph.nodes.map((node) => (node.id === 'critic' ? { ...node, timeout_ms: 1000 } : node)),
    };
    const core = await start({ critic: endless }, { MCP_GRAPHS: JSON.stringify([own]) });
    const events = await chat(core, { message: 'Why?', mode: 'mine', participants: modelsOf(own) });
    expect(only(events, 'node')[0]).toMatchObject({
      participant: 'critic',
      state: 'failed',
      reason: expect.stringContaining('took longer than its 1 s'),
    });
    expect(the(events, 'done').response.answer).toBe('answer says so.');
    expect(core.models.asked[1]?.call.deadline_ms).toBeLessThan(Date.now() + 1000);
  });

  it('runs beside those that it does not need, with its own model, prompt, tokens and question', async () => {
    const core = fresh();
    let most = 0;
    let open = 0;
    const seen = ({ type }: ChatEvent) => {
      if (type === 'message.start') most = Math.max(most, ++open);
      if (type === 'message.end') open--;
    };
    const events = await run(core, 'council', { seen });
    expect(most).toBe(3);
    expect(
      only(events, 'message.start')
        .map(({ turn, participant }) => [turn, participant])
        .sort(),
    ).toEqual(
      named('council')
        .nodes.slice(0, 5)
        .map(({ id }, at) => [at, id]),
    );
    const asked = new Map(core.models.asked.map(({ request }) => [request.model, request]));
    const prompts = new Map((await core.api.prompts(callOf())).map((prompt) => [prompt.name, prompt]));
    for (const { id, prompt, max_tokens } of named('council').nodes.slice(0, 5)) {
      expect(asked.get(id)?.max_tokens, id).toBe(max_tokens);
      expect(prompts.has(prompt)).toBe(true);
    }
    expect(asked.get('verifier')?.response_format).toMatchObject({ type: 'json_schema' });
    expect(asked.get('chair')?.response_format).toBeUndefined();
    expect(asked.get('chair')?.messages.map(textOf).join()).toMatch(
      /plain says so.*practical says so.*rigorous says so/s,
    );
  });
});

describe('asking for a graph', () => {
  it('lists those there are, own ones before those that are built in', async () => {
    const own = { ...named('council'), description: 'Mine.' };
    const core = await start({}, { MCP_GRAPHS: JSON.stringify([own]) });
    const graphs = await core.api.graphs(callOf());
    expect(graphs.map(({ model, source }) => [model, source])).toEqual([
      ['mcp/debate', 'built-in'],
      ['mcp/council', 'stack'],
      ['mcp/plan-verify', 'built-in'],
      ['mcp/single-with-critic', 'built-in'],
    ]);
    expect(graphs[1]?.description).toBe('Mine.');
  });

  it.each<[string, object, RegExp]>([
    ['an unknown graph', { mode: 'mcp/nobody' }, /^mode: must be debate, .* no 'mcp\/nobody'/],
    ['a property of every object', { mode: 'constructor' }, /^mode: must be /],
    ['turns', { mode: 'council', exchanges: 4 }, /^exchanges: is for conversations in turns/],
    ['two sides', { mode: 'council', modelA: 'alpha' }, /^modelA: is for conversations in turns/],
    [
      'a stranger',
      { mode: 'council', participants: [{ id: 'x' }] },
      /^participants: x is no node of mcp\/council/,
    ],
    ['a nameless one', { mode: 'council', participants: [{}] }, /^participants: one has no id/],
    [
      'an unknown model',
      { mode: 'council', participants: [{ id: 'chair', model: 'x' }] },
      /no chat model 'x'/,
    ],
    ['an unknown prompt', { mode: 'council', participants: [{ id: 'chair', prompt: 'x' }] }, /no prompt 'x'/],
  ])('with %s is refused before anything is written', async (_name, change, message) => {
    const core = fresh();
    const before = (await core.api.listConversations({ limit: 200 }, callOf())).conversations;
    expect(await failure(core.api.chat({ message: 'Why?', ...change }, callOf()))).toMatchObject({
      message: expect.stringMatching(message),
    });
    expect((await core.api.listConversations({ limit: 200 }, callOf())).conversations).toEqual(before);
  });

  it('shares the ready models among its nodes, and goes on with a new question', async () => {
    const core = await startCore();
    const first = await chat(core, { message: 'Why?', mode: 'single-with-critic', max_tokens_per_turn: 100 });
    expect(the(first, 'start').models).toEqual(['alpha', 'beta', 'alpha']);
    expect(core.models.asked.map(({ request }) => request.max_tokens)).toEqual([100, 100, 100]);
    const next = await chat(core, { conversation_id: idOf(first), message: 'And then?' });
    expect(the(next, 'done').response.messages).toHaveLength(3);
    expect(core.models.asked[3]?.request.messages.map(textOf).join()).toContain('Why?');
    expect(
      await failure(core.api.chat({ conversation_id: idOf(first), message: 'No.', exchanges: 2 }, callOf())),
    ).toMatchObject({ code: 'invalid_request' });
    expect(await core.api.verifyConversation(idOf(first), callOf())).toMatchObject({ status: 'ok' });
  });
});
