/** The nodes of a graph of agents: where each stands in the picture, and how it went. */
import type { Conversation, GraphInfo, LogRecord } from '@mcp/contracts';

type NodeStatus = 'finished' | 'cut short' | 'waiting' | 'did not run' | 'failed';

export interface DagNode {
  readonly id: string;
  readonly model: string;
  /** Nodes whose texts it was shown, or waits for. */
  readonly needs: readonly string[];
  /** How many nodes stand before it on the longest way to it. */
  readonly column: number;
  readonly row: number;
  readonly status: NodeStatus;
  /** Why it said nothing. */
  readonly why: string | null;
  /** Its text is the answer. */
  readonly chosen: boolean;
  readonly record: LogRecord | null;
}

/** Of the newest question. Who needs whom says the graph, or the records where the graph is not known any more. */
export function dagOf(conversation: Conversation, graph: GraphInfo | undefined): readonly DagNode[] {
  const { messages, participants, decision } = conversation;
  const asked = messages.findLastIndex(({ role }) => role === 'user');
  const records = new Map(messages.slice(asked + 1).map((record) => [record.role, record]));
  const needs = new Map(
    participants.map(({ id }) => [
      id,
      graph?.nodes.find((node) => node.id === id)?.needs ?? parentsOf(records, id),
    ]),
  );
  const rows = new Map<number, number>();
  return participants.map(({ id, model }) => {
    const column = depthOf(needs, id);
    const row = rows.get(column) ?? 0;
    rows.set(column, row + 1);
    const record = records.get(id) ?? null;
    return {
      id,
      model,
      needs: needs.get(id) ?? [],
      column,
      row,
      record,
      chosen: decision?.chosen === id,
      ...wayOf(id, record, conversation),
    };
  });
}

function parentsOf(records: ReadonlyMap<string, LogRecord>, id: string): string[] {
  const record = records.get(id);
  const parents = record !== undefined && 'parents' in record ? record.parents : [];
  return [...records.values()].flatMap((one) =>
    'step' in one && one.kind === 'turn' && parents.includes(one.step) ? [one.role] : [],
  );
}

function depthOf(needs: ReadonlyMap<string, readonly string[]>, id: string): number {
  return Math.max(0, ...(needs.get(id) ?? []).map((need) => 1 + depthOf(needs, need)));
}

function wayOf(
  id: string,
  record: LogRecord | null,
  { decision, status }: Conversation,
): Pick<DagNode, 'status' | 'why'> {
  if (record !== null)
    return { status: record.finish_reason?.unified === 'cancelled' ? 'cut short' : 'finished', why: null };
  const [, how, why] =
    new RegExp(`(?:^|[.;] )${id} (did not run|failed): ([^;]*)`).exec(decision?.reason ?? '') ?? [];
  if (how === 'failed' || how === 'did not run') return { status: how, why: why ?? null };
  return { status: status === 'running' ? 'waiting' : 'did not run', why: null };
}
