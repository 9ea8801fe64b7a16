import { type Example, fails, passes } from '../../test/example.ts';
import { container, cronJob, pod, running } from '../../test/objects.ts';

export const examples: readonly Example[] = [
  passes('an emptyDir', pod({ volumes: [{ name: 'tmp', emptyDir: {} }] })),
  fails(cronJob({ volumes: [{ name: 'root', hostPath: { path: '/' } }] }), 'volume root is a hostPath'),
  fails(
    running(container({ ports: [{ containerPort: 80, hostPort: 80 }] })),
    'container core has a hostPort',
  ),
];
