/** Image references of an object's pods. */
import { z } from 'zod';
import { type KubernetesObject, readContainers } from './objects.ts';

/** An image reference in its parts: `registry/path:tag@digest` (OCI distribution spec). */
interface Reference {
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

/** The tag and the digest of a reference. */
export function parseReference(image: string): Reference {
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
