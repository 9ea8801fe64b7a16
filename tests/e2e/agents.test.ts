import { setTimeout as sleep } from 'node:timers/promises';
import Anthropic from '@anthropic-ai/sdk';
import { ChainVerdict, type ChatEvent, Conversation, GraphInfo, SpanRecord } from '@mcp/contracts';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Platform, startPlatform } from './support.ts';

const pass = (who: string) => `{"verdict":"pass","confidence":0.9,"reason":"The ${who} is content."}`;
const ENDLESS = { reply: 'word '.repeat(5000).trim(), token_delay_ms: 20 };
/** What the models say to each role; of a question that says so, without an end. */
const RULES = [
  { match: 'without an end', ...ENDLESS },
  { match: 'survives', reply: 'Nobody knows.' },
  { match: 'Look for what is wrong', reply: pass('critic') },
  { match: 'Check fact by fact', reply: '{"verdict":"fail","confidence":0.8,"reason":"One is wrong."}' },
  { match: 'whether it is safe', reply: pass('guardian') },
  { match: 'Do not answer yet', reply: 'First the facts, then the answer.' },
  { match: 'Give one final answer', reply: 'The final answer.' },
  { reply: 'A first answer.' },
];
const OWN = {
  name: 'second-opinion',
  description: 'One answers, another makes it better.',
  nodes: [
    { id: 'one', role: 'answerer', prompt: 'base_system', model: 'scripted/alpha' },
    { id: 'two', role: 'synthesizer', prompt: 'synthesizer', model: 'scripted/beta', needs: ['one'] },
  ],
  output: ['two'],
};

/** Requests that one caller may have open. */
const AT_ONCE = 32;

let platform: Platform;
let openai: OpenAI;
beforeAll(async () => {
  platform = await startPlatform({
    MCP_SCRIPTED_MODELS: JSON.stringify([
      { id: 'scripted/alpha', rules: RULES },
      { id: 'scripted/beta', rules: RULES },
      // Three that are killed in the middle; whoever asks again is answered.
      { id: 'scripted/stuck', rules: [{ match: 'survives', ...ENDLESS, times: 3 }, ...RULES] },
      { id: 'scripted/embed', kind: 'embedding' },
    ]),
    MCP_GRAPHS: JSON.stringify([OWN]),
    MCP_MAX_PARALLEL_REQUESTS: String(AT_ONCE),
  });
  openai = new OpenAI({ baseURL: `${platform.url}/v1`, apiKey: platform.key, maxRetries: 0 });
});
afterAll(() => platform?.stop());

const ask = (model: string, content = 'Is a tomato a fruit?') => ({
  model,
  messages: [{ role: 'user' as const, content }],
});
type Delta = { content?: string | null; reasoning_content?: string };
async function streamed(asked: ReturnType<typeof ask>): Promise<{ text: string; thoughts: string }> {
  const stream = await openai.chat.completions.create({ ...asked, stream: true });
  const said = { text: '', thoughts: '' };
  for await (const chunk of stream) {
    const delta: Delta = chunk.choices[0]?.delta ?? {};
    said.text += delta.content ?? '';
    said.thoughts += delta.reasoning_content ?? '';
  }
  return said;
}
const conversation = async (id: string) => Conversation.parse(await platform.json(`/v1/conversations/${id}`));
/** Models that are at work. */
const working = async () =>
  z
    .object({ queues: z.array(z.object({ model: z.string(), running: z.number() })) })
    .parse(await platform.json('/admin/stats'))
    .queues.flatMap(({ model, running }) => (running > 0 ? [model] : []));
const verdict = async (id: string) =>
  ChainVerdict.parse(await platform.json(`/v1/conversations/${id}/verify`, {}));

/** The nodes that speak, for these models, and the answer. */
const GRAPHS: [string, string[], string][] = [
  ['mcp/debate', ['first', 'second', 'first-critic', 'second-critic', 'judge'], 'The final answer.'],
  ['mcp/council', ['plain', 'practical', 'rigorous', 'chair', 'verifier', 'repair'], 'The final answer.'],
  [
    'mcp/plan-verify',
    ['strategist', 'critic', 'synthesizer', 'verifier', 'repair', 'guardian'],
    'The final answer.',
  ],
  ['mcp/single-with-critic', ['answer', 'critic'], 'A first answer.'],
  ['mcp/second-opinion', ['one', 'two'], 'The final answer.'],
];

describe("a graph of agents is a model of OpenAI's client", () => {
  it('and is listed, with its nodes where one asks for them', async () => {
    const ids = (await openai.models.list()).data.map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(GRAPHS.map(([model]) => model)));
    expect(await openai.models.retrieve('mcp/council')).toMatchObject({ id: 'mcp/council', owned_by: 'mcp' });
    const { graphs } = z.object({ graphs: z.array(GraphInfo) }).parse(await platform.json('/v1/graphs'));
    expect(graphs.map(({ model, source }) => [model, source])).toEqual(
      expect.arrayContaining([
        ['mcp/plan-verify', 'built-in'],
        ['mcp/second-opinion', 'stack'],
      ]),
    );
  });

  it.each(GRAPHS)(
    '%s: what the agents say is its reasoning and in the log, the answer its text',
    async (...row) => {
      const [model, nodes, answer] = row;
      const { data, response } = await openai.chat.completions.create(ask(model)).withResponse();
      expect(data.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: answer } });
      const { messages, mode, status } = await conversation(
        response.headers.get('x-mcp-conversation-id') ?? '',
      );
      expect([mode, status]).toEqual([model, 'completed']);
      const spoke = messages
        .filter((record) => 'kind' in record && record.kind === 'turn')
        .map(({ role }) => role);
      expect(new Set(spoke)).toEqual(new Set(nodes));

      const { text, thoughts } = await streamed(ask(model));
      expect(text).toBe(answer);
      // Those that ran at once do not speak in between each other.
      const heads = [...thoughts.matchAll(/^\[([\w-]+) · [^\]]+\]\n(.*)$/gm)].map(([, id, said]) => [
        id,
        said,
      ]);
      expect(heads.map(([id]) => id)).toEqual(
        nodes.length === heads.length ? expect.arrayContaining(nodes) : nodes,
      );
      for (const [, said] of heads)
        expect(said).toMatch(/^(A first answer\.|The final answer\.|First the|\{"verdict")/);
    },
  );

  it("and of Anthropic's, and a response", async () => {
    const anthropic = new Anthropic({ baseURL: platform.url, apiKey: platform.key, maxRetries: 0 });
    const message = await anthropic.messages.create({ ...ask('mcp/single-with-critic'), max_tokens: 300 });
    expect(message.content.findLast(({ type }) => type === 'text')).toMatchObject({
      text: 'A first answer.',
    });
    const response = await openai.responses.create({ model: 'mcp/single-with-critic', input: 'Is it?' });
    expect(response.output_text).toBe('A first answer.');
  });

  it('and one that nobody knows is not found', async () => {
    await expect(openai.chat.completions.create(ask('mcp/nobody'))).rejects.toBeInstanceOf(
      OpenAI.NotFoundError,
    );
  });

  it('whose client leaves is cancelled in all its nodes', async () => {
    const leaving = new AbortController();
    const { data, response } = await openai.chat.completions
      .create({ ...ask('mcp/council', 'Talk without an end.'), stream: true }, { signal: leaving.signal })
      .withResponse();
    const id = response.headers.get('x-mcp-conversation-id') ?? '';
    for await (const chunk of data) {
      const delta: Delta = chunk.choices[0]?.delta ?? {};
      if ((delta.reasoning_content ?? '').includes('word')) leaving.abort();
    }
    await expect.poll(async () => (await conversation(id)).status).toBe('cancelled');
    const turns = (await conversation(id)).messages.filter(
      (record) => 'kind' in record && record.kind === 'turn',
    );
    // The others may have said nothing by then, which is not recorded; none goes on.
    const cut = turns.map(({ role, finish_reason }) => `${role} ${finish_reason?.unified}`);
    expect(cut).toContain('plain cancelled');
    const all = ['plain', 'practical', 'rigorous'].map((role) => `${role} cancelled`);
    expect(all).toEqual(expect.arrayContaining(cut));
    await expect.poll(working).toEqual([]);
    expect((await verdict(id)).ok).toBe(true);
  });
});

const Spans = z.object({ spans: z.array(SpanRecord) });

describe('the trace of a graph', () => {
  it.each(GRAPHS)(
    '%s has each node below the graph, and what it asks below the node',
    async (model, nodes) => {
      const { response } = await openai.chat.completions.create(ask(model)).withResponse();
      const path = `/v1/traces/${response.headers.get('x-trace-id')}`;
      let all: SpanRecord[] = [];
      const parents = async () => {
        all = await platform.json(path).then(
          (body) => Spans.parse(body).spans,
          () => [],
        );
        const come = (wanted: string) => all.filter(({ name }) => name === wanted).length;
        if (come('conversation.graph') === 0 || come('model.inference') < nodes.length)
          return ['not all yet'];
        const ids = new Set(all.map(({ span_id }) => span_id));
        return all.flatMap(({ name, parent_span_id: parent }) =>
          parent === null || !ids.has(parent)
            ? [`${name} below ${parent === null ? 'nothing' : 'a stranger'}`]
            : [],
        );
      };
      // Spans come from three processes, a moment later.
      await expect.poll(parents).toEqual(['http.server.request below nothing']);
      const byId = new Map(all.map((span) => [span.span_id, span]));
      const nameAbove = ({ parent_span_id }: SpanRecord) => byId.get(parent_span_id ?? '')?.name;
      const named = (name: string) => all.filter((span) => span.name === name);
      const [graph, ...more] = named('conversation.graph');
      expect([graph?.attributes['mcp.graph'], more]).toEqual([model, []]);
      const turns = named('conversation.turn');
      expect(turns.map(({ attributes }) => attributes['mcp.participant']).sort()).toEqual([...nodes].sort());
      for (const turn of turns) expect(turn.parent_span_id).toBe(graph?.span_id);
      // Each node has asked a model, in the model-gateway.
      const below = (span: SpanRecord): string | undefined => {
        const above = byId.get(span.parent_span_id ?? '');
        return above === undefined || above.name === 'conversation.turn' ? above?.span_id : below(above);
      };
      const generations = named('model.inference');
      expect(generations.every(({ service }) => service === 'model-gateway')).toBe(true);
      expect(new Set(generations.map(below))).toEqual(new Set(turns.map(({ span_id }) => span_id)));
      expect(graph === undefined ? '' : nameAbove(graph)).toBe('http.server.request');
    },
  );
});

it('1,000 starts at once are each answered or refused in words, and nothing is left running', async () => {
  const Told = z.object({ status: z.union([z.literal('completed'), z.literal(429)]) });
  const body = JSON.stringify({ mode: 'single-with-critic', message: 'Go.' });
  const statuses = await Promise.all(
    Array.from({ length: 1000 }, async () => {
      const answer = await platform.fetch('/chat', { method: 'POST', body });
      const told: unknown = await answer.json();
      expect(Told.safeParse(told).success, JSON.stringify(told)).toBe(true);
      if (answer.status === 429) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      return answer.status;
    }),
  );
  const count = (status: number) => statuses.filter((one) => one === status).length;
  expect(count(200)).toBeGreaterThanOrEqual(AT_ONCE);
  expect(count(200) + count(429)).toBe(1000);
  const Listed = z.object({ conversations: z.array(z.object({ status: z.string() })) });
  const left = async () =>
    Listed.parse(await platform.json('/v1/conversations?limit=200')).conversations.filter(
      ({ status }) => status === 'running',
    );
  await expect.poll(left).toEqual([]);
});

const NODES = ['revision', 'critic', 'answer'];

/** Reads a conversation whose node `at` does not end, and tells when it speaks, to its end. */
async function read(at: string, onWords: () => void): Promise<ChatEvent[]> {
  const events: ChatEvent[] = [];
  const participants = NODES.map((id) => ({ id, model: id === at ? 'scripted/stuck' : 'scripted/alpha' }));
  for await (const event of platform.chat({
    mode: 'single-with-critic',
    message: 'What survives?',
    participants,
  })) {
    events.push(event);
    if (event.type === 'delta' && event.participant === at) onWords();
  }
  return events;
}

/** Goes on with a conversation once the lease of its dead run has ended. */
async function goneOnWith(id: string): Promise<ChatEvent[]> {
  for (let tries = 0; tries < 120; tries++) {
    const events: ChatEvent[] = [];
    try {
      for await (const event of platform.chat({ conversation_id: id })) events.push(event);
      if (events.at(-1)?.type === 'done') return events;
    } catch {
      await sleep(500);
    }
  }
  throw new Error(`the conversation ${id} was not finished`);
}

it('kill -9 of the core, of three graphs each in another node: no node that is on record is asked again', async () => {
  const kill = await platform.killer('core');
  const speaking = new Set<string>();
  const streams = await Promise.all(
    NODES.map((node) =>
      read(node, () => {
        if (speaking.add(node).size === NODES.length) kill();
      }),
    ),
  );
  await platform.ready();
  const seen = await Promise.all(
    streams.map(async (before) => {
      const [start] = before;
      if (start?.type !== 'start') throw new Error('it did not begin');
      const id = start.conversation_id;
      expect(before.at(-1)).toMatchObject({ type: 'error', retryable: true, conversation_id: id });
      const whole = before.flatMap((event) => (event.type === 'message.end' ? [event.participant] : []));
      const after = await goneOnWith(id);
      expect(after.at(-1)).toMatchObject({ type: 'done', response: { mode: 'mcp/single-with-critic' } });
      const asked = after.flatMap((event) => (event.type === 'message.start' ? [event.participant] : []));
      expect([...whole, ...asked]).toEqual([...NODES].reverse());
      await expect.poll(async () => (await verdict(id)).status).toBe('ok');
      return whole.length;
    }),
  );
  expect(seen).toEqual([2, 1, 0]);
}, 120_000);
