/** Turns beyond those that were asked for: when one is worth its tokens, and what it is told. */
import type { ArbitrationTerms, ExtraTurnTrigger, RecordedContradiction } from '@mcp/contracts';
import type { Verdict } from './arbitration.ts';
import { undecidedOf } from './refinement.ts';

/** Contradictions that the extended loop is told of. */
const TOLD = 3;
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
  /** Whether the other side was added to an answer already. */
  readonly quoted?: boolean;
}

/**
 * Why one more turn should be taken; undefined: none. First the refinement turn, once, at like risk (at unlike risk the
 * safer is chosen instead): where the evidence is against the best answer itself, or the answers diverge and no claims
 * show why. Where the evidence is against another, choosing settles it; where it decides nothing, no turn could, and
 * the other side is added to the answer at the end. Then the extended loop, while the best composite is under its
 * threshold. At most 2 + `max_extended_turns` in all.
 */
export function extraTurnFor(options: ExtraTurnOptions): ExtraTurnTrigger | undefined {
  const { verdict, terms, taken, extended, critique, quoted = false } = options;
  const { divergence, safety_delta, candidates, contradictions = [] } = verdict;
  if (candidates.length < 2) return undefined;
  const { thresholds, max_extended_turns, refinement } = terms;
  const undecided = undecidedOf(verdict).length > 0;
  const alike = safety_delta !== null && safety_delta < thresholds.safety_gap;
  if (critique && taken === 0 && alike) {
    if (isAgainst(verdict) || (undecided && refinement.undecided === 'turn')) return 'contradiction';
    const apart = divergence !== null && divergence > thresholds.divergence;
    const shown = undecided || contradictions.some(({ against }) => against !== null);
    if (apart && !shown) return 'divergence';
  }
  const best = Math.max(...candidates.map(({ composite }) => composite));
  if (best < thresholds.composite && extended < max_extended_turns) return 'low-composite';
  const quotes = critique && !quoted && undecided && alike && refinement.undecided === 'quote';
  return quotes ? 'undecided' : undefined;
}

/** Whether the evidence is against the answer that was chosen. */
function isAgainst({ chosen, message_id, contradictions = [] }: Verdict): boolean {
  return contradictions.some(
    ({ against, between }) => against === chosen && between.some((side) => side.message_id === message_id),
  );
}

/** What a participant is told who checks answers to a risky question. */
export const RISK_TASK =
  'This question calls for care. Check each statement of the answers, leave out what is wrong, made up or private and not needed, and write one final answer.';

/** What a participant is told in the extended loop. */
export function extendedTaskOf(contradictions: readonly RecordedContradiction[]): string {
  const listed = contradictions
    .slice(0, TOLD)
    .map(({ between: [a, b] }) => `- "${a.claim}" against "${b.claim}"`);
  const dispute = listed.length === 0 ? '' : ` In dispute:\n${listed.join('\n')}\n`;
  return `No answer is good enough yet.${dispute} Think about the question again from the beginning, step by step, and give one final answer.`;
}

/** What the extended loop goes on from instead of all that was said: the best answer so far, in short. */
export function digestOf(verdict: Verdict, texts: ReadonlyMap<string, string>): string {
  const best = texts.get(verdict.message_id) ?? '';
  const cut = best.length > DIGEST_CHARS ? `${best.slice(0, DIGEST_CHARS).toWellFormed()} …` : best;
  return `The best answer so far was:\n\n"""\n${cut}\n"""`;
}
