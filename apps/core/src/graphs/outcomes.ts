/** Where a graph of agents stands, read from its recorded turns: any process can go on with it. */
import type { AgentGraph } from '@mcp/contracts';
import { type FinishedTurn, type NodeOutcome, schedule } from '@mcp/conversation';

/** What the nodes that are on record came to. They are not run again. */
export function recordedOutcomes(turns: readonly FinishedTurn[]): Map<string, NodeOutcome> {
  return new Map(
    turns.map(({ participant, confidence }) => [
      participant,
      { state: 'finished', confidence: confidence?.value ?? 0 },
    ]),
  );
}

/** The node that runs next, or first of several; undefined when none is left. */
export function nextNode(graph: AgentGraph, turns: readonly FinishedTurn[]): string | undefined {
  return schedule(graph, recordedOutcomes(turns)).ready[0]?.id;
}
