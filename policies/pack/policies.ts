import type {
  Policies,
  PolicyConfigSchema,
  ResourceValidationPolicy,
  StackValidationPolicy,
} from '@pulumi/policy';
import { z } from 'zod';
import { type Params, PolicyParams, paramsOf } from '../params.ts';
import { type DumpRule, type ObjectRule, RULES, violations } from '../rules.ts';

/** Properties of a Pulumi resource that is a Kubernetes object: what its type says stands before what it repeats. */
const Props = z.looseObject({ metadata: z.looseObject({}).default({}) });

/**
 * The object of a resource of `@pulumi/kubernetes`: type `kubernetes:apps/v1:Deployment`, custom resources with their
 * own group. Undefined for components, providers and resources of other packages.
 */
export function objectOf(type: string, props: unknown): unknown {
  const [, group_version, kind] = /^kubernetes:([^:]+\/v[^:]+):(\w+)$/.exec(type) ?? [];
  if (group_version === undefined || kind === undefined) return undefined;
  const apiVersion = group_version.replace(/^core\//, '');
  return { apiVersion, kind, ...Props.parse(props) };
}

const PROPERTIES: Readonly<Record<string, PolicyConfigSchema['properties'][string]>> = {
  allowed_registries: { type: 'array', items: { type: 'string' } },
  by_digest: { type: 'boolean', default: true },
  load_balancers: { type: 'array', items: { type: 'string' } },
  signed_registries: { type: 'array', items: { type: 'string' } },
};
const Settings = PolicyParams.extend({
  allowed_registries: PolicyParams.shape.allowed_registries.default([]),
});

/** Settings of a policy come from `--policy-pack-config`; what a rule does not read has no say. */
function settingsOf(config: unknown): Params {
  return paramsOf(Settings.parse(config));
}

function schemaOf(names: readonly string[]): { configSchema?: PolicyConfigSchema } {
  const properties = Object.fromEntries(
    names.flatMap((name) => (PROPERTIES[name] === undefined ? [] : [[name, PROPERTIES[name]]])),
  );
  return Object.keys(properties).length === 0 ? {} : { configSchema: { properties } };
}

function resourcePolicy(rule: ObjectRule): ResourceValidationPolicy {
  return {
    name: rule.name,
    description: rule.summary,
    enforcementLevel: 'mandatory',
    ...schemaOf(rule.params),
    validateResource: ({ type, props, getConfig }, report) => {
      const object = objectOf(type, props);
      if (object === undefined) return;
      for (const text of violations(rule, object, { params: settingsOf(getConfig()) })) report(text);
    },
  };
}

function stackPolicy(rule: DumpRule): StackValidationPolicy {
  return {
    name: rule.name,
    description: rule.summary,
    enforcementLevel: 'mandatory',
    ...schemaOf(rule.params),
    validateStack: ({ resources, getConfig }, report) => {
      const params = settingsOf(getConfig());
      const objects = resources.flatMap(({ type, props, urn }) => {
        const object = objectOf(type, props);
        return object === undefined ? [] : [{ urn, object }];
      });
      const all = objects.map(({ object }) => object);
      for (const { urn, object } of objects)
        for (const text of violations(rule, object, { params, all })) report(text, urn);
    },
  };
}

/** One Pulumi policy per rule: over one resource, or over the whole stack. */
export function policies(): Policies {
  return RULES.map((rule) => (rule.scope === 'object' ? resourcePolicy(rule) : stackPolicy(rule)));
}
