/** What a refinement turn is told, in short; and the answer that takes its place where no evidence decides. */
import type { ArbitrationTerms, RecordedContradiction } from '@mcp/contracts';
import type { Verdict } from './arbitration.ts';

/** Contradictions that a turn is told of, and that are added to an answer. */
const TOLD = 3;
/** Characters of the question that a turn is reminded of, and of each answer where no claims are known. */
const ASKED_CHARS = 240;
const ANSWER_CHARS = 320;

/** From here on an answer quotes others; it is written by the platform. */
const QUOTED = '\n\nNot settled. Others say:\n';

export interface RefinementOptions {
  readonly trigger: 'divergence' | 'contradiction';
  readonly verdict: Verdict;
  readonly terms: ArbitrationTerms;
  readonly question: string;
  /** Texts of the candidates by message. */
  readonly texts: ReadonlyMap<string, string>;
}

/**
 * All that a refinement turn is shown: what was asked, the claims that contradict each other, and what to do. Not the
 * conversation, and not the sources: a turn that reads all of it again costs as much as a further candidate.
 */
export function refinementOf(options: RefinementOptions): { readonly asked: string; readonly told: string } {
  const { trigger, verdict, terms, question, texts } = options;
  const asked = `Question: ${cut(askedIn(question), ASKED_CHARS)}`;
  switch (trigger) {
    case 'divergence': {
      const chosen = texts.get(verdict.message_id) ?? '';
      const other = verdict.candidates.find(({ role }) => role !== verdict.chosen);
      const said = [chosen, texts.get(other?.message_id ?? '') ?? ''];
      const listed = said.map((text) => `- "${cut(withoutQuotes(text), ANSWER_CHARS)}"`).join('\n');
      const told = `These answers differ:\n${listed}\nKeep what is right in each, and give one short final answer.`;
      return { asked, told };
    }
    case 'contradiction': {
      const against = claimsAgainst(verdict);
      const pairs = against.map(({ own, other }) =>
        [own, other].map((claim) => `"${cut(claim, terms.refinement.max_claim_chars)}"`).join(' against '),
      );
      const decided = against.some(({ decided: so }) => so);
      const what = decided
        ? 'The first of each pair is wrong by the evidence. Correct it, and give one short final answer.'
        : 'Give one short final answer that tells both sides and says that they disagree.';
      const listed = pairs.map((pair) => `- ${pair}`).join('\n');
      return { asked, told: `These contradict each other:\n${listed}\n${what}` };
    }
    default:
      return trigger satisfies never;
  }
}

/**
 * Contradictions of the chosen answer that no evidence decides: it is silent on the other side. A side that the evidence
 * is against elsewhere is not worth telling.
 */
export function undecidedOf({ message_id, contradictions = [] }: Verdict): RecordedContradiction[] {
  const refuted = new Set(
    contradictions.flatMap(({ against, between }) =>
      between.flatMap(({ role, claim }) => (role === against ? [claim] : [])),
    ),
  );
  return contradictions.filter(
    ({ against, between }) =>
      against === null &&
      between.some((side) => side.message_id === message_id) &&
      !refuted.has(otherSide(between, message_id).other),
  );
}

/** The chosen answer with what others say and it does not; no model is asked. Undefined where that would spoil its form. */
export function quotingAnswer(
  verdict: Verdict,
  { refinement }: ArbitrationTerms,
  text: string,
): string | undefined {
  if (/^\s*[[{<]|```\s*$/.test(text)) return undefined;
  const claims = undecidedOf(verdict).map(({ between }) => otherSide(between, verdict.message_id).other);
  const lines = [...new Set(claims)]
    .slice(0, TOLD)
    .map((claim) => `- ${cut(claim, 2 * refinement.max_claim_chars)}`);
  return lines.length === 0 ? undefined : `${text.trimEnd()}${QUOTED}${lines.join('\n')}`;
}

/** What the model itself said of an answer that may quote others: its reasoning is judged by that. */
export function withoutQuotes(text: string): string {
  const at = text.indexOf(QUOTED);
  return at < 0 ? text : text.slice(0, at);
}

interface Told {
  readonly own: string;
  readonly other: string;
  /** The evidence is against the chosen answer. */
  readonly decided: boolean;
}

function claimsAgainst({ chosen, message_id, contradictions = [] }: Verdict): Told[] {
  return contradictions
    .filter(({ between }) => between.some((side) => side.message_id === message_id))
    .map(({ between, against }) => ({ ...otherSide(between, message_id), decided: against === chosen }))
    .sort((a, b) => Number(b.decided) - Number(a.decided))
    .slice(0, TOLD);
}

function otherSide([a, b]: RecordedContradiction['between'], message_id: string) {
  return a.message_id === message_id ? { own: a.claim, other: b.claim } : { own: b.claim, other: a.claim };
}

/** What is asked: the last lines from one that asks on; without one, the beginning. */
function askedIn(question: string): string {
  const lines = question.split('\n').filter((line) => line.trim() !== '');
  return lines.findLast((line) => line.includes('?')) ?? question;
}

function cut(text: string, chars: number): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > chars ? `${line.slice(0, chars).toWellFormed()} …` : line;
}
