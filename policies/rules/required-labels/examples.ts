import { type Example, fails, passes } from '../../test/example.ts';
import { deployment, LABELS, pod } from '../../test/objects.ts';

export const examples: readonly Example[] = [
  passes('all on object and pod', deployment()),
  passes('a pod', pod()),
  passes(
    'what a controller made, by its pods',
    deployment({}, { labels: {}, ownerReferences: [{ kind: 'Canary', name: 'core', controller: true }] }),
  ),
  fails(
    pod({}, { labels: { ...LABELS, 'mcp.platform/residency': '' } }),
    'the pod lacks the label mcp.platform/residency',
  ),
  fails(
    deployment({}, { labels: undefined }),
    Object.keys(LABELS).map((key) => `the object lacks the label ${key}`),
  ),
  fails(
    pod(
      {},
      { labels: undefined, ownerReferences: [{ kind: 'ReplicaSet', name: 'core-1', controller: true }] },
    ),
    Object.keys(LABELS).map((key) => `the pod lacks the label ${key}`),
  ),
];
