import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { GATEKEEPER_RULES, sourceDigest } from '../gatekeeper/source.ts';
import type { Rule } from '../rules/rule.ts';
import { RULES, violations, violationsOf } from '../rules.ts';
import { EXAMPLES } from './examples.ts';
import { budgetOf, deployment, networkPolicyOf, PARAMS } from './objects.ts';
import { anyNeighbours, anyObject, anyParams } from './random.ts';
import { loadRego, type Rego } from './rego.ts';

let rego: Rego;
beforeAll(async () => {
  rego = await loadRego();
});

it('the compiled Rego is that of the sources (otherwise: npm run policies:build)', () => {
  const built = readFileSync(new URL('../gatekeeper/rules.wasm.sha256', import.meta.url), 'utf8').trim();
  expect(built, 'gatekeeper/rules.wasm is stale; run: npm run policies:build').toBe(sourceDigest());
});

/** Messages in one order, as a set of the rule's refusals. */
function expected(rule: Rule, refused: readonly string[]): string[] {
  return refused.map((detail) => `${detail}: ${rule.message}`).sort();
}

describe.each(RULES)('$name', (rule) => {
  const examples = EXAMPLES[rule.name] ?? [];

  it('has a passing and a failing example', () => {
    expect(examples.some(({ refused }) => refused.length === 0)).toBe(true);
    expect(examples.some(({ refused }) => refused.length > 0)).toBe(true);
  });

  it.each(examples)('TypeScript: $what', ({ object, refused, params = PARAMS, all = [] }) => {
    expect(violations(rule, object, { params, all }).sort()).toEqual(expected(rule, refused));
  });

  if (rule.gatekeeper === 'none') return;
  it.each(examples)('Rego: $what', ({ object, refused, params = PARAMS, all = [] }) => {
    expect(rego.refusals(rule, object, { params, all }).sort()).toEqual(expected(rule, refused));
  });
});

it('TypeScript and Rego refuse the same objects with the same words', () => {
  let refusals = 0;
  let passes = 0;
  fc.assert(
    fc.property(anyObject, anyNeighbours, anyParams, (object, all, params) => {
      for (const rule of GATEKEEPER_RULES) {
        const held = violations(rule, object, { params, all }).sort();
        expect(rego.refusals(rule, object, { params, all }).sort(), rule.name).toEqual(held);
        if (held.length > 0) refusals += 1;
        else passes += 1;
      }
    }),
    { numRuns: 300 },
  );
  expect(refusals).toBeGreaterThan(300);
  expect(passes).toBeGreaterThan(300);
});

it('a whole dump that holds has no violation, and one that does not names rule and object', () => {
  const objects = [
    deployment({ replicas: 2 }),
    budgetOf({ matchLabels: { 'app.kubernetes.io/name': 'core' } }),
    networkPolicyOf({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] }),
  ];
  const params = { ...PARAMS, signed_registries: [] };
  expect(violationsOf(objects, params)).toEqual([]);
  expect(violationsOf(objects.slice(0, 1), params).map(({ rule, object }) => `${rule} ${object}`)).toEqual([
    'network-policy Deployment mcp/core',
    'network-policy Deployment mcp/core',
    'disruption-budget Deployment mcp/core',
  ]);
});
