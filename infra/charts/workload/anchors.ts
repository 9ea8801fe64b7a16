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
  return stack.transparency.anchors.flatMap((anchor, at) => {
    if (anchor.kind !== 'file') return [];
    const { folder: path, claim: name } = anchor;
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
