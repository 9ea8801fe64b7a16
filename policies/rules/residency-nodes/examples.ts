import { type Example, fails, passes } from '../../test/example.ts';
import { cronJob, pod } from '../../test/objects.ts';

export const examples: readonly Example[] = [
  passes('EU on EU nodes', pod()),
  passes('any, anywhere', pod({ nodeSelector: {} }, { labels: { 'mcp.platform/residency': 'any' } })),
  fails(
    pod({ nodeSelector: { 'residency.mcp.platform/us': 'true' } }),
    'the pod of residency eu lacks the nodeSelector residency.mcp.platform/eu: "true"',
  ),
  fails(
    cronJob({ nodeSelector: undefined }),
    'the pod of residency eu lacks the nodeSelector residency.mcp.platform/eu: "true"',
  ),
];
