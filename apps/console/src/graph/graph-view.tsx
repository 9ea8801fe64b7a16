import type { Conversation } from '@mcp/contracts';
import { useState } from 'preact/hooks';
import { useLoaded } from '../hooks.ts';
import { Step } from '../pages/replay-view.tsx';
import { Notice } from '../ui/basics.tsx';
import { type DagNode, dagOf } from './dag.ts';
import { Plane } from './plane.tsx';

interface GraphProps {
  readonly conversation: Conversation;
}

/** The nodes of a graph, each after those that it needs; a click shows what is on record of one. */
export default function GraphView({ conversation }: GraphProps) {
  const graphs = useLoaded('graphs', (platform, signal) => platform.graphs(signal));
  const [chosen, setChosen] = useState<string | null>(null);
  const nodes = dagOf(
    conversation,
    graphs.data?.find(({ model }) => model === conversation.mode),
  );
  const shown = nodes.find(({ id }) => id === chosen);
  return (
    <Plane label="Graph" nodes={nodes} chosen={chosen} onChoose={setChosen} look={lookOf}>
      {shown === undefined ? null : <Record node={shown} conversation={conversation} />}
    </Plane>
  );
}

function lookOf(node: DagNode) {
  const { id, status, record } = node;
  const confidence = record !== null && 'confidence' in record ? record.confidence : undefined;
  return {
    tone: `dag-${status.replaceAll(' ', '-')}${node.chosen ? ' dag-answer' : ''}`,
    tip: node.model,
    inside: (
      <>
        <strong>{id}</strong>
        <span>
          {node.chosen ? 'the answer' : status}
          {confidence === undefined ? null : ` · ${confidence.value.toFixed(2)}`}
        </span>
      </>
    ),
  };
}

function Record({ node, conversation }: GraphProps & { readonly node: DagNode }) {
  const { id, record, status, why } = node;
  if (record === null)
    return (
      <Notice>
        <p>
          {id} {status === 'waiting' ? 'has said nothing yet' : status}
          {why === null ? '.' : `: ${why}`}
        </p>
      </Notice>
    );
  return (
    <ol class="steps" aria-label={`Record of ${id}`}>
      <Step record={record} participants={conversation.participants} chars={record.content.length} whole />
    </ol>
  );
}
