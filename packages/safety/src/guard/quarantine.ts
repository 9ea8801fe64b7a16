/** Instructions in what tools and retrieval gave: taken out before a model reads them. */
import { createHash } from 'node:crypto';
import { type ChatMessage, textOf } from '@mcp/contracts';
import { injectionClassifier } from '../classifier/classifier.ts';
import { WINDOW_CHARS, windowStarts } from '../classifier/features.ts';
import { phrasesIn } from '../rules/rules.ts';
import type { Guard } from './guard.ts';
import type { Findings } from './policy.ts';

/** Stands where something was taken out. */
export const QUARANTINED =
  '[Withheld by the safety policy: this part of the result held instructions for the model.]';

/** Verdicts that are kept: a client sends the same results again with every turn. */
const MAX_KNOWN = 4096;

interface Suspicion {
  /** Where the suspicious part begins and ends. */
  readonly from: number;
  readonly to: number;
  readonly score: number;
}

const known = new Map<string, readonly Suspicion[]>();

/** The messages with what is suspicious in results of tools taken out; the same messages where there is nothing. */
export function quarantine(
  guard: Guard,
  messages: readonly ChatMessage[],
  findings: Findings,
): readonly ChatMessage[] {
  const { policy } = guard;
  if (policy.mode === 'off' || policy.allow.categories.includes('prompt-injection')) return messages;
  if (!messages.some(({ role }) => role === 'tool')) return messages;
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

function suspicionsIn(guard: Guard, text: string): readonly Suspicion[] {
  const key = createHash('sha256').update(text).digest('base64');
  const before = known.get(key);
  if (before !== undefined) return before;
  const { card, windowScore } = injectionClassifier();
  const found = windowStarts(text).flatMap((from): Suspicion[] => {
    const window = text.slice(from, from + WINDOW_CHARS);
    const likely = windowScore(text, from);
    if (likely <= card.thresholds.fp_half_percent && !givesOrders(guard, window)) return [];
    return [{ from, to: from + window.length, score: likely }];
  });
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(key, found);
  return found;
}

function givesOrders(guard: Guard, window: string): boolean {
  return [...phrasesIn(window)].some((phrase) => {
    const category = guard.rule(phrase)?.category;
    return category === 'prompt-injection' || category === 'jailbreak';
  });
}

function without(text: string, found: readonly Suspicion[]): string {
  let out = '';
  let at = 0;
  for (const { from, to } of found) {
    // Windows overlap: what follows on another is one part with it.
    if (from >= at) out += `${text.slice(at, from)}${QUARANTINED}`;
    at = Math.max(at, to);
  }
  return out + text.slice(at);
}
