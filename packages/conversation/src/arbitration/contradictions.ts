/** Contradictions between candidates on the level of claims, and whom the evidence is against. */
import { type ContradictionKind, MAX_CONTRADICTIONS, type RecordedContradiction } from '@mcp/contracts';
import type { Candidate } from './candidate.ts';
import { type Claim, claimsOf, overlapOf } from './claims/claims.ts';
import { type Contradiction, contradictionsBetween, evidenceBetween } from './claims/contradiction.ts';

/** Claims that are compared with this overlap speak of the same thing. */
const SAME_SUBJECT = 0.3;
/** Of the contradictions between two candidates, so many are kept. */
const KEPT_PER_PAIR = 4;

interface Speaker {
  readonly participant: string;
  readonly claims: readonly Claim[];
}

/**
 * The contradictions between candidates, and of each with what came with the question, from a strength on, the surest
 * first. A claim that the sources in the question contradict, and the other claim not, has the evidence against it; so
 * has one that more of the other candidates contradict than agree with.
 */
export function contradictionsOf(
  candidates: readonly Pick<Candidate, 'participant' | 'text'>[],
  { question, least }: { readonly question: string; readonly least: number },
): RecordedContradiction[] {
  const speakers = [...candidates]
    .sort((a, b) => (a.participant < b.participant ? -1 : 1))
    .map(({ participant, text }): Speaker => ({ participant, claims: claimsOf(text) }));
  const given = claimsOf(question);
  const found = speakers.flatMap((one, at) => [
    ...speakers.slice(at + 1).flatMap((other) =>
      distinct(contradictionsBetween(one.claims, other.claims, least)).map((contradiction) => {
        const bystanders = speakers.filter((speaker) => speaker !== one && speaker !== other);
        return recordOf(contradiction, [one, other], { given, bystanders });
      }),
    ),
    ...withGiven(one, given, least),
  ]);
  return found.sort((x, y) => y.strength - x.strength).slice(0, MAX_CONTRADICTIONS);
}

/**
 * What came with the question and a candidate contradicts, without saying the same elsewhere: who tells both sides
 * contradicts neither. Where what was given is itself in dispute, nothing is held against the candidate.
 */
function withGiven(
  { participant, claims }: Speaker,
  given: readonly Claim[],
  least: number,
): RecordedContradiction[] {
  return distinct(contradictionsBetween(claims, given, least))
    .filter(({ b }) => stanceOf(claims, b) < 1)
    .map(({ a, b, kind, strength }) => {
      const against = stanceOf(given, a) === 1 ? null : participant;
      return {
        between: [
          { role: participant, claim: a.text },
          { role: 'user', claim: b.text },
        ],
        kind,
        strength,
        against,
        why: whyOf(kind, [participant, 'user'], against),
      };
    });
}

/** Each claim once, at the surest contradiction that it is in. */
function distinct(found: readonly Contradiction[]): Contradiction[] {
  const seen = new Set<Claim>();
  const kept: Contradiction[] = [];
  for (const one of found) {
    if (seen.has(one.a) || seen.has(one.b) || kept.length >= KEPT_PER_PAIR) continue;
    seen.add(one.a).add(one.b);
    kept.push(one);
  }
  return kept;
}

interface Witnesses {
  /** Claims of the question and the sources in it. */
  readonly given: readonly Claim[];
  readonly bystanders: readonly Speaker[];
}

function recordOf(
  { a, b, kind, strength }: Contradiction,
  [one, other]: readonly [Speaker, Speaker],
  witnesses: Witnesses,
): RecordedContradiction {
  const lead = support(a, witnesses) - support(b, witnesses);
  const against = lead === 0 ? null : lead > 0 ? other.participant : one.participant;
  return {
    between: [
      { role: one.participant, claim: a.text },
      { role: other.participant, claim: b.text },
    ],
    kind,
    strength,
    against,
    why: whyOf(kind, [one.participant, other.participant], against),
  };
}

/** How many speak for a claim less those who speak against it; what was given counts double. */
function support(claim: Claim, { given, bystanders }: Witnesses): number {
  return (
    2 * stanceOf(given, claim) + bystanders.reduce((sum, { claims }) => sum + stanceOf(claims, claim), 0)
  );
}

/** 1: some claim says the same; −1: some contradicts it and none says the same; 0: neither. */
function stanceOf(claims: readonly Claim[], claim: Claim): number {
  let against = false;
  for (const one of claims) {
    if (overlapOf(one.stems, claim.stems) < SAME_SUBJECT) continue;
    if (evidenceBetween(one, claim) === undefined) return 1;
    against = true;
  }
  return against ? -1 : 0;
}

const WORDS: Readonly<Record<ContradictionKind, string>> = {
  verdict: 'one answers yes and the other no',
  negation: 'one denies what the other says',
  number: 'they give different numbers for the same thing',
  opposite: 'they say opposite things',
  quantifier: 'one says all and the other none',
  name: 'they name different ones',
  judged: 'the judge takes them to exclude each other',
};

/** One sentence for a person. */
export function whyOf(
  kind: ContradictionKind,
  [a, b]: readonly [string, string],
  against: string | null,
): string {
  const whom = against === null ? '' : `; the evidence is against ${against}`;
  const other = b === 'user' ? 'what came with the question' : b;
  return `${a} and ${other} contradict each other: ${WORDS[kind]}${whom}.`;
}

/** How surely a candidate is contradicted by what the evidence favours: independent contradictions add up. */
export function contradictedBy(
  participant: string,
  contradictions: readonly Pick<RecordedContradiction, 'against' | 'strength'>[],
): number {
  const spared = contradictions
    .filter(({ against }) => against === participant)
    .reduce((share, { strength }) => share * (1 - strength), 1);
  return 1 - spared;
}
