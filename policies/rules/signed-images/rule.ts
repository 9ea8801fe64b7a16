import { z } from 'zod';
import { imagesOf } from '../../images.ts';
import type { KubernetesObject } from '../../objects.ts';
import type { Params } from '../../params.ts';
import { type DumpRule, PODS } from '../rule.ts';

const ImagePolicy = z.object({
  spec: z.object({
    mode: z.string().nullish(),
    images: z.array(z.object({ glob: z.string() })),
    authorities: z.array(
      z.object({ keyless: z.object({ identities: z.array(z.unknown()).min(1) }).optional() }),
    ),
  }),
});

/** A policy that only warns, or that accepts an unnamed signer, counts for nothing. */
function check(
  object: KubernetesObject,
  { signed_registries }: Params,
  all: readonly KubernetesObject[],
): string[] {
  const globs = all
    .filter(({ kind }) => kind === 'ClusterImagePolicy')
    .map((one) => ImagePolicy.parse(one).spec)
    .filter(
      ({ mode, authorities }) => mode !== 'warn' && authorities.some(({ keyless }) => keyless !== undefined),
    )
    .flatMap(({ images }) => images.map(({ glob }) => glob));
  return imagesOf(object)
    .filter(({ image }) => signed_registries.some((prefix) => image.startsWith(prefix)))
    .filter(({ image }) => !globs.some((glob) => globMatches(glob, repositoryOf(image))))
    .map(
      ({ container, image }) =>
        `container ${container} has the image ${image}, which no ClusterImagePolicy covers`,
    );
}

function repositoryOf(image: string): string {
  const [name = ''] = image.split('@');
  const colon = name.indexOf(':', name.lastIndexOf('/') + 1);
  return colon === -1 ? name : name.slice(0, colon);
}

/** policy-controller's globs: `*` stays within a path segment, `**` does not. */
function globMatches(glob: string, repository: string): boolean {
  const pattern = glob
    .replace(/[.+^${}()|[\]\\?]/g, '\\$&')
    .replace(/\*\*|\*/g, (stars) => (stars === '**' ? '.*' : '[^/]*'));
  return new RegExp(`^${pattern}$`).test(repository);
}

export const signedImages: DumpRule = {
  scope: 'dump',
  gatekeeper: 'none',
  name: 'signed-images',
  summary: 'A ClusterImagePolicy with a named signer covers every image of ours.',
  message: 'an unsigned image is not ours; make clusterImagePolicy() for its repository',
  kinds: PODS,
  params: ['signed_registries'],
  check,
};
