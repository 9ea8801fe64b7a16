import { imagesOf } from '../../images.ts';
import type { KubernetesObject } from '../../objects.ts';
import type { Params } from '../../params.ts';
import { type ObjectRule, PODS } from '../rule.ts';

function check(object: KubernetesObject, { allowed_registries }: Params): string[] {
  return imagesOf(object)
    .filter(({ image }) => !allowed_registries.some((prefix) => image.startsWith(prefix)))
    .map(({ container, image }) => `container ${container} has the image ${image}`);
}

export const imageRegistry: ObjectRule = {
  scope: 'object',
  gatekeeper: 'admission',
  name: 'image-registry',
  summary: 'Images come from allowed registries.',
  message:
    'images come from the registries of the stack, with their full name; mirror it or add its prefix to images.allowed_registries',
  kinds: PODS,
  params: ['allowed_registries'],
  check,
};
