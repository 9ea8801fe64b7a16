import { type Example, fails, passes } from '../../test/example.ts';
import { container, cronJob, IMAGE, pod, running } from '../../test/objects.ts';

export const examples: readonly Example[] = [
  passes('both set', pod()),
  passes(
    'a debug container, which can have none',
    pod({ ephemeralContainers: [{ name: 'debug', image: IMAGE }] }),
  ),
  fails(running(container({ resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '1' } } })), [
    'container core has no limits.memory',
  ]),
  fails(cronJob({ containers: [container({ resources: undefined })] }), [
    'container core has no limits.cpu',
    'container core has no limits.memory',
    'container core has no requests.cpu',
    'container core has no requests.memory',
  ]),
];
