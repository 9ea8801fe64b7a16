/** The categories of harm by the classifier: of a question as a whole, and of an answer in windows while it comes. */
import type { SafetyFinding, SafetyTier } from '@mcp/contracts';
import { WINDOW_CHARS } from '../classifier/features.ts';
import { HARM_TOPICS, type HarmTopic, harmClassifier } from '../classifier/harm.ts';
import { actionFor, type Findings, type SafetyPolicy } from './policy.ts';

/** Characters of an answer after which it is looked at again. */
const STEP_CHARS = 900;
/** A kind of harm that is as likely as that is told beside the likeliest. */
const ALSO = 0.5;

type Tier = Extract<SafetyTier, 'input' | 'output' | 'reasoning'>;

interface Policed {
  readonly policy: SafetyPolicy;
}

interface Look {
  readonly text: string;
  readonly tier: Tier;
}

interface Kind {
  readonly category: HarmTopic;
  /** How likely it is of a text that means harm. */
  readonly share: number;
  /** The likeliest, and others that are likely too. */
  readonly told: boolean;
}

function kindsOf(text: string, from: number): readonly Kind[] {
  const shares = harmClassifier().topics(text, from);
  return HARM_TOPICS.map((category, at) => ({ category, share: shares[at] ?? 0 }))
    .sort((a, b) => b.share - a.share)
    .map((kind, at) => ({ ...kind, told: at === 0 || kind.share >= ALSO }));
}

/** Each category of harm with its score in [0, 1], and whether it is found in a question. */
export function harmScores(text: string) {
  const { card, harm } = harmClassifier();
  const { score, from } = harm(text);
  return kindsOf(text, from).map(({ category, share, told }) => ({
    category,
    score: score * share,
    found: told && score > card.thresholds.question.flag,
  }));
}

/** Severe only where the policy blocks what the classifier is surest of. */
function harmIn({ policy }: Policed, { text, tier }: Look): readonly SafetyFinding[] {
  const { card, harm } = harmClassifier();
  const { flag, block } = tier === 'input' ? card.thresholds.question : card.thresholds.answer;
  const { score, from } = harm(text);
  if (score <= flag) return [];
  const severity = policy.classifier === 'block' && score > block ? 'severe' : 'moderate';
  return kindsOf(text, from)
    .filter(({ category, told }) => told && !policy.allow.categories.includes(category))
    .map(({ category }) => ({ category, severity, tier, stage: 'classifier', score }));
}

/** Notes what is found. Returns whether it is blocked; where in a text it stands the classifier does not say, so nothing is redacted. */
export function noteHarm(guard: Policed, look: Look, findings: Findings): boolean {
  if (guard.policy.mode === 'off') return false;
  let blocked = false;
  for (const finding of harmIn(guard, look)) {
    const wanted = actionFor(guard.policy, finding);
    findings.add(finding, wanted === 'redacted' ? 'flagged' : wanted);
    blocked ||= wanted === 'blocked';
  }
  return blocked;
}

/** Notes what a question is that another stage takes for harm: it is only told. */
export function noteKinds(
  { policy }: Policed,
  { text, from, score }: { readonly text: string; readonly from: number; readonly score: number },
  findings: Findings,
): void {
  for (const { category, told } of kindsOf(text, from)) {
    if (!told || policy.allow.categories.includes(category)) continue;
    findings.add({ category, severity: 'moderate', tier: 'input', stage: 'embedding', score }, 'flagged');
  }
}

/** One text of an answer as it comes, looked at in windows that overlap; it is only told what is found. */
export class AnswerWindows {
  readonly #guard: Policed;
  readonly #findings: Findings;
  readonly #tier: Tier;
  #text = '';
  /** Characters at the beginning of the text that were looked at. */
  #seen = 0;

  constructor(guard: Policed, { findings, tier }: { readonly findings: Findings; readonly tier: Tier }) {
    this.#guard = guard;
    this.#findings = findings;
    this.#tier = tier;
  }

  push(text: string): void {
    this.#text += text;
    while (this.#text.length >= WINDOW_CHARS) {
      this.#look(this.#text.slice(0, WINDOW_CHARS));
      this.#text = this.#text.slice(STEP_CHARS);
      this.#seen = WINDOW_CHARS - STEP_CHARS;
    }
  }

  end(): void {
    if (this.#text.length > this.#seen) this.#look(this.#text);
    this.#text = '';
    this.#seen = 0;
  }

  #look(text: string): void {
    noteHarm(this.#guard, { text, tier: this.#tier }, this.#findings);
  }
}
