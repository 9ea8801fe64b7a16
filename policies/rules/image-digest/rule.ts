import { imagesOf, parseReference } from '../../images.ts';
import type { KubernetesObject } from '../../objects.ts';
import type { Params } from '../../params.ts';
import { type ObjectRule, PODS } from '../rule.ts';

const DIGEST = /^sha256:[0-9a-f]{64}$/;

function check(object: KubernetesObject, { by_digest }: Params): string[] {
  if (!by_digest) return [];
  return imagesOf(object)
    .filter(({ image }) => !DIGEST.test(parseReference(image).digest ?? ''))
    .map(({ container, image }) => `container ${container} has no sha256 digest in ${image}`);
}

export const imageDigest: ObjectRule = {
  scope: 'object',
  gatekeeper: 'admission',
  name: 'image-digest',
  summary: 'Images are named by digest, where the stack builds them.',
  message: 'this stack runs images by digest; name it as repository@sha256:<64 hex digits>',
  kinds: PODS,
  params: ['by_digest'],
  check,
};
