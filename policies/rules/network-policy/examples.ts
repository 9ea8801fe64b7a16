import { type Example, fails, passes, selector } from '../../test/example.ts';
import { cronJob, deployment, networkPolicyOf, pod } from '../../test/objects.ts';

const both = networkPolicyOf({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] });

export const examples: readonly Example[] = [
  passes('a policy for both', pod(), { all: [both] }),
  passes('one for each', deployment(), {
    all: [
      networkPolicyOf({ podSelector: { matchLabels: { 'mcp.platform/region': 'eu-central' } } }),
      networkPolicyOf({ podSelector: selector('In', ['core']), policyTypes: ['Egress'] }, { name: 'out' }),
    ],
  }),
  passes('egress rules without types', cronJob(), { all: [networkPolicyOf({ egress: [] })] }),
  fails(pod(), [
    'no NetworkPolicy for Egress selects the pod',
    'no NetworkPolicy for Ingress selects the pod',
  ]),
  fails(pod(), 'no NetworkPolicy for Egress selects the pod', {
    all: [networkPolicyOf({ podSelector: {} })],
  }),
  fails(
    pod(),
    ['no NetworkPolicy for Egress selects the pod', 'no NetworkPolicy for Ingress selects the pod'],
    {
      all: [networkPolicyOf({ egress: [] }, { namespace: 'other' })],
    },
  ),
  fails(
    cronJob(),
    ['no NetworkPolicy for Egress selects the pod', 'no NetworkPolicy for Ingress selects the pod'],
    {
      all: [networkPolicyOf({ podSelector: selector('NotIn', ['core']), egress: [] })],
    },
  ),
];
