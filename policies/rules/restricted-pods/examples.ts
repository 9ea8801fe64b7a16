import { type Example, fails, passes } from '../../test/example.ts';
import { cronJob, IMAGE, pod, running, secured } from '../../test/objects.ts';

export const examples: readonly Example[] = [
  passes('a restricted pod', pod()),
  passes('a low port', running(secured({ capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } }))),
  fails(running(secured({ privileged: true })), 'container core is privileged'),
  fails(running(secured({ runAsNonRoot: false })), 'container core lacks runAsNonRoot: true'),
  fails(running(secured({ runAsUser: 0 })), 'container core has runAsUser 0'),
  fails(
    running(secured({ allowPrivilegeEscalation: true })),
    'container core lacks allowPrivilegeEscalation: false',
  ),
  fails(
    running(secured({ capabilities: { drop: ['NET_RAW'] } })),
    'container core does not drop ALL capabilities',
  ),
  fails(
    running(secured({ capabilities: { drop: ['ALL'], add: ['SYS_ADMIN'] } })),
    'container core adds the capability SYS_ADMIN',
  ),
  fails(
    running(secured({ seccompProfile: { type: 'Unconfined' } })),
    'container core lacks the seccomp profile RuntimeDefault',
  ),
  fails(running(secured({ procMount: 'Unmasked' })), 'container core has a procMount that is not Default'),
  fails(cronJob({ hostNetwork: true }), 'the pod has hostNetwork'),
  fails(pod({ hostPID: true, hostIPC: true }), ['the pod has hostIPC', 'the pod has hostPID']),
  fails(pod({ securityContext: {} }), [
    'container core lacks runAsNonRoot: true',
    'container core lacks the seccomp profile RuntimeDefault',
  ]),
  fails(pod({ containers: [{ name: 'bare', image: IMAGE }], securityContext: { runAsUser: 0 } }), [
    'container bare does not drop ALL capabilities',
    'container bare lacks allowPrivilegeEscalation: false',
    'container bare lacks readOnlyRootFilesystem: true',
    'container bare lacks runAsNonRoot: true',
    'container bare lacks the seccomp profile RuntimeDefault',
    'the pod has runAsUser 0',
  ]),
];
