/** Turns beyond those that were asked for: when one is worth its tokens, and what it is told. */
import type { ArbitrationTerms, ExtraTurnTrigger, RecordedContradiction } from '@mcp/contracts';
import type { Verdict } from './arbitration.ts';

/** Contradictions that a turn is told of, and characters of each claim. */
const TOLD = 3;
const TOLD_CHARS = 200;
/** Characters of the best answer that a digest has. */
const DIGEST_CHARS = 1200;

export interface ExtraTurnOptions {
  readonly verdict: Verdict;
  readonly terms: ArbitrationTerms;
  /** Extra turns on this question so far, over interruptions; and those of them that were of the extended loop. */
  readonly taken: number;
  readonly extended: number;
  /** Whether a refinement turn may be taken at all. */
  readonly critique: boolean;
}

/**
 * Why one more turn should be taken; undefined: none. First the refinement turn, once, where the answers diverge or
 * contradict each other at like risk (at unlike risk the safer is chosen instead); then the extended loop, while the
 * best composite is under its threshold. At most 1 + `max_extended_turns` in all.
 */
export function extraTurnFor(options: ExtraTurnOptions): ExtraTurnTrigger | undefined {
  const { verdict, terms, taken, extended, critique } = options;
  const { divergence, safety_delta, candidates, contradictions = [] } = verdict;
  if (candidates.length < 2) return undefined;
  const { thresholds, max_extended_turns } = terms;
  if (critique && taken === 0 && safety_delta !== null && safety_delta < thresholds.safety_gap) {
    if (contradictions.length > 0) return 'contradiction';
    if (divergence !== null && divergence > thresholds.divergence) return 'divergence';
  }
  const best = Math.max(...candidates.map(({ composite }) => composite));
  return best < thresholds.composite && extended < max_extended_turns ? 'low-composite' : undefined;
}

/** What a participant is told in an extra turn. */
export function extraTaskOf(
  trigger: ExtraTurnTrigger,
  contradictions: readonly RecordedContradiction[],
): string {
  const told = contradictions.slice(0, TOLD);
  const listed = told
    .map(({ between: [a, b] }) => `- "${short(a.claim)}" against "${short(b.claim)}"`)
    .join('\n');
  // Asked which is right, a small model repeats one side.
  const both = 'Write one final answer that tells both sides and says that they disagree.';
  switch (trigger) {
    case 'divergence':
      return `The answers differ. Keep what is right in each. ${both}`;
    case 'contradiction':
      return `These contradict each other:\n${listed}\n${
        told.every(({ against }) => against === null)
          ? both
          : 'Correct what is wrong. Write one final answer, and where it cannot be told which is right, tell both sides.'
      }`;
    case 'low-composite':
      return `No answer is good enough yet.${listed === '' ? '' : ` In dispute:\n${listed}\n`} Think about the question again from the beginning, step by step, and give one final answer.`;
    case 'risk':
      return 'This question calls for care. Check each statement of the answers, leave out what is wrong, made up or private and not needed, and write one final answer.';
    default:
      return trigger satisfies never;
  }
}

/** What the extended loop goes on from instead of all that was said: the best answer so far, in short. */
export function digestOf(verdict: Verdict, texts: ReadonlyMap<string, string>): string {
  const best = texts.get(verdict.message_id) ?? '';
  const cut = best.length > DIGEST_CHARS ? `${best.slice(0, DIGEST_CHARS).toWellFormed()} …` : best;
  return `The best answer so far was:\n\n"""\n${cut}\n"""`;
}

function short(claim: string): string {
  return claim.length > TOLD_CHARS ? `${claim.slice(0, TOLD_CHARS).toWellFormed()} …` : claim;
}
