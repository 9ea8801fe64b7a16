/** What a rule of the clusters says about itself: `rules/<name>/rule.ts`, beside the same in Rego and its examples. */
import type { KubernetesObject } from '../objects.ts';
import type { Params } from '../params.ts';

/** Kinds of one API group, as Gatekeeper matches them. */
interface Kinds {
  readonly group: '' | 'apps' | 'batch';
  readonly kinds: readonly string[];
}

/** Everything that is or makes a pod. */
export const PODS: readonly Kinds[] = [
  { group: '', kinds: ['Pod'] },
  { group: 'apps', kinds: ['Deployment', 'StatefulSet', 'DaemonSet'] },
  { group: 'batch', kinds: ['Job', 'CronJob'] },
];

interface Description {
  /** Stable name, in kebab case: of the folder, the Pulumi policy and the constraint. */
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
