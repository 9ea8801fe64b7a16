/** What each graph does on real models: answered, streamed, traced, cancelled in each node, killed and gone on with. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ChainVerdict, type ChatEvent, Conversation, type GraphInfo } from '@mcp/contracts';
import { APIError, APIUserAbortError } from 'openai';
import type { Running } from './client.ts';
import { QUESTIONS } from './questions.ts';
import { stepsRight, type Traced, traced } from './trace.ts';

/** How often a conversation is looked at, or tried again, before it counts as one that does not end. */
const TRIES = 240;
/** Questions that are tried until one makes all nodes run. */
const MOST_QUESTIONS = 12;
/** How often a node is waited for that did not run, or had ended before its cancel came. */
const MOST_RUNS = 3;

type Cancel = 'cancelled' | 'ended before' | 'not reached';

/** What came of a node that was broken off. */
interface NodeRow {
  readonly node: string;
  /** The official client left its stream at the node's first words. */
  readonly client_left: Cancel;
  /** `POST /v1/conversations/:id/cancel` at the node's first words. */
  readonly cancelled: Cancel;
  readonly killed: Killed;
}

/** kill -9 of the core at the node's first words, and how it was gone on with. */
interface Killed {
  readonly reached: boolean;
  /** What the official client was told. */
  readonly told: string;
  readonly on_record_before: readonly string[];
  readonly asked_after: readonly string[];
  readonly asked_twice: readonly string[];
  readonly steps_right: string;
  readonly status: string;
  readonly log: string;
}

export interface Row {
  readonly graph: string;
  readonly question: string;
  readonly ran: readonly string[];
  readonly did_not_run: readonly string[];
  readonly answered: boolean;
  readonly answer: string;
  readonly streamed: boolean;
  readonly first_word_ms: number;
  readonly whole_ms: number;
  readonly trace: Traced;
  readonly steps_right: string;
  readonly nodes: readonly NodeRow[];
}

/** A graph, and what it is asked. */
interface Asked {
  readonly graph: GraphInfo;
  readonly question: string;
  readonly max_tokens: number;
}

export async function showGraph(platform: Running, graph: GraphInfo, max_tokens: number): Promise<Row> {
  const { question, ran } = await questionFor(platform, graph, max_tokens);
  const asked = { graph, question, max_tokens };
  const { trace, id, text, chunks, ...times } = await streamed(platform, asked);
  const nodes: NodeRow[] = [];
  for (const { id: node } of graph.nodes) {
    const row = {
      node,
      client_left: await often(() => clientLeaves(platform, asked, node)),
      cancelled: await often(() => cancelIn(platform, asked, node)),
      killed: await killIn(platform, asked, node),
    };
    nodes.push(row);
    process.stderr.write(`${graph.model} ${JSON.stringify(row)}\n`);
  }
  return {
    graph: graph.model,
    question,
    ran,
    did_not_run: graph.nodes.flatMap((node) => (ran.includes(node.id) ? [] : [node.id])),
    answered: text !== '',
    answer: text,
    streamed: chunks > 2,
    ...times,
    trace: await traced(platform, trace),
    steps_right: await stepsRight(platform, graph, id),
    nodes,
  };
}

/** The first question by which all nodes run, or the one by which the most do: some run only on a judge's objection. */
async function questionFor(platform: Running, graph: GraphInfo, max_tokens: number) {
  let best: { question: string; ran: readonly string[] } = { question: '', ran: [] };
  for (const [question] of QUESTIONS.slice(0, MOST_QUESTIONS)) {
    const ran = new Set<string>();
    for await (const event of platform.chat(bodyOf({ graph, question, max_tokens })))
      if (event.type === 'message.end') ran.add(event.participant);
    process.stderr.write(`${graph.model}: ${question} ${[...ran].join(' ')}\n`);
    if (ran.size > best.ran.length) best = { question, ran: [...ran] };
    if (ran.size === graph.nodes.length) break;
  }
  return best;
}

function bodyOf({ graph, question, max_tokens }: Asked) {
  return { mode: graph.model, message: question, temperature: 0, max_tokens_per_turn: max_tokens };
}

async function often(run: () => Promise<Cancel>): Promise<Cancel> {
  let came: Cancel = 'not reached';
  for (let runs = 0; runs < MOST_RUNS && came !== 'cancelled'; runs++) came = await run();
  return came;
}

/** Asks by the official client. */
function create({ openai }: Running, { graph, question, max_tokens }: Asked, signal?: AbortSignal) {
  const body = {
    model: graph.model,
    stream: true,
    temperature: 0,
    max_tokens,
    messages: [{ role: 'user', content: question }],
  } as const;
  return openai.chat.completions.create({ ...body, messages: [...body.messages] }, { signal }).withResponse();
}

/** A chunk is called by the conversation that it is of. */
function conversationOf(chunk: { readonly id: string }): string {
  return chunk.id.replace('chatcmpl-', '');
}

/** As the official client streams it. */
async function streamed(platform: Running, asked: Asked) {
  const started_ms = performance.now();
  const since = () => Math.round(performance.now() - started_ms);
  const { data, response } = await create(platform, asked);
  const seen = { id: '', text: '', chunks: 0, first_word_ms: 0 };
  for await (const chunk of data) {
    const delta: { content?: string | null; reasoning_content?: string } = chunk.choices[0]?.delta ?? {};
    seen.chunks++;
    seen.id = conversationOf(chunk);
    if (seen.first_word_ms === 0 && delta.reasoning_content !== undefined) seen.first_word_ms = since();
    seen.text += delta.content ?? '';
  }
  return { ...seen, whole_ms: since(), trace: response.headers.get('x-trace-id') ?? '' };
}

/** A conversation that the official client has begun, broken off at the first words of a node. */
interface BrokenOff {
  readonly id: string;
  readonly reached: boolean;
  /** Nodes that had ended by then. */
  readonly ended: readonly string[];
  /** How the client's stream ended. */
  readonly error: unknown;
}

/** Asks by the official client, and follows the conversation beside it, where words come by their nodes. */
async function breakOff(
  platform: Running,
  asked: Asked,
  { node, at }: { readonly node: string; readonly at: (leave: AbortController) => void },
): Promise<BrokenOff> {
  const leave = new AbortController();
  const over = new AbortController();
  const watched = { id: '', reached: false, ended: [] as string[] };
  const watch = async () => {
    for await (const event of platform.follow(watched.id, over.signal)) {
      if (event.type === 'message.end') watched.ended.push(event.participant);
      if (event.type !== 'delta' || event.participant !== node) continue;
      watched.reached = true;
      at(leave);
      return;
    }
  };
  let watching: Promise<void> | undefined;
  let error: unknown;
  try {
    const { data } = await create(platform, asked, leave.signal);
    for await (const chunk of data) {
      if (watching !== undefined) continue;
      watched.id = conversationOf(chunk);
      watching = watch().catch((thrown: unknown) => {
        if (!over.signal.aborted) leave.abort(thrown);
      });
    }
  } catch (thrown) {
    error = thrown;
  }
  over.abort();
  await watching;
  return { ...watched, error };
}

/** The official client leaves its stream. Throws when the conversation went on. */
async function clientLeaves(platform: Running, asked: Asked, node: string): Promise<Cancel> {
  const { id, reached, error } = await breakOff(platform, asked, { node, at: (leave) => leave.abort() });
  if (!reached) return 'not reached';
  if (error !== undefined && !(error instanceof APIUserAbortError)) throw error;
  return cancelOf(platform, id, node);
}

/** Cancels by the route of the conversation. Throws when the conversation went on. */
async function cancelIn(platform: Running, asked: Asked, node: string): Promise<Cancel> {
  let [id, came] = ['', false];
  for await (const event of platform.chat(bodyOf(asked))) {
    if (event.type === 'start') id = event.conversation_id;
    if (event.type !== 'delta' || event.participant !== node || came) continue;
    came = true;
    await platform.json(`/v1/conversations/${id}/cancel`, {}).catch(() => undefined);
  }
  return came ? cancelOf(platform, id, node) : 'not reached';
}

async function cancelOf(platform: Running, id: string, node: string): Promise<Cancel> {
  for (let tries = 0; tries < TRIES; tries++) {
    const { status, messages } = Conversation.parse(await platform.json(`/v1/conversations/${id}`));
    if (status === 'running') {
      await sleep(250);
      continue;
    }
    if (status === 'completed') return 'ended before';
    if (status !== 'cancelled') throw new Error(`${id} was to be cancelled in ${node}, and is ${status}`);
    const cut = messages.find(({ role }) => role === node)?.finish_reason?.unified;
    return cut === undefined || cut === 'cancelled' ? 'cancelled' : 'ended before';
  }
  throw new Error(`${id} was to be cancelled in ${node}, and goes on`);
}

async function killIn(platform: Running, asked: Asked, node: string): Promise<Killed> {
  const kill = await platform.killCore();
  const { id, reached, ended, error } = await breakOff(platform, asked, { node, at: kill });
  await platform.ready();
  const events = reached ? await goneOn(platform, id) : [];
  const after = events.flatMap((event) => (event.type === 'message.start' ? [event.participant] : []));
  const log = ChainVerdict.parse(await platform.json(`/v1/conversations/${id}/verify`, {}));
  const { status } = Conversation.parse(await platform.json(`/v1/conversations/${id}`));
  return {
    reached,
    told: error instanceof APIError ? String(error.code ?? error.message) : String(error ?? 'nothing'),
    on_record_before: ended,
    asked_after: after,
    asked_twice: after.filter((one) => ended.includes(one)),
    steps_right: await stepsRight(platform, asked.graph, id),
    status,
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
