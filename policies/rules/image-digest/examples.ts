import { paramsOf } from '../../params.ts';
import { type Example, fails, image, passes } from '../../test/example.ts';
import { IMAGE } from '../../test/objects.ts';

const byTag = paramsOf({ allowed_registries: ['docker.io/library/'], by_digest: false });

export const examples: readonly Example[] = [
  passes('a digest', image(IMAGE)),
  passes('a tag, where the stack runs by tag', image('ghcr.io/acme/core:0.1.0'), { params: byTag }),
  fails(image('ghcr.io/acme/core:0.1.0'), 'container core has no sha256 digest in ghcr.io/acme/core:0.1.0'),
  fails(image('core@sha256:12'), 'container core has no sha256 digest in core@sha256:12'),
];
