/** What each graph does on real models: answered, streamed, traced, cancelled in each node, killed and gone on with. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ChainVerdict, type ChatEvent, Conversation, type GraphInfo, SpanRecord } from '@mcp/contracts';
import { z } from 'zod';
import type { Running } from './client.ts';

const QUESTION = 'Is a tomato a fruit?';
const Spans = z.object({ spans: z.array(SpanRecord) });
/** How often a conversation is tried again whose run has died. */
const TRIES = 120;

export interface Row {
  readonly graph: string;
  readonly answered: boolean;
  readonly answer: string;
  readonly streamed: boolean;
  readonly first_word_ms: number;
  readonly whole_ms: number;
  /** Spans of the trace, and those of them whose parent is not in it, but for the first. */
  readonly spans: number;
  readonly orphans: number;
  readonly nodes_below_graph: string;
  readonly cancelled_in: readonly string[];
  /** Nodes that had said all before the cancel arrived. */
  readonly ended_before: readonly string[];
  readonly not_reached: readonly string[];
  readonly killed_in: string;
  readonly asked_after_kill: readonly string[];
  readonly asked_twice: readonly string[];
  readonly log: string;
}

export async function showGraph(
  platform: Running,
  graph: GraphInfo,
  limits: { readonly max_tokens: number },
): Promise<Row> {
  const whole = await streamed(platform, graph, limits);
  const trace = await traced(platform, graph, whole.trace);
  const cancels: Readonly<Record<Cancel, string[]>> = { cancelled_in: [], ended_before: [], not_reached: [] };
  for (const { id } of graph.nodes)
    cancels[await cancelIn(platform, graph, { node: id, ...limits })].push(id);
  const kill = await killIn(platform, graph, limits);
  const { text, first_word_ms, whole_ms } = whole;
  return {
    graph: graph.model,
    answered: text !== '',
    answer: text,
    streamed: whole.chunks > 2,
    first_word_ms,
    whole_ms,
    ...trace,
    ...cancels,
    ...kill,
  };
}

/** As the official client streams it. */
async function streamed({ openai }: Running, graph: GraphInfo, limits: { readonly max_tokens: number }) {
  const started_ms = performance.now();
  const since = () => Math.round(performance.now() - started_ms);
  const { data, response } = await openai.chat.completions
    .create({
      model: graph.model,
      stream: true,
      temperature: 0,
      messages: [{ role: 'user', content: QUESTION }],
      ...limits,
    })
    .withResponse();
  const seen = { text: '', chunks: 0, first_word_ms: 0 };
  for await (const chunk of data) {
    const delta: { content?: string | null; reasoning_content?: string } = chunk.choices[0]?.delta ?? {};
    seen.chunks++;
    if (seen.first_word_ms === 0 && delta.reasoning_content !== undefined) seen.first_word_ms = since();
    seen.text += delta.content ?? '';
  }
  return { ...seen, whole_ms: since(), trace: response.headers.get('x-trace-id') ?? '' };
}

/** The spans of a trace, which come a moment later. */
async function traced(platform: Running, graph: GraphInfo, trace: string) {
  let all: readonly SpanRecord[] = [];
  const top = () => all.find(({ name }) => name === 'conversation.graph');
  for (let tries = 0; tries < TRIES; tries++) {
    all = await platform.json(`/v1/traces/${trace}`).then(
      (body) => Spans.parse(body).spans,
      () => [],
    );
    if (top() !== undefined && all.some(({ parent_span_id }) => parent_span_id === null)) break;
    await sleep(500);
  }
  const ids = new Set(all.map(({ span_id }) => span_id));
  const turns = all.filter(({ name }) => name === 'conversation.turn');
  const below = turns.filter(({ parent_span_id }) => parent_span_id === top()?.span_id);
  return {
    spans: all.length,
    orphans: all.filter(({ parent_span_id: parent }) => parent !== null && !ids.has(parent)).length,
    nodes_below_graph: `${below.length} of ${turns.length} (the graph has ${graph.nodes.length})`,
  };
}

const question = (graph: GraphInfo, max_tokens: number) => ({
  mode: graph.model,
  message: QUESTION,
  temperature: 0,
  max_tokens_per_turn: max_tokens,
});

type Cancel = 'cancelled_in' | 'ended_before' | 'not_reached';

/** Cancels at the first words of a node. Throws when the conversation went on. */
async function cancelIn(
  platform: Running,
  graph: GraphInfo,
  { node, max_tokens }: { readonly node: string; readonly max_tokens: number },
): Promise<Cancel> {
  let id = '';
  let came = false;
  for await (const event of platform.chat(question(graph, max_tokens))) {
    if (event.type === 'start') id = event.conversation_id;
    if (event.type !== 'delta' || event.participant !== node || came) continue;
    came = true;
    await platform.json(`/v1/conversations/${id}/cancel`, {}).catch(() => undefined);
  }
  if (!came) return 'not_reached';
  const { status, messages } = Conversation.parse(await platform.json(`/v1/conversations/${id}`));
  if (status === 'completed') return 'ended_before';
  if (status !== 'cancelled')
    throw new Error(`${graph.model} was to be cancelled in ${node}, and is ${status}`);
  const cut = messages.find(({ role }) => role === node)?.finish_reason?.unified;
  return cut === undefined || cut === 'cancelled' ? 'cancelled_in' : 'ended_before';
}

/** kill -9 of the core at the first words of the second node that speaks; then it is gone on with. */
async function killIn(platform: Running, graph: GraphInfo, { max_tokens }: { readonly max_tokens: number }) {
  const kill = await platform.killCore();
  const recorded: string[] = [];
  let [id, killed_in] = ['', ''];
  for await (const event of platform.chat(question(graph, max_tokens))) {
    if (event.type === 'start') id = event.conversation_id;
    if (event.type === 'message.end') recorded.push(event.participant);
    if (event.type !== 'delta' || recorded.length === 0 || killed_in !== '') continue;
    killed_in = event.participant;
    kill();
  }
  await platform.ready();
  const after = await goneOn(platform, id);
  const asked = after.flatMap((event) => (event.type === 'message.start' ? [event.participant] : []));
  const log = ChainVerdict.parse(await platform.json(`/v1/conversations/${id}/verify`, {}));
  return {
    killed_in,
    asked_after_kill: asked,
    asked_twice: asked.filter((node) => recorded.includes(node)),
    log: log.status,
  };
}

async function goneOn(platform: Running, conversation_id: string): Promise<ChatEvent[]> {
  for (let tries = 0; tries < TRIES; tries++) {
    const events: ChatEvent[] = [];
    try {
      for await (const event of platform.chat({ conversation_id })) events.push(event);
      if (events.at(-1)?.type === 'done') return events;
    } catch {
      await sleep(1000);
    }
  }
  throw new Error(`the conversation ${conversation_id} was not finished`);
}
