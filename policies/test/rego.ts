import { readFileSync } from 'node:fs';
import { loadPolicy } from '@open-policy-agent/opa-wasm';
import { z } from 'zod';
import { entrypointOf } from '../gatekeeper/source.ts';
import { parametersOf } from '../gatekeeper/templates.ts';
import { KubernetesObject, namespaceOf } from '../objects.ts';
import type { Params } from '../params.ts';
import type { Rule } from '../rules/rule.ts';
import { appliesTo } from '../rules.ts';

const Result = z.tuple([z.object({ result: z.array(z.object({ msg: z.string() })) })]);

/** The Rego of the rules, compiled, as Gatekeeper calls it. */
export interface Rego {
  refusals(rule: Rule, input: unknown, options: { params: Params; all?: readonly unknown[] }): string[];
}

export async function loadRego(): Promise<Rego> {
  const policy = await loadPolicy(readFileSync(new URL('../gatekeeper/rules.wasm', import.meta.url)));
  return {
    refusals(rule, input, { params, all = [] }) {
      const object = KubernetesObject.parse(input);
      // Gatekeeper itself matches the kinds before it asks the Rego.
      if (!appliesTo(rule, object)) return [];
      policy.setData({ inventory: inventoryOf(all) });
      const review = { review: { object: input }, parameters: parametersOf(rule, params) };
      const [{ result }] = Result.parse(policy.evaluate(review, entrypointOf(rule)));
      return result.map(({ msg }) => msg);
    },
  };
}

/** As Gatekeeper keeps it: `namespace[ns][groupVersion][kind][name]`. */
function inventoryOf(all: readonly unknown[]): object {
  const rows = all.map((one) => ({ one, object: KubernetesObject.parse(one) }));
  type Row = (typeof rows)[number];
  const tree = (those: readonly Row[], [key, ...rest]: readonly ((row: Row) => string)[]): object => {
    if (key === undefined) return Object(those.at(-1)?.one);
    const groups = Object.entries(Object.groupBy(those, key));
    return Object.fromEntries(groups.map(([name, group = []]) => [name, tree(group, rest)]));
  };
  return {
    namespace: tree(rows, [
      ({ object }) => namespaceOf(object),
      ({ object }) => object.apiVersion,
      ({ object }) => object.kind,
      ({ object }) => object.metadata.name ?? '',
    ]),
  };
}
