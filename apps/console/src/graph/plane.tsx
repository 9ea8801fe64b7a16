/** A directed graph as it is drawn: nodes as buttons in columns, each after those that it comes from. */
import type { ComponentChildren } from 'preact';
import './graph.css';

const NODE_PX = { width: 140, height: 58 };
const STEP_PX = { x: 172, y: 84 };
/** How far a way goes down that leads past a node. */
const DIP_PX = 56;

/** Where a node stands. */
export interface Placed {
  readonly id: string;
  /** Nodes that lead to it. */
  readonly needs: readonly string[];
  readonly column: number;
  readonly row: number;
}

interface PlaneProps<N extends Placed> {
  readonly label: string;
  readonly nodes: readonly N[];
  readonly chosen: string | null;
  readonly onChoose: (id: string | null) => void;
  /** What a node looks like: its class beside `dag-node`, its tip, and what is in it. */
  readonly look: (node: N) => {
    readonly tone: string;
    readonly tip: string;
    readonly inside: ComponentChildren;
  };
  /** What is shown below, of the chosen node. */
  readonly children?: ComponentChildren;
}

export function Plane<N extends Placed>({ label, nodes, chosen, onChoose, look, children }: PlaneProps<N>) {
  const last = (of: 'column' | 'row') => Math.max(0, ...nodes.map((node) => node[of]));
  const width = last('column') * STEP_PX.x + NODE_PX.width;
  const height = last('row') * STEP_PX.y + NODE_PX.height + DIP_PX / 4;
  const places = new Map(nodes.map((node) => [node.id, node]));
  return (
    <section class="dag" aria-label={label}>
      <div class="dag-scroll">
        <div class="dag-plane" style={{ width: `${width}px`, height: `${height}px` }}>
          <svg aria-hidden="true" width={width} height={height}>
            {nodes.flatMap((node) =>
              node.needs.flatMap((id) => {
                const need = places.get(id);
                return need === undefined
                  ? []
                  : [<path key={`${id} ${node.id}`} class="dag-edge" d={edge(need, node)} />];
              }),
            )}
          </svg>
          {nodes.map((node) => {
            const { tone, tip, inside } = look(node);
            return (
              <button
                key={node.id}
                type="button"
                class={`dag-node ${tone}`}
                style={{
                  left: `${node.column * STEP_PX.x}px`,
                  top: `${node.row * STEP_PX.y}px`,
                  width: `${NODE_PX.width}px`,
                  height: `${NODE_PX.height}px`,
                }}
                title={tip}
                aria-pressed={node.id === chosen}
                onClick={() => onChoose(node.id === chosen ? null : node.id)}
              >
                {inside}
              </button>
            );
          })}
        </div>
      </div>
      {children}
    </section>
  );
}

/** From the right side of one to the left side of the other, below those in between. */
function edge(from: Placed, to: Placed): string {
  const x = from.column * STEP_PX.x + NODE_PX.width;
  const y = from.row * STEP_PX.y + NODE_PX.height / 2;
  const [to_x, to_y] = [to.column * STEP_PX.x, to.row * STEP_PX.y + NODE_PX.height / 2];
  const bend = (STEP_PX.x - NODE_PX.width) / 2;
  const dip = to.column - from.column > 1 ? DIP_PX : 0;
  return `M${x} ${y}C${x + bend} ${y + dip} ${to_x - bend} ${to_y + dip} ${to_x} ${to_y}`;
}
