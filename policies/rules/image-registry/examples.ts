import { type Example, fails, image, passes } from '../../test/example.ts';
import { container, IMAGE, pod, running } from '../../test/objects.ts';

export const examples: readonly Example[] = [
  passes('an image of ours', image(IMAGE)),
  fails(image('docker.io/library/nats:2'), 'container core has the image docker.io/library/nats:2'),
  fails(image('ghcr.io/acme-evil/core:1'), 'container core has the image ghcr.io/acme-evil/core:1'),
  fails(image('evil.io/ghcr.io/acme/x:1'), 'container core has the image evil.io/ghcr.io/acme/x:1'),
  fails(
    pod({ initContainers: [container({ name: 'init', image: 'nats:2' })] }),
    'container init has the image nats:2',
  ),
  fails(
    pod({ ephemeralContainers: [{ name: 'debug', image: 'busybox' }] }),
    'container debug has the image busybox',
  ),
  fails(running(container({ image: undefined })), 'container core has the image '),
];
