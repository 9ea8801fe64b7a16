import type { Chart } from 'cdk8s';
import { PersistentVolumeClaim, Volume } from 'cdk8s-plus-28';
import type { RegionContext, Workload } from '../../context.ts';

/** Folders that checkpoints of the transparency log are anchored in: claims of the operator's, for they outlive the platform. */
export function anchorMounts(
  chart: Chart,
  { stack }: RegionContext,
  { inside }: Workload,
): { readonly path: string; readonly volume: Volume }[] {
  if (!inside.some(({ name }) => name === 'transparency-log')) return [];
  const mounted = new Set<string>();
  return stack.transparency.anchors.flatMap((anchor, at) => {
    const path = folderIn(anchor);
    if (path === undefined || anchor.kind === 's3' || mounted.has(path)) return [];
    mounted.add(path);
    const { claim: name } = anchor;
    if (name === undefined)
      throw new Error(
        `The stack ${stack.name} anchors checkpoints in the folder ${path}, which a pod has not: name the PersistentVolumeClaim that is to be mounted there (transparency.anchors, claim).`,
      );
    const claim = PersistentVolumeClaim.fromClaimName(chart, `claim-anchor-${at}`, name);
    const volume = Volume.fromPersistentVolumeClaim(chart, `volume-anchor-${at}`, claim, {
      name: `anchor-${at}`,
    });
    return [{ path, volume }];
  });
}

function folderIn(anchor: RegionContext['stack']['transparency']['anchors'][number]): string | undefined {
  switch (anchor.kind) {
    case 'file':
      return anchor.folder;
    case 'rekor':
      return anchor.receipts.startsWith('s3://') ? undefined : anchor.receipts;
    case 's3':
      return undefined;
    default:
      return anchor satisfies never;
  }
}
