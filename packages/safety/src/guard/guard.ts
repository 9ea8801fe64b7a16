/** The policy of a platform as what looks at texts: made once, used for every request. */
import {
  type ChatMessage,
  PlatformError,
  type SafetyFinding,
  type SafetyTier,
  type SafetyVerdict,
  textOf,
} from '@mcp/contracts';
import { type SafetyCategory, type Severity, worse } from '../categories.ts';
import type { Automaton } from '../rules/automaton.ts';
import { MAX_CHARS, phraseAutomaton, phrasesIn, Reader, type Rule, ruleOf } from '../rules/rules.ts';
import { hasSecret } from '../secrets.ts';
import type { Moderator } from './moderation.ts';
import { actionFor, Findings, type SafetyPolicy } from './policy.ts';

export interface Guard {
  readonly policy: SafetyPolicy;
  /** Undefined: no server is asked. */
  readonly moderator: Moderator | undefined;
  readonly automaton: Automaton;
  /** The rule of a phrase; undefined where it is allowed. */
  rule(phrase: number): Rule | undefined;
}

export function createGuard(policy: SafetyPolicy, moderator?: Moderator): Guard {
  const off = new Set(policy.allow.texts.flatMap((text) => [...phrasesIn(text)]));
  const categories = new Set<SafetyCategory>(policy.allow.categories);
  const rule = (phrase: number): Rule | undefined => {
    const found = ruleOf(phrase);
    return off.has(phrase) || categories.has(found.category) ? undefined : found;
  };
  const held = (phrase: number): boolean => {
    const found = rule(phrase);
    if (found === undefined) return false;
    const action = actionFor(policy, { severity: found.severity, tier: 'output' });
    return action === 'blocked' || action === 'redacted';
  };
  return { policy, moderator, automaton: phraseAutomaton(held), rule };
}

/** As what a message is looked at; what an operator writes into system prompts, and what a model said, is not. */
function tierOf({ role }: ChatMessage): SafetyTier | undefined {
  if (role === 'user') return 'input';
  return role === 'tool' ? 'tool_result' : undefined;
}

/** Looks at what is asked, the newest first, as much as is read of a text. Throws `content_filter`. */
export function checkMessages(guard: Guard, messages: readonly ChatMessage[], findings: Findings): void {
  if (guard.policy.mode === 'off') return;
  let left = MAX_CHARS;
  for (let i = messages.length - 1; i >= 0 && left > 0; i--) {
    const message = messages[i];
    const tier = message === undefined ? undefined : tierOf(message);
    if (message === undefined || tier === undefined) continue;
    const text = textOf(message.content, { picture: () => '' });
    note(guard, { text: text.length > left ? text.slice(0, left) : text, tier }, findings);
    left -= text.length;
  }
  if (findings.verdict?.action === 'blocked') throw blocked(findings);
}

/** Looks at one text as a whole. */
function note(
  guard: Guard,
  { text, tier }: { readonly text: string; readonly tier: SafetyTier },
  findings: Findings,
): void {
  const add = (category: SafetyCategory, severity: Severity) => {
    const finding: SafetyFinding = { category, severity, tier, stage: 'rules' };
    // What a tool gave is somebody else's: it is quarantined, never a reason to refuse who asks.
    const action = actionFor(guard.policy, finding);
    findings.add(finding, tier === 'tool_result' && action === 'blocked' ? 'flagged' : action);
  };
  const worst = new Map<SafetyCategory, Severity>();
  const reader = new Reader(guard.automaton, (phrases) => {
    for (const phrase of phrases) {
      const rule = guard.rule(phrase);
      const known = rule === undefined ? undefined : worst.get(rule.category);
      if (rule !== undefined && (known === undefined || worse(rule.severity, known)))
        worst.set(rule.category, rule.severity);
    }
  });
  reader.push(text);
  reader.end();
  for (const [category, severity] of worst) add(category, severity);
  if (hasSecret(text) && !guard.policy.allow.categories.includes('secrets')) add('secrets', 'moderate');
}

/** What is found in a question that is recorded: whether it is refused has been decided. */
export function verdictOn(guard: Guard, text: string): SafetyVerdict | undefined {
  const findings = new Findings();
  if (guard.policy.mode !== 'off') note(guard, { text, tier: 'input' }, findings);
  return findings.verdict;
}

/** A refusal that says what for, and not which words: those would help to get round it. */
function blocked(findings: Findings): PlatformError {
  const severe = findings.verdict?.findings.filter(({ severity }) => severity === 'severe') ?? [];
  const categories = [...new Set(severe.map(({ category }) => category))].join(', ');
  return new PlatformError(
    'content_filter',
    `messages: the safety policy of this platform refuses the question (${categories}). Ask it in another way; an operator may allow it with MCP_SAFETY_ALLOW.`,
    { param: 'messages' },
  );
}
