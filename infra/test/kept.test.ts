import { describe, expect, it } from 'vitest';
import { notKept } from './kept.ts';
import { objectsOf, record, STACKS } from './stacks.ts';

it.each(STACKS)(
  'every field of %s is written as the API server keeps it',
  async (stack) => {
    const faults = objectsOf((await record(stack)).resources).flatMap((object) =>
      notKept(object).map((fault) => `${object.metadata.name}: ${fault}`),
    );
    expect(faults).toEqual([]);
  },
  60_000,
);

describe('the check', () => {
  it.each<[string, object, string]>([
    ['a list of nothing', { kind: 'Role', rules: [] }, 'Role.rules is empty'],
    ['an object of nothing', { kind: 'Pod', spec: { nodeSelector: {} } }, 'Pod.spec.nodeSelector is empty'],
    ['nothing at all', { kind: 'Pod', spec: { volumes: [null] } }, 'Pod.spec.volumes[0] is null'],
    [
      'no pods where all would be meant elsewhere',
      { kind: 'Service', spec: { podSelector: {} } },
      'Service.spec.podSelector is empty',
    ],
    [
      'CPU in thousandths',
      { kind: 'Pod', c: { limits: { cpu: '1000m' } } },
      'Pod.c.limits.cpu is 1000m, which is kept as 1',
    ],
    [
      'half a core',
      { kind: 'Pod', c: { requests: { cpu: 0.5 } } },
      'Pod.c.requests.cpu is 0.5, which is kept as 500m',
    ],
    [
      'memory in small units',
      { kind: 'Pod', spec: { volumes: [{ emptyDir: { sizeLimit: '1024Mi' } }] } },
      'Pod.spec.volumes[0].emptyDir.sizeLimit is 1024Mi, which is kept as 1Gi',
    ],
    [
      'storage in parts',
      { kind: 'Claim', resources: { requests: { storage: '1.5Gi' } } },
      'Claim.resources.requests.storage is 1.5Gi, which is kept as 1536Mi',
    ],
  ])('finds %s', (_, object, fault) => {
    expect(notKept(object as { kind: string })).toEqual([fault]);
  });

  it('lets be what is kept', () => {
    const kept = {
      kind: 'NetworkPolicy',
      spec: { podSelector: {}, volumes: [{ emptyDir: {} }], limits: { cpu: '1500m', memory: '410Mi' } },
    };
    expect(notKept(kept)).toEqual([]);
  });
});
