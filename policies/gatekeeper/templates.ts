import { type PolicySettings, paramsOf } from '../params.ts';
import type { Rule } from '../rules/rule.ts';
import { GATEKEEPER_RULES, libraryOf, regoOf } from './source.ts';

const TARGET = 'admission.k8s.gatekeeper.sh';

/** A cluster-scoped object of Gatekeeper, in the shape of the Kubernetes API. */
export interface GatekeeperObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations: Readonly<Record<string, string>> };
  readonly spec: Readonly<Record<string, unknown>>;
}

/**
 * Whose policies they are: a stack's name. All that Gatekeeper is given carries it, so that stacks of one cluster neither
 * meet nor take each other's away: a template that goes takes every constraint of its kind with it.
 */
export interface Owned {
  readonly owner: string;
}

/** Kind of a rule's constraint: `McpProdImageTag`. */
function constraintKind(rule: Rule, { owner }: Owned): string {
  const words = `${owner}-${rule.name}`.split('-');
  return `Mcp${words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')}`;
}

/** What the audit-only rules read beside the object: group, version, kind. */
const NEIGHBOURS = [
  { group: 'networking.k8s.io', version: 'v1', kind: 'NetworkPolicy' },
  { group: 'policy', version: 'v1', kind: 'PodDisruptionBudget' },
  { group: 'autoscaling', version: 'v2', kind: 'HorizontalPodAutoscaler' },
] as const;

/**
 * Tells Gatekeeper to keep the objects that the audit-only rules read (Gatekeeper, "Replicating data"). It goes
 * before the constraints: until it is there, audit holds that nothing has a NetworkPolicy.
 */
export function syncSet({ owner }: Owned): GatekeeperObject {
  return {
    apiVersion: 'syncset.gatekeeper.sh/v1alpha1',
    kind: 'SyncSet',
    metadata: { name: `mcp-${owner}`, annotations: {} },
    spec: { gvks: NEIGHBOURS },
  };
}

/** One ConstraintTemplate (templates.gatekeeper.sh/v1, Rego v1) per rule that Gatekeeper can hold. */
export function constraintTemplates(owned: Owned): GatekeeperObject[] {
  return GATEKEEPER_RULES.map((rule) => ({
    apiVersion: 'templates.gatekeeper.sh/v1',
    kind: 'ConstraintTemplate',
    metadata: {
      name: constraintKind(rule, owned).toLowerCase(),
      annotations: {
        description: rule.summary,
        ...(rule.gatekeeper === 'audit' ? { 'metadata.gatekeeper.sh/requires-sync-data': required() } : {}),
      },
    },
    spec: {
      crd: {
        spec: {
          names: { kind: constraintKind(rule, owned) },
          validation: { openAPIV3Schema: schemaOf(rule) },
        },
      },
      targets: [
        {
          target: TARGET,
          code: [{ engine: 'Rego', source: { version: 'v1', rego: regoOf(rule), libs: [libraryOf()] } }],
        },
      ],
    },
  }));
}

/** Groups of alternatives, each a list of kinds; every group is needed. */
function required(): string {
  return JSON.stringify(
    NEIGHBOURS.map(({ group, version, kind }) => [{ groups: [group], versions: [version], kinds: [kind] }]),
  );
}

const STRINGS = { type: 'array', items: { type: 'string' } } as const;

function schemaOf(rule: Rule): object {
  const properties = rule.params.map(
    (name) => [name, name === 'by_digest' ? { type: 'boolean' } : STRINGS] as const,
  );
  return { type: 'object', properties: { message: { type: 'string' }, ...Object.fromEntries(properties) } };
}

/** Where and how the constraints hold. */
export interface ConstraintOptions extends PolicySettings, Owned {
  /** Namespaces of the platform's regions; no other is looked at. */
  readonly namespaces: readonly string[];
  /** `dryrun`: refusals are only reported by the audit. Audit-only rules are so in any case. */
  readonly enforcement: 'deny' | 'dryrun';
}

/**
 * One constraint per rule that Gatekeeper can hold; `image-digest` is left out where the stack runs by tag. Throws a
 * ZodError that names a setting that does not hold, and an Error without namespaces, for that would match all.
 */
export function constraints(options: ConstraintOptions): GatekeeperObject[] {
  const { namespaces, enforcement, owner, ...settings } = options;
  if (namespaces.length === 0)
    throw new Error('constraints() needs at least one namespace: none would match every namespace.');
  const params = paramsOf(settings);
  return GATEKEEPER_RULES.filter(({ name }) => params.by_digest || name !== 'image-digest').map((rule) => ({
    apiVersion: 'constraints.gatekeeper.sh/v1beta1',
    kind: constraintKind(rule, { owner }),
    metadata: { name: `mcp-${owner}-${rule.name}`, annotations: {} },
    spec: {
      enforcementAction: rule.gatekeeper === 'audit' ? 'dryrun' : enforcement,
      match: {
        kinds: rule.kinds.map(({ group, kinds }) => ({ apiGroups: [group], kinds })),
        namespaces,
      },
      parameters: parametersOf(rule, params),
    },
  }));
}

/** Parameters of a rule's constraint: what it is given, and how its refusals end. */
export function parametersOf(rule: Rule, params: ReturnType<typeof paramsOf>): Record<string, unknown> {
  return { message: rule.message, ...Object.fromEntries(rule.params.map((name) => [name, params[name]])) };
}
