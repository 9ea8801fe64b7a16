import type { Conversation, Lineage, LineageNode } from '@mcp/contracts';
import { useState } from 'preact/hooks';
import { useLoaded } from '../hooks.ts';
import { Step } from '../pages/replay-view.tsx';
import { VerdictNotice } from '../pages/verdict.tsx';
import { Fault, Loading, Notice } from '../ui/basics.tsx';
import { type Placed, Plane } from './plane.tsx';

interface LineageProps {
  readonly conversation: Conversation;
}

/** Where each part of a conversation comes from; a click shows the record of one, and its proof. */
export default function LineageView({ conversation }: LineageProps) {
  const { id } = conversation;
  const lineage = useLoaded(`lineage:${id}`, (platform, signal) => platform.lineage(id, signal));
  const [chosen, setChosen] = useState<string | null>(null);
  if (lineage.error !== null)
    return <Fault error={lineage.error} doing="Reading the lineage" onRetry={lineage.reload} />;
  if (lineage.data === null) return <Loading what="the lineage" />;
  const nodes = placed(lineage.data);
  const shown = nodes.find((node) => node.id === chosen);
  return (
    <>
      <Faults lineage={lineage.data} />
      <Plane label="Lineage" nodes={nodes} chosen={chosen} onChoose={setChosen} look={lookOf}>
        {shown === undefined ? null : <Proof node={shown} conversation={conversation} />}
      </Plane>
    </>
  );
}

type PlacedNode = LineageNode & Placed;

/** Each node in the column after the last of its parents, which come before it. */
function placed({ nodes }: Lineage): readonly PlacedNode[] {
  const columns = new Map<string, number>();
  const rows = new Map<number, number>();
  return nodes.map((node) => {
    const column = node.parent_ids.reduce(
      (most, parent) => Math.max(most, 1 + (columns.get(parent) ?? -1)),
      0,
    );
    const row = rows.get(column) ?? 0;
    columns.set(node.id, column);
    rows.set(column, row + 1);
    return { ...node, needs: node.parent_ids, column, row };
  });
}

function lookOf({ id, type, participant, action, transform_type, model }: PlacedNode) {
  const tone = { output: 'dag-finished dag-answer', safety_action: 'dag-failed' }[type as string] ?? '';
  return {
    tone,
    tip: [id, transform_type, model].filter((part) => part !== undefined).join(' · '),
    inside: (
      <>
        <strong>{type.replace('_', ' ')}</strong>
        <span>{participant ?? action ?? id}</span>
      </>
    ),
  };
}

function Faults({ lineage: { integrity, parents_known } }: { readonly lineage: Lineage }) {
  if (!integrity.ok)
    return (
      <Notice tone="bad" title="The lineage is not in order">
        <ul>
          {integrity.faults.map(({ seq, reason }) => (
            <li key={`${seq} ${reason}`}>{reason}</li>
          ))}
        </ul>
      </Notice>
    );
  return parents_known ? null : (
    <Notice>
      <p>This record is of version 1: it does not say what its steps were made from.</p>
    </Notice>
  );
}

function Proof({ node, conversation }: LineageProps & { readonly node: PlacedNode }) {
  const { id } = conversation;
  const verdict = useLoaded(`verdict:${id}`, (platform) => platform.verify(id));
  const record = conversation.messages.find(({ seq }) => seq === node.seq);
  return (
    <>
      <dl class="proof" aria-label={`Proof of ${node.id}`}>
        <dt>Record</dt>
        <dd>{node.seq}</dd>
        <dt>SHA-256</dt>
        <dd>
          <code class="break">{node.hash}</code>
        </dd>
        <dt>Transparency log</dt>
        <dd>{node.log_index === null ? 'not in it yet' : `entry ${node.log_index}`}</dd>
      </dl>
      {verdict.error === null ? null : <Fault error={verdict.error} doing="Verifying" />}
      {verdict.data === null ? null : <VerdictNotice verdict={verdict.data} of="This conversation" />}
      {record === undefined ? null : (
        <ol class="steps" aria-label={`Record of ${node.id}`}>
          <Step
            record={record}
            participants={conversation.participants}
            chars={record.content.length}
            whole
          />
        </ol>
      )}
    </>
  );
}
