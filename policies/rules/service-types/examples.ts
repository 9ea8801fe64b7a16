import { type Example, fails, passes } from '../../test/example.ts';
import { service } from '../../test/objects.ts';

export const examples: readonly Example[] = [
  passes('a ClusterIP', service({ type: 'ClusterIP' })),
  passes('no type', service()),
  passes('the edge', service({ type: 'LoadBalancer' }, 'edge')),
  fails(service({ type: 'NodePort' }), 'Service core is a NodePort'),
  fails(service({ type: 'LoadBalancer' }), 'Service core is a LoadBalancer'),
  fails(service({ externalIPs: ['203.0.113.7'] }), 'Service core has externalIPs'),
];
