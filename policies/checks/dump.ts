import { z } from 'zod';
import { type KubernetesObject, namespaceOf, podOf, Selector, selects } from '../objects.ts';
import type { Params } from '../params.ts';
import { imagesOf } from './images.ts';

/** Objects of a kind in the namespace of another. */
function beside(
  object: KubernetesObject,
  all: readonly KubernetesObject[],
  kind: string,
): KubernetesObject[] {
  return all.filter((one) => one.kind === kind && namespaceOf(one) === namespaceOf(object));
}

const Policy = z.object({
  spec: z.object({
    podSelector: Selector.nullish(),
    policyTypes: z.array(z.string()).nullish(),
    egress: z.unknown().optional(),
  }),
});
const DIRECTIONS = ['Ingress', 'Egress'] as const;

/** Both directions count: a pod that only an ingress policy selects may send anywhere. */
export function networkPolicy(
  object: KubernetesObject,
  _params: Params,
  all: readonly KubernetesObject[],
): string[] {
  const pod = podOf(object);
  if (pod === undefined) return [];
  const covered = new Set(
    beside(object, all, 'NetworkPolicy').flatMap((one) => {
      const { spec } = Policy.parse(one);
      return selects(spec.podSelector ?? Selector.parse({}), pod.labels) ? typesOf(spec) : [];
    }),
  );
  return DIRECTIONS.filter((direction) => !covered.has(direction)).map(
    (direction) => `no NetworkPolicy for ${direction} selects the pod`,
  );
}

/** As the API defaults `policyTypes`: ingress always, egress where there are egress rules. */
function typesOf(spec: z.infer<typeof Policy>['spec']): readonly string[] {
  if (spec.policyTypes !== undefined && spec.policyTypes !== null) return spec.policyTypes;
  return spec.egress === undefined || spec.egress === null ? ['Ingress'] : DIRECTIONS;
}

const Replicas = z.object({ spec: z.object({ replicas: z.number().nullish() }) });
const Target = z.object({ kind: z.string().nullish(), name: z.string() });
const Autoscaler = z.object({
  spec: z.object({
    scaleTargetRef: Target,
    minReplicas: z.number().nullish(),
    minReplicaCount: z.number().nullish(),
  }),
});
const Budget = z.object({ spec: z.object({ selector: Selector.nullish() }) });

export function disruptionBudget(
  object: KubernetesObject,
  _params: Params,
  all: readonly KubernetesObject[],
): string[] {
  const pod = podOf(object);
  if (pod === undefined || (object.kind !== 'Deployment' && object.kind !== 'StatefulSet')) return [];
  const replicas = Math.max(Replicas.parse(object).spec.replicas ?? 1, scaledAtLeast(object, all));
  const held = beside(object, all, 'PodDisruptionBudget').some((one) => {
    const { selector } = Budget.parse(one).spec;
    return selector !== undefined && selector !== null && selects(selector, pod.labels);
  });
  return replicas > 1 && !held ? [`${replicas} replicas have no PodDisruptionBudget`] : [];
}

/** Replicas that an autoscaler always keeps; KEDA's ScaledObject and the HPA that it makes say the same. */
function scaledAtLeast(object: KubernetesObject, all: readonly KubernetesObject[]): number {
  const scalers = [
    ...beside(object, all, 'HorizontalPodAutoscaler'),
    ...beside(object, all, 'ScaledObject'),
  ].map((one) => Autoscaler.parse(one).spec);
  return Math.max(
    0,
    ...scalers
      .filter(
        ({ scaleTargetRef: { kind, name } }) =>
          (kind ?? 'Deployment') === object.kind && name === object.metadata.name,
      )
      .map(({ minReplicas, minReplicaCount }) => minReplicas ?? minReplicaCount ?? 0),
  );
}

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
export function signedImages(
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
