import type { SafetyFinding } from '@mcp/contracts';
import { CATEGORIES, CATEGORY_NAMES, type SafetyCategory, type Severity, worse } from './categories.ts';
import { rulesIn } from './rules/rules.ts';

export interface Risk {
  /** In [0, 1]; evidence of several kinds adds up as independent probabilities. */
  readonly risk: number;
  readonly categories: readonly SafetyCategory[];
}

export interface Evidence {
  readonly category: SafetyCategory;
  /** The worst of what was found. */
  readonly severity: Severity;
  /** Risk that it stands for, in [0, 1]. */
  readonly weight: number;
}

/** The evidence of a text by its category, each once; empty where there is none. */
export function evidenceIn(text: string): readonly Evidence[] {
  const worst = new Map<SafetyCategory, Severity>();
  for (const { category, severity } of rulesIn(text)) {
    const known = worst.get(category);
    if (known === undefined || worse(severity, known)) worst.set(category, severity);
  }
  return [...worst].map(([category, severity]) => ({
    category,
    severity,
    weight: CATEGORIES[category].weights[severity],
  }));
}

/** Risk of findings of whatever stage; evidence of several kinds adds up as independent probabilities. */
export function findingsRisk(findings: readonly Pick<SafetyFinding, 'category' | 'severity'>[]): number {
  return 1 - findings.reduce((safe, finding) => safe * (1 - weightOf(finding)), 1);
}

/** A category that is none of the registry any more counts as much as others usually do. */
function weightOf({ category, severity }: Pick<SafetyFinding, 'category' | 'severity'>): number {
  const known = CATEGORY_NAMES.find((name) => name === category);
  return CATEGORIES[known ?? 'violence'].weights[severity];
}

/**
 * Lexical evidence of risk: phrases, not a classifier. It is deterministic and cheap, misses what is said in
 * other words and cannot tell a warning from a threat; it serves to compare two answers and to explain why.
 */
export function riskScore(text: string): Risk {
  const hits = evidenceIn(text);
  return {
    risk: findingsRisk(hits),
    categories: hits.map(({ category }) => category),
  };
}
