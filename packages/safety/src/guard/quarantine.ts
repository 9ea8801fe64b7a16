/** Instructions in what tools and retrieval gave: taken out before a model reads them. */
import { createHash } from 'node:crypto';
import { type ChatMessage, textOf } from '@mcp/contracts';
import { injectionClassifier } from '../classifier/classifier.ts';
import { WINDOW_CHARS } from '../classifier/features.ts';
import { spansIn } from '../classifier/sentences.ts';
import { phrasesIn } from '../rules/rules.ts';
import type { Guard } from './guard.ts';
import type { Findings } from './policy.ts';

/** Stands where something was taken out. */
export const QUARANTINED =
  '[Withheld by the safety policy: this part of the result held instructions for the model.]';

/** Verdicts that are kept: a client sends the same results again with every turn. */
const MAX_KNOWN = 4096;

export interface Suspicion {
  /** Where the suspicious part begins and ends. */
  readonly from: number;
  readonly to: number;
  readonly score: number;
}

/** What was found in results of tools, by {@link keyOf} their text. */
export class Known {
  readonly #found = new Map<string, readonly Suspicion[]>();

  of(key: string): readonly Suspicion[] | undefined {
    return this.#found.get(key);
  }

  keep(key: string, found: readonly Suspicion[]): void {
    if (this.#found.size >= MAX_KNOWN) this.#found.clear();
    this.#found.set(key, found);
  }
}

export function keyOf(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

const known = new Known();

/** Whether the policy asks about instructions, and there is a result of a tool that may have some. */
export function looksAtInjection({ policy }: Guard, messages: readonly ChatMessage[]): boolean {
  if (policy.mode === 'off' || policy.allow.categories.includes('prompt-injection')) return false;
  return messages.some(({ role }) => role === 'tool');
}

/** The messages with what is suspicious in results of tools taken out; the same messages where there is nothing. */
export function quarantine(
  guard: Guard,
  messages: readonly ChatMessage[],
  findings: Findings,
): readonly ChatMessage[] {
  const { policy } = guard;
  if (!looksAtInjection(guard, messages)) return messages;
  return messages.map((message) => {
    if (message.role !== 'tool') return message;
    const text = textOf(message.content, { picture: () => '' });
    const found = suspicionsIn(guard, text);
    if (found.length === 0) return message;
    const score = Math.max(...found.map((one) => one.score));
    const finding = {
      category: 'prompt-injection',
      severity: 'moderate',
      tier: 'tool_result',
      score,
    } as const;
    findings.add({ ...finding, stage: 'classifier' }, policy.mode === 'enforce' ? 'quarantined' : 'flagged');
    return policy.mode === 'enforce' ? { ...message, content: without(text, found) } : message;
  });
}

/** How much a question looks like an attempt to give a model other instructions: its beginning and its end. */
export function noteInjection(guard: Guard, messages: readonly ChatMessage[], findings: Findings): void {
  const { policy } = guard;
  if (policy.mode === 'off' || policy.allow.categories.includes('prompt-injection')) return;
  const asked = messages.findLast(({ role }) => role === 'user');
  if (asked === undefined) return;
  const score = injectionScore(textOf(asked.content, { picture: () => '' }));
  if (score <= injectionClassifier().card.thresholds.fp_2_percent) return;
  findings.add(
    { category: 'prompt-injection', severity: 'moderate', tier: 'input', stage: 'classifier', score },
    'flagged',
  );
}

/** The classifier's score of the beginning and the end of a text, in [0, 1]. */
export function injectionScore(text: string): number {
  const { windowScore } = injectionClassifier();
  const first = windowScore(text, 0);
  return text.length <= WINDOW_CHARS ? first : Math.max(first, windowScore(text, text.length - WINDOW_CHARS));
}

/** The sentences that the classifier or a rule finds; what a rule finds across more than two, with all of the text. */
function suspicionsIn(guard: Guard, text: string): readonly Suspicion[] {
  const key = keyOf(text);
  const before = known.of(key);
  if (before !== undefined) return before;
  const { card, windowScore } = injectionClassifier();
  const ordered = givesOrders(guard, text);
  const found: Suspicion[] = [];
  let located = false;
  let read = 0;
  for (const { from, to } of spansIn(text)) {
    // Two sentences are not taken out for what one of them is taken out for.
    if (from < read) continue;
    const score = windowScore(text, from, to);
    const rules = ordered && givesOrders(guard, text.slice(from, to));
    located ||= rules;
    if (score <= card.thresholds.sentence && !rules) continue;
    found.push({ from, to, score });
    read = to;
  }
  if (ordered && !located) found.splice(0, found.length, { from: 0, to: text.length, score: 1 });
  known.keep(key, found);
  return found;
}

function givesOrders(guard: Guard, text: string): boolean {
  return [...phrasesIn(text)].some((phrase) => {
    const category = guard.rule(phrase)?.category;
    return category === 'prompt-injection' || category === 'jailbreak';
  });
}

export function without(text: string, found: readonly Suspicion[]): string {
  let out = '';
  let at = 0;
  for (const { from, to } of found) {
    // What follows on another is one part with it.
    if (from > at || out === '') out += `${text.slice(at, from)}${QUARANTINED}`;
    at = Math.max(at, to);
  }
  return out + text.slice(at);
}
