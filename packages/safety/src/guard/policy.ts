/** What an operator decides about safety, and what follows from it. */
import type { SafetyAction, SafetyFinding, SafetyVerdict } from '@mcp/contracts';
import type { SafetyCategory, Severity } from '../categories.ts';
import { worse } from '../categories.ts';

export interface SafetyPolicy {
  /** `off`: nothing is looked at; `flag`: all is told and nothing is stopped. */
  readonly mode: 'off' | 'flag' | 'enforce';
  /** What becomes of a moderate finding in an answer. */
  readonly moderate: 'flag' | 'redact';
  /** What becomes of harm that the classifier is surest of: `block` waits for it, and makes it severe. */
  readonly classifier: 'flag' | 'block';
  readonly allow: {
    /** Categories that are not looked for. */
    readonly categories: readonly SafetyCategory[];
    /** Texts that must pass: rules that they break are off. */
    readonly texts: readonly string[];
  };
}

/** What a finding calls for. A question cannot be redacted without changing it: it is flagged. */
export function actionFor(
  policy: SafetyPolicy,
  finding: Pick<SafetyFinding, 'severity' | 'tier'>,
): SafetyAction {
  if (finding.severity === 'low') return 'logged';
  if (policy.mode !== 'enforce') return 'flagged';
  if (finding.severity === 'severe') return 'blocked';
  const answered = finding.tier === 'output' || finding.tier === 'reasoning';
  return policy.moderate === 'redact' && answered ? 'redacted' : 'flagged';
}

const RANK = { logged: 0, flagged: 1, quarantined: 2, redacted: 3, blocked: 4 } as const satisfies Record<
  SafetyAction,
  number
>;

/** Findings of a request as they come, each category of a tier and stage once, with the worst action taken. */
export class Findings {
  readonly #found = new Map<string, SafetyFinding>();
  #action: SafetyAction = 'logged';

  add(finding: SafetyFinding, action: SafetyAction): void {
    const key = `${finding.tier} ${finding.stage} ${finding.category}`;
    const known = this.#found.get(key);
    if (known === undefined || worse(finding.severity, known.severity)) this.#found.set(key, finding);
    if (RANK[action] > RANK[this.#action]) this.#action = action;
  }

  /** Takes over what was found elsewhere. */
  merge({ action, findings }: SafetyVerdict): void {
    for (const finding of findings) this.add(finding, action);
  }

  /** Undefined: nothing was found. */
  get verdict(): SafetyVerdict | undefined {
    if (this.#found.size === 0) return undefined;
    return { action: this.#action, findings: [...this.#found.values()].slice(0, 64) };
  }
}

/** A verdict as the value of `x-mcp-safety`: the action, then what was found, the worst of each category. */
export function safetyHeader(verdict: SafetyVerdict | undefined): string {
  if (verdict === undefined) return 'passed';
  const worst = new Map<string, Severity>();
  for (const { category, severity } of verdict.findings) {
    const known = worst.get(category);
    if (known === undefined || worse(severity, known)) worst.set(category, severity);
  }
  return [verdict.action, ...[...worst].map(([category, severity]) => `${category}=${severity}`)].join('; ');
}
