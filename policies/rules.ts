import { disruptionBudget, networkPolicy, signedImages } from './checks/dump.ts';
import { imageDigest, imageRegistry, imageTag } from './checks/images.ts';
import { requiredLabels, serviceTypes } from './checks/metadata.ts';
import { noHostPath, residencyNodes, resourcesSet, restrictedPods } from './checks/pods.ts';
import { noSecretsInEnv } from './checks/secrets.ts';
import { KubernetesObject } from './objects.ts';
import { type Params, PolicyParams, type PolicySettings } from './params.ts';

/** Kinds of one API group, as Gatekeeper matches them. */
interface Kinds {
  readonly group: '' | 'apps' | 'batch';
  readonly kinds: readonly string[];
}

/** Everything that is or makes a pod. */
const PODS: readonly Kinds[] = [
  { group: '', kinds: ['Pod'] },
  { group: 'apps', kinds: ['Deployment', 'StatefulSet', 'DaemonSet'] },
  { group: 'batch', kinds: ['Job', 'CronJob'] },
];

interface Description {
  /** Stable name, in kebab case: of the Rego file, the Pulumi policy and the constraint. */
  readonly name: string;
  readonly summary: string;
  /** What holds and the way out; ends every refusal. */
  readonly message: string;
  readonly kinds: readonly Kinds[];
  /** Settings that the rule is given. */
  readonly params: readonly (keyof Params)[];
}

/** Judged from one object alone, so that admission can refuse it. */
export interface ObjectRule extends Description {
  readonly scope: 'object';
  readonly gatekeeper: 'admission';
  readonly check: (object: KubernetesObject, params: Params) => string[];
}

/**
 * Judged beside all other objects. Admission sees one object before its neighbours (a Deployment comes before its
 * budget), so Gatekeeper reports these from its audit alone; `none`: not at all, for another controller enforces it.
 */
export interface DumpRule extends Description {
  readonly scope: 'dump';
  readonly gatekeeper: 'audit' | 'none';
  readonly check: (object: KubernetesObject, params: Params, all: readonly KubernetesObject[]) => string[];
}
export type Rule = ObjectRule | DumpRule;

const OBJECT = { scope: 'object', gatekeeper: 'admission' } as const;

/** Every rule of the platform, once: Gatekeeper's templates, the Pulumi pack and the tests derive from it. */
export const RULES: readonly Rule[] = [
  {
    ...OBJECT,
    name: 'image-registry',
    summary: 'Images come from allowed registries.',
    message:
      'images come from the registries of the stack, with their full name; mirror it or add its prefix to images.allowed_registries',
    kinds: PODS,
    params: ['allowed_registries'],
    check: imageRegistry,
  },
  {
    ...OBJECT,
    name: 'image-tag',
    summary: 'No image is named latest or without a tag.',
    message: 'a tag that moves runs what nobody previewed; name a fixed tag or a digest',
    kinds: PODS,
    params: [],
    check: imageTag,
  },
  {
    ...OBJECT,
    name: 'image-digest',
    summary: 'Images are named by digest, where the stack builds them.',
    message: 'this stack runs images by digest; name it as repository@sha256:<64 hex digits>',
    kinds: PODS,
    params: ['by_digest'],
    check: imageDigest,
  },
  {
    ...OBJECT,
    name: 'restricted-pods',
    summary: 'Pods meet Pod Security `restricted` and have a read-only root.',
    message: 'pods run restricted; take the security context of the platform (infra/charts/workload/pod.ts)',
    kinds: PODS,
    params: [],
    check: restrictedPods,
  },
  {
    ...OBJECT,
    name: 'resources-set',
    summary: 'Every container has requests and limits for CPU and memory.',
    message: 'a container without requests and limits can starve its node; set both for cpu and memory',
    kinds: PODS,
    params: [],
    check: resourcesSet,
  },
  {
    ...OBJECT,
    name: 'required-labels',
    summary: 'Workloads and pods carry the labels that name them, their region and their residency.',
    message:
      'policies, routing and cost reports select by label; set it on the object and on its pod template',
    kinds: PODS,
    params: ['required_labels'],
    check: requiredLabels,
  },
  {
    ...OBJECT,
    name: 'service-types',
    summary: 'No Service is a NodePort, a LoadBalancer other than the edge, or has external IPs.',
    message: 'traffic enters through the Gateway alone; use a ClusterIP Service and an HTTPRoute',
    kinds: [{ group: '', kinds: ['Service'] }],
    params: ['load_balancers'],
    check: serviceTypes,
  },
  {
    ...OBJECT,
    name: 'no-host-path',
    summary: 'No pod mounts a path or takes a port of its node.',
    message: 'pods keep off their node; use a volume claim or an emptyDir, and a Service for the port',
    kinds: PODS,
    params: [],
    check: noHostPath,
  },
  {
    ...OBJECT,
    name: 'residency-nodes',
    summary: 'Pods of a residency run on nodes of that residency alone.',
    message: 'data of a residency stays on nodes that are marked for it; set the nodeSelector',
    kinds: PODS,
    params: [],
    check: residencyNodes,
  },
  {
    ...OBJECT,
    name: 'no-secrets-in-env',
    summary: 'No environment value, command line or ConfigMap holds a secret.',
    message: 'secrets come from a Secret; use valueFrom.secretKeyRef, or $(NAME) of a variable that does',
    kinds: [...PODS, { group: '', kinds: ['ConfigMap'] }],
    params: ['secret_names', 'not_secret_names', 'secret_values'],
    check: noSecretsInEnv,
  },
  {
    scope: 'dump',
    gatekeeper: 'audit',
    name: 'network-policy',
    summary: 'Every pod is selected by a NetworkPolicy for each direction.',
    message: 'a pod that no policy selects talks to everyone; declare its calls in its manifest.ts',
    kinds: PODS,
    params: [],
    check: networkPolicy,
  },
  {
    scope: 'dump',
    gatekeeper: 'audit',
    name: 'disruption-budget',
    summary: 'Workloads of more than one replica have a PodDisruptionBudget.',
    message: 'a node drain may take all replicas at once; add a PodDisruptionBudget that selects the pods',
    kinds: [{ group: 'apps', kinds: ['Deployment', 'StatefulSet'] }],
    params: [],
    check: disruptionBudget,
  },
  {
    scope: 'dump',
    gatekeeper: 'none',
    name: 'signed-images',
    summary: 'A ClusterImagePolicy with a named signer covers every image of ours.',
    message: 'an unsigned image is not ours; make clusterImagePolicy() for its repository',
    kinds: PODS,
    params: ['signed_registries'],
    check: signedImages,
  },
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
