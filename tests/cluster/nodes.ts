import { NODE_RESIDENCY_LABEL } from '../../infra/context.ts';
import { get, kubectl } from './support.ts';

const RESIDENCIES = ['eu', 'us'].map((one) => `${NODE_RESIDENCY_LABEL}/${one}`);

/** Marks nodes for the regions' residencies. Gives what takes its marks away: one of somebody else stays. */
export async function markNodes(): Promise<() => Promise<void>> {
  const { items } = await get<{ items: { metadata: { name: string; labels: Record<string, string> } }[] }>([
    'nodes',
  ]);
  const missing = items.flatMap(({ metadata }) =>
    RESIDENCIES.filter((label) => metadata.labels[label] === undefined).map((label): [string, string] => [
      metadata.name,
      label,
    ]),
  );
  for (const [node, label] of missing) await kubectl(['label', 'node', node, `${label}=true`]);
  return async () => {
    for (const [node, label] of missing) await kubectl(['label', 'node', node, `${label}-`]);
  };
}
