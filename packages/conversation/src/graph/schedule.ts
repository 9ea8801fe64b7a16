/** What of a graph of agents may run now, and what never will: from what its nodes came to, and nothing else. */
import type { AgentGraph, GraphNode } from '@mcp/contracts';

/** What a node came to. */
export type NodeOutcome =
  | { readonly state: 'finished'; readonly confidence: number }
  | { readonly state: 'skipped' | 'failed'; readonly reason: string };

export type NodeOutcomes = ReadonlyMap<string, NodeOutcome>;

export interface Schedule {
  /** Nodes that can run now, in the order of the graph; those that run already are among them. */
  readonly ready: readonly GraphNode[];
  /** Nodes that will not run, and why. */
  readonly skipped: readonly { readonly id: string; readonly reason: string }[];
}

/** The nodes of a graph, each after all that it needs; otherwise in the order in which they are written. */
function inOrder({ nodes }: Pick<AgentGraph, 'nodes'>): GraphNode[] {
  const placed = new Set<string>();
  const order: GraphNode[] = [];
  while (order.length < nodes.length) {
    const next = nodes.find(({ id, needs }) => !placed.has(id) && needs.every((need) => placed.has(need)));
    if (next === undefined) throw new RangeError('a graph of agents has no cycle');
    placed.add(next.id);
    order.push(next);
  }
  return order;
}

/**
 * A node can run once all its needs have come to something and its condition holds. It is skipped when its condition does
 * not hold, or cannot be known, or when it has needs and none of them has said anything.
 */
export function schedule(graph: Pick<AgentGraph, 'nodes'>, outcomes: NodeOutcomes): Schedule {
  const known = new Map(outcomes);
  const ready: GraphNode[] = [];
  const skipped: { id: string; reason: string }[] = [];
  for (const node of inOrder(graph)) {
    if (known.has(node.id) || node.needs.some((need) => !known.has(need))) continue;
    const reason = reasonToSkip(node, known);
    if (reason === undefined) ready.push(node);
    else {
      known.set(node.id, { state: 'skipped', reason });
      skipped.push({ id: node.id, reason });
    }
  }
  const place = new Map(graph.nodes.map(({ id }, at) => [id, at]));
  ready.sort((a, b) => (place.get(a.id) ?? 0) - (place.get(b.id) ?? 0));
  return { ready, skipped };
}

function reasonToSkip({ needs, when }: GraphNode, known: NodeOutcomes): string | undefined {
  if (needs.length > 0 && needs.every((need) => known.get(need)?.state !== 'finished'))
    return `nothing came of ${needs.join(', ')}`;
  if (when === undefined) return undefined;
  const judged = known.get(when.node);
  if (judged?.state !== 'finished') return `nothing came of ${when.node}`;
  const holds =
    when.confidence === '>=' ? judged.confidence >= when.threshold : judged.confidence < when.threshold;
  return holds
    ? undefined
    : `the confidence of ${when.node} is ${judged.confidence.toFixed(2)}, not ${when.confidence} ${when.threshold}`;
}

/** The node whose text is the answer: the first output that has finished; undefined while there is none. */
export function outputOf(graph: Pick<AgentGraph, 'output'>, outcomes: NodeOutcomes): string | undefined {
  return graph.output.find((id) => outcomes.get(id)?.state === 'finished');
}
