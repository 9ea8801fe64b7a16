/** Whether what a graph did hangs together: the spans of its trace, and the steps of its record. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Conversation, type GraphInfo, type LogRecord, SpanRecord } from '@mcp/contracts';
import { z } from 'zod';
import type { Running } from './client.ts';

const Spans = z.object({ spans: z.array(SpanRecord) });
const TRIES = 120;
/** Clocks of processes on one machine differ by less. */
const CLOCK_MS = 5;

export interface Traced {
  readonly spans: number;
  /** Spans whose parent is not in the trace: the request of the client alone. */
  readonly roots: number;
  readonly orphans: number;
  readonly begun_before_parent: number;
  /** By the name of a span and its service, what its parent is called, and how many there are. */
  readonly parents: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly turns_below_graph: string;
}

/** The spans of a trace, which come a moment later. */
export async function traced(platform: Running, trace: string): Promise<Traced> {
  const all = await wholeTrace(platform, trace);
  const known = new Map(all.map((span) => [span.span_id, span]));
  const named = ({ service, name }: SpanRecord) => `${service}: ${name}`;
  const parents: Record<string, Record<string, number>> = {};
  let begun_before_parent = 0;
  for (const span of all) {
    const parent = span.parent_span_id === null ? undefined : known.get(span.parent_span_id);
    if (parent !== undefined && span.start_unix_ms < parent.start_unix_ms - CLOCK_MS) begun_before_parent++;
    const above = parent === undefined ? (span.parent_span_id === null ? 'none' : 'unknown') : named(parent);
    const of = parents[named(span)] ?? {};
    parents[named(span)] = { ...of, [above]: (of[above] ?? 0) + 1 };
  }
  const graph = all.find(({ name }) => name === 'conversation.graph');
  const turns = all.filter(({ name }) => name === 'conversation.turn');
  const below = turns.filter(({ parent_span_id }) => parent_span_id === graph?.span_id);
  return {
    spans: all.length,
    roots: all.filter(({ parent_span_id }) => parent_span_id === null).length,
    orphans: all.filter(({ parent_span_id: parent }) => parent !== null && !known.has(parent)).length,
    begun_before_parent,
    parents,
    turns_below_graph: `${below.length} of ${turns.length}`,
  };
}

/** Read until the request of the client and the graph are in it, and nothing came since the last look. */
async function wholeTrace(platform: Running, trace: string): Promise<readonly SpanRecord[]> {
  let all: readonly SpanRecord[] = [];
  for (let tries = 0; tries < TRIES; tries++) {
    const before = all.length;
    all = await platform.json(`/v1/traces/${trace}`).then(
      (body) => Spans.parse(body).spans,
      () => [],
    );
    const begun = all.some(({ parent_span_id }) => parent_span_id === null);
    const graph = all.some(({ name }) => name === 'conversation.graph');
    if (begun && graph && all.length === before) break;
    await sleep(1000);
  }
  return all;
}

/**
 * How many nodes' steps were made from just what their models were shown: prompt, question, and the nodes that they
 * need and that said something.
 */
export async function stepsRight(platform: Running, graph: GraphInfo, id: string): Promise<string> {
  const { messages } = Conversation.parse(await platform.json(`/v1/conversations/${id}`));
  const steps = messages.flatMap((record) => ('step' in record ? [record] : []));
  const turns = steps.filter(({ kind }) => kind === 'turn');
  const right = turns.filter((turn) => {
    const node = graph.nodes.find((one) => one.id === turn.participant);
    const shown = steps.filter(
      ({ kind, participant }) =>
        kind === 'question' ||
        (kind === 'system' && participant === turn.participant) ||
        (kind === 'turn' && node?.needs.includes(participant ?? '') === true),
    );
    return node !== undefined && same(turn.parents, shown);
  });
  return `${right.length} of ${turns.length}`;
}

function same(
  parents: readonly string[],
  shown: readonly (LogRecord & { readonly step: string })[],
): boolean {
  return parents.length === shown.length && shown.every(({ step }) => parents.includes(step));
}
