import { KubernetesObject } from './objects.ts';
import { type Params, PolicyParams, type PolicySettings } from './params.ts';
import { disruptionBudget } from './rules/disruption-budget/rule.ts';
import { imageDigest } from './rules/image-digest/rule.ts';
import { imageRegistry } from './rules/image-registry/rule.ts';
import { imageTag } from './rules/image-tag/rule.ts';
import { networkPolicy } from './rules/network-policy/rule.ts';
import { noHostPath } from './rules/no-host-path/rule.ts';
import { noSecretsInEnv } from './rules/no-secrets-in-env/rule.ts';
import { requiredLabels } from './rules/required-labels/rule.ts';
import { residencyNodes } from './rules/residency-nodes/rule.ts';
import { resourcesSet } from './rules/resources-set/rule.ts';
import { restrictedPods } from './rules/restricted-pods/rule.ts';
import type { Rule } from './rules/rule.ts';
import { serviceTypes } from './rules/service-types/rule.ts';
import { signedImages } from './rules/signed-images/rule.ts';

/** Every rule of the platform, once: Gatekeeper's templates, the Pulumi pack and the tests derive from it. A new one: a folder and its line. */
export const RULES: readonly Rule[] = [
  imageRegistry,
  imageTag,
  imageDigest,
  restrictedPods,
  resourcesSet,
  requiredLabels,
  serviceTypes,
  noHostPath,
  residencyNodes,
  noSecretsInEnv,
  networkPolicy,
  disruptionBudget,
  signedImages,
];

/** Whether a rule looks at an object, by API group and kind. */
export function appliesTo(
  rule: Rule,
  { apiVersion, kind }: Pick<KubernetesObject, 'apiVersion' | 'kind'>,
): boolean {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  return rule.kinds.some((one) => one.group === group && one.kinds.includes(kind));
}

/**
 * What a rule holds against one object; empty where it does not apply or all is well.
 * Throws a ZodError on an object that is not of the shape of its kind.
 */
export function violations(
  rule: Rule,
  input: unknown,
  { params, all = [] }: { readonly params: Params; readonly all?: readonly unknown[] },
): string[] {
  const object = KubernetesObject.parse(input);
  if (!appliesTo(rule, object)) return [];
  const details =
    rule.scope === 'object'
      ? rule.check(object, params)
      : rule.check(
          object,
          params,
          all.map((one) => KubernetesObject.parse(one)),
        );
  return [...new Set(details)].map((detail) => `${detail}: ${rule.message}`);
}

/** A refusal, with whom it is about. */
export interface Violation {
  readonly rule: string;
  /** `Deployment mcp/core` */
  readonly object: string;
  readonly message: string;
}

/** What all rules hold against a whole dump, in order of rules, then of objects. */
export function violationsOf(objects: readonly unknown[], params: Params): Violation[] {
  const all = objects.map((one) => KubernetesObject.parse(one));
  return RULES.flatMap((rule) =>
    all
      .filter((object) => appliesTo(rule, object))
      .flatMap((object) => {
        const details =
          rule.scope === 'object' ? rule.check(object, params) : rule.check(object, params, all);
        const { namespace, name } = object.metadata;
        const subject = `${object.kind} ${namespace ?? ''}/${name ?? ''}`;
        return [...new Set(details)].map((detail) => ({
          rule: rule.name,
          object: subject,
          message: `${detail}: ${rule.message}`,
        }));
      }),
  );
}

/** Settings of a stack as the Pulumi pack reads them: one entry per rule that has any (`--policy-pack-config`). */
export function packConfig(settings: PolicySettings): Record<string, Record<string, unknown>> {
  const given = PolicyParams.parse(settings);
  const names = PolicyParams.keyof().options;
  return Object.fromEntries(
    RULES.flatMap((rule) => {
      const own = names
        .filter((name) => rule.params.includes(name))
        .map((name) => [name, given[name]] as const);
      return own.length === 0 ? [] : [[rule.name, Object.fromEntries(own)] as const];
    }),
  );
}
