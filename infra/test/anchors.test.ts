import { type Stack, services, stacks } from '@mcp/stacks';
import { Testing } from 'cdk8s';
import { expect, it } from 'vitest';
import { anchorMounts } from '../charts/workload/anchors.ts';
import type { RegionContext, Workload } from '../context.ts';
import { GIVEN, objectsOf, podsOf, record } from './stacks.ts';

type Anchors = Stack['transparency']['anchors'];

async function logWith(anchors: Anchors) {
  const { resources } = await record('local', { ...GIVEN }, (fresh) => {
    (fresh.local as Stack).transparency.anchors = anchors;
  });
  const objects = objectsOf(resources);
  const pod = podsOf(objects).find(({ owner }) => owner.metadata.name === 'transparency-log');
  const policy = objects.find(
    ({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === 'transparency-log',
  );
  return { pod: JSON.stringify(pod?.spec), egress: JSON.stringify(policy?.spec?.egress) };
}

it('the transparency log has the claims of its anchors mounted, and reaches the buckets', async () => {
  const { pod, egress } = await logWith([
    { kind: 'file', folder: '/mnt/anchors', claim: 'anchors-worm', every_s: 3600 },
    {
      kind: 'rekor',
      url: 'https://rekor.example',
      keys: ['key'],
      receipts: '/mnt/anchors',
      claim: 'anchors-worm',
      every_s: 60,
    },
    { kind: 's3', url: 's3://anchors/mcp', every_s: 60 },
  ]);
  expect(pod).toContain('{"name":"anchor-0","persistentVolumeClaim":{"claimName":"anchors-worm"}}');
  expect(pod).toContain('{"mountPath":"/mnt/anchors","name":"anchor-0"}');
  expect(pod).toContain('s3://anchors/mcp');
  // Both are in one folder: it is mounted once.
  expect(pod).not.toContain('anchor-1');
  expect(egress).toMatch(/"port":443.*0\.0\.0\.0\/0/);
});

it('a folder to anchor in without a claim is refused: a pod has none', () => {
  const stack = structuredClone(stacks.local as Stack);
  stack.transparency.anchors = [{ kind: 'file', folder: '/mnt/anchors', every_s: 3600 }];
  const inside = { inside: [services['transparency-log']] } as unknown as Workload;
  expect(() => anchorMounts(Testing.chart(), { stack } as RegionContext, inside)).toThrow(
    /anchors checkpoints in the folder \/mnt\/anchors, which a pod has not/,
  );
});
