import {
  clusterImagePolicy,
  constraints,
  constraintTemplates,
  type PolicySettings,
  syncSet,
} from '@mcp/policies';
import type { KubernetesSettings, Region, Stack } from '@mcp/stacks';
import type { Chart } from 'cdk8s';
import { addCustom, type CustomObject } from '../../kit/objects.ts';
import { linkServices } from '../dependency/place.ts';

/** A stack, and its regions that are in one cluster. */
export interface ClusterContext {
  readonly stack: Stack;
  readonly regions: readonly Region[];
}

/** What the rules are told by a stack: the pack, Gatekeeper and the tests ask the same. */
export function policySettings({ images, features }: KubernetesSettings): PolicySettings {
  const own = `${images.repository}/`;
  return {
    allowed_registries: [own, ...images.allowed_registries],
    by_digest: images.build,
    load_balancers: linkServices(),
    signed_registries: features.image_signatures ? [own] : [],
  };
}

/** What Gatekeeper holds for a stack in one cluster; nothing where the feature is off. */
export function constraintsOf({ stack, regions }: ClusterContext): CustomObject[] {
  if (!stack.kubernetes.features.gatekeeper) return [];
  return constraints({
    namespaces: regions.map(({ namespace }) => namespace).sort(),
    ...policySettings(stack.kubernetes),
    enforcement: 'deny',
    owner: stack.name,
  });
}

/** Admission policies of a cluster: Gatekeeper's templates and constraints, and who must have signed images. */
export function policiesChart(chart: Chart, context: ClusterContext): void {
  const { stack } = context;
  const { features, images } = stack.kubernetes;
  const put = (object: CustomObject) =>
    addCustom(chart, `${object.kind}-${object.metadata.name}`.toLowerCase(), object);
  const owner = stack.name;
  if (features.gatekeeper) {
    for (const template of constraintTemplates({ owner })) put(template);
    put(syncSet({ owner }));
    for (const constraint of constraintsOf(context)) put(constraint);
  }
  if (features.image_signatures && images.signer !== undefined)
    put(clusterImagePolicy({ owner, repository: images.repository, ...images.signer }));
}
