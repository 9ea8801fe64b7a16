import { Lineage, type LineageNode, ProvDocument } from '@mcp/contracts';
import { Command } from 'commander';
import { EXIT } from '../errors.ts';
import { conversationId, GATEWAY_OPTIONS, type GatewayFlags, gatewayOf } from '../gateway.ts';
import { paint } from '../ui.ts';

/** `mcp lineage`: where each part of a conversation comes from. Exit code 1 when that is not in order. */
export function lineageCommand(): Command {
  return new Command('lineage')
    .description('show where each part of a conversation comes from, and check it (exit code 1: faults)')
    .argument('<conversation>', 'its id (a UUID)')
    .option('--prov', 'as W3C PROV-JSON', false)
    .option('--json', 'as JSON', false)
    .option(...GATEWAY_OPTIONS.data)
    .option(...GATEWAY_OPTIONS.url)
    .action(async (given: string, flags: GatewayFlags & { prov: boolean; json: boolean }) => {
      const path = `/v1/conversations/${conversationId(given)}/lineage`;
      const gateway = gatewayOf(flags);
      if (flags.prov) {
        const document = await gateway.get(`${path}?format=prov`, ProvDocument);
        process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
        return;
      }
      const lineage = await gateway.get(path, Lineage);
      process.stdout.write(flags.json ? `${JSON.stringify(lineage, null, 2)}\n` : `${textOf(lineage)}\n`);
      process.exitCode = lineage.integrity.ok ? EXIT.ok : EXIT.failed;
    });
}

function textOf({ nodes, edges, parents_known, integrity }: Lineage): string {
  const confidences = new Map(edges.map(({ from, to, confidence }) => [`${from} ${to}`, confidence]));
  const parentOf = (node: LineageNode) => (parent: string) => {
    const confidence = confidences.get(`${parent} ${node.id}`) ?? null;
    return confidence === null ? parent : `${parent} (${confidence.toFixed(2)})`;
  };
  const lines = nodes.map((node) => {
    const from = node.parent_ids.length === 0 ? '' : `  ← ${node.parent_ids.map(parentOf(node)).join(', ')}`;
    const entry = node.log_index === null ? '' : `, entry ${node.log_index}`;
    const what = [node.type, node.participant, node.action].filter((part) => part !== undefined).join(' ');
    return `${node.id}  ${what}  (record ${node.seq}, ${node.hash.slice(0, 12)}…${entry})${from}`;
  });
  const note = parents_known
    ? []
    : [paint('yellow', 'A log of version 1: its records do not name what they were made from.')];
  const verdict = integrity.ok
    ? [paint('green', `✓ ${nodes.length} nodes, ${edges.length} edges: each comes from what is before it.`)]
    : integrity.faults.map(({ seq, reason }) => paint('red', `✗ record ${seq}: ${reason}`));
  return [...lines, ...note, ...verdict].join('\n');
}
