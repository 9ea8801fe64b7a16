import { imagesOf, parseReference } from '../../images.ts';
import type { KubernetesObject } from '../../objects.ts';
import { type ObjectRule, PODS } from '../rule.ts';

function check(object: KubernetesObject): string[] {
  return imagesOf(object).flatMap(({ container, image }) => {
    const { tag, digest } = parseReference(image);
    if (tag === 'latest') return [`container ${container} has the tag latest in ${image}`];
    if (digest === undefined && (tag === undefined || tag === ''))
      return [`container ${container} has neither tag nor digest in ${image}`];
    return [];
  });
}

export const imageTag: ObjectRule = {
  scope: 'object',
  gatekeeper: 'admission',
  name: 'image-tag',
  summary: 'No image is named latest or without a tag.',
  message: 'a tag that moves runs what nobody previewed; name a fixed tag or a digest',
  kinds: PODS,
  params: [],
  check,
};
