import type { Conversation } from '@mcp/contracts';
import { useState } from 'preact/hooks';
import { useLoaded } from '../hooks.ts';
import { Step } from '../pages/replay-view.tsx';
import { Notice } from '../ui/basics.tsx';
import { type DagNode, dagOf } from './dag.ts';
import './graph.css';

const NODE_PX = { width: 140, height: 58 };
const STEP_PX = { x: 172, y: 84 };
/** How far a way goes down that leads past a node. */
const DIP_PX = 56;

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
  const last = (of: 'column' | 'row') => Math.max(...nodes.map((node) => node[of]));
  const width = last('column') * STEP_PX.x + NODE_PX.width;
  const height = last('row') * STEP_PX.y + NODE_PX.height + DIP_PX / 4;
  const shown = nodes.find(({ id }) => id === chosen);
  return (
    <section class="dag" aria-label="Graph">
      <div class="dag-scroll">
        <div class="dag-plane" style={{ width: `${width}px`, height: `${height}px` }}>
          <svg aria-hidden="true" width={width} height={height}>
            {nodes.flatMap((node) =>
              nodes
                .filter(({ id }) => node.needs.includes(id))
                .map((need) => <path key={`${need.id} ${node.id}`} class="dag-edge" d={edge(need, node)} />),
            )}
          </svg>
          {nodes.map((node) => (
            <Node
              key={node.id}
              node={node}
              chosen={node.id === chosen}
              onChoose={() => setChosen(node.id === chosen ? null : node.id)}
            />
          ))}
        </div>
      </div>
      {shown === undefined ? null : <Record node={shown} conversation={conversation} />}
    </section>
  );
}

interface NodeProps {
  readonly node: DagNode;
  readonly chosen: boolean;
  readonly onChoose: () => void;
}

function Node({ node, chosen, onChoose }: NodeProps) {
  const { id, status, record, column, row } = node;
  const confidence = record !== null && 'confidence' in record ? record.confidence : undefined;
  return (
    <button
      type="button"
      class={`dag-node dag-${status.replaceAll(' ', '-')}${node.chosen ? ' dag-answer' : ''}`}
      style={{
        left: `${column * STEP_PX.x}px`,
        top: `${row * STEP_PX.y}px`,
        width: `${NODE_PX.width}px`,
        height: `${NODE_PX.height}px`,
      }}
      title={node.model}
      aria-pressed={chosen}
      onClick={onChoose}
    >
      <strong>{id}</strong>
      <span>
        {node.chosen ? 'the answer' : status}
        {confidence === undefined ? null : ` · ${confidence.value.toFixed(2)}`}
      </span>
    </button>
  );
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

/** From the right side of one to the left side of the other, below those in between. */
function edge(from: DagNode, to: DagNode): string {
  const x = from.column * STEP_PX.x + NODE_PX.width;
  const y = from.row * STEP_PX.y + NODE_PX.height / 2;
  const [to_x, to_y] = [to.column * STEP_PX.x, to.row * STEP_PX.y + NODE_PX.height / 2];
  const bend = (STEP_PX.x - NODE_PX.width) / 2;
  const dip = to.column - from.column > 1 ? DIP_PX : 0;
  return `M${x} ${y}C${x + bend} ${y + dip} ${to_x - bend} ${to_y + dip} ${to_x} ${to_y}`;
}
