import { type Example, fails, image, passes } from '../../test/example.ts';
import { DIGEST, IMAGE } from '../../test/objects.ts';

export const examples: readonly Example[] = [
  passes('a digest without a tag', image(IMAGE)),
  passes('a registry with a port', image('localhost:5000/core:0.1.0')),
  passes('a tag that only begins with latest', image('docker.io/library/nats:latest-2')),
  fails(image('ghcr.io/acme/core:latest'), 'container core has the tag latest in ghcr.io/acme/core:latest'),
  fails(image('ghcr.io/acme/core'), 'container core has neither tag nor digest in ghcr.io/acme/core'),
  fails(image('localhost:5000/core'), 'container core has neither tag nor digest in localhost:5000/core'),
  fails(image(`core:latest@${DIGEST}`), `container core has the tag latest in core:latest@${DIGEST}`),
];
