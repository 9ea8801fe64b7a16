import { z } from 'zod';
import { type KubernetesObject, readContainers } from '../objects.ts';
import type { Params } from '../params.ts';

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** An image reference in its parts: `registry/path:tag@digest` (OCI distribution spec). */
interface Reference {
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

function parse(image: string): Reference {
  const [name = '', digest] = image.split('@');
  const last = name.slice(name.lastIndexOf('/') + 1);
  const colon = last.indexOf(':');
  return { tag: colon === -1 ? undefined : last.slice(colon + 1), digest };
}

interface Image {
  readonly container: string;
  readonly image: string;
}

const WithImage = z.object({ name: z.string(), image: z.string().nullish() });

/** Every image of an object's pods. */
export function imagesOf(object: KubernetesObject): Image[] {
  return readContainers(object, WithImage).map(({ name, image }) => ({
    container: name,
    image: image ?? '',
  }));
}

export function imageRegistry(object: KubernetesObject, { allowed_registries }: Params): string[] {
  return imagesOf(object)
    .filter(({ image }) => !allowed_registries.some((prefix) => image.startsWith(prefix)))
    .map(({ container, image }) => `container ${container} has the image ${image}`);
}

export function imageTag(object: KubernetesObject): string[] {
  return imagesOf(object).flatMap(({ container, image }) => {
    const { tag, digest } = parse(image);
    if (tag === 'latest') return [`container ${container} has the tag latest in ${image}`];
    if (digest === undefined && (tag === undefined || tag === ''))
      return [`container ${container} has neither tag nor digest in ${image}`];
    return [];
  });
}

export function imageDigest(object: KubernetesObject, { by_digest }: Params): string[] {
  if (!by_digest) return [];
  return imagesOf(object)
    .filter(({ image }) => !DIGEST.test(parse(image).digest ?? ''))
    .map(({ container, image }) => `container ${container} has no sha256 digest in ${image}`);
}
