/** Contradictions between candidates on the level of claims, and whom the evidence is against. */
import { type ContradictionKind, MAX_CONTRADICTIONS, type RecordedContradiction } from '@mcp/contracts';
import type { Candidate } from './candidate.ts';
import { type Claim, claimsOf, MAX_CLAIM_CHARS, overlapOf } from './claims/claims.ts';
import { type Contradiction, contradictionsBetween, evidenceBetween } from './claims/contradiction.ts';
import { positionsOf } from './claims/positions.ts';

/** Claims that are compared with this overlap speak of the same thing. */
const SAME_SUBJECT = 0.3;
/** Of the contradictions between two candidates, so many are kept. */
const KEPT_PER_PAIR = 4;

/** How sure it is that an answer hides a dispute when it leaves out the position of a source. */
const POSITION_STRENGTH = 0.4;
/** What a contradiction that no evidence decides costs of what it would, were it decided. */
const UNDECIDED_SHARE = 0.5;

interface Speaker {
  readonly participant: string;
  readonly message_id?: string | undefined;
  /** As it is recorded where no claim could be read. */
  readonly text: string;
  readonly claims: readonly Claim[];
}

/**
 * The contradictions between candidates, and of each with what came with the question, from a strength on, the surest
 * first. A claim that the sources in the question contradict, and the other claim not, has the evidence against it; so
 * has one that more of the other candidates contradict than agree with.
 */
export function contradictionsOf(
  candidates: readonly (Pick<Candidate, 'participant' | 'text'> & Partial<Pick<Candidate, 'message_id'>>)[],
  { question, least }: { readonly question: string; readonly least: number },
): RecordedContradiction[] {
  const speakers = [...candidates]
    .sort((a, b) => (a.participant < b.participant ? -1 : 1))
    .map((one): Speaker => ({ ...one, claims: claimsOf(one.text) }));
  const given = claimsOf(question);
  const positions = positionsOf(question);
  const found = speakers.flatMap((one, at) => [
    ...speakers.slice(at + 1).flatMap((other) =>
      apartOf(one, other, least).map((contradiction) => {
        const bystanders = bystandersOf(speakers, [one, other]);
        return recordOf(contradiction, [one, other], { given, bystanders });
      }),
    ),
    ...withGiven(one, given, least),
    ...untold(one, positions, least),
  ]);
  return found.sort((x, y) => y.strength - x.strength).slice(0, MAX_CONTRADICTIONS);
}

/** Contradictions of two participants: who tells both sides contradicts neither, and nobody contradicts what they said before. */
function apartOf(one: Speaker, other: Speaker, least: number): Contradiction[] {
  if (one.participant === other.participant) return [];
  return distinct(contradictionsBetween(one.claims, other.claims, least)).filter(
    ({ a, b }) => stanceOf(one.claims, b) < 1 && stanceOf(other.claims, a) < 1,
  );
}

/** The others, each by what they said last: nobody has two voices. */
function bystandersOf(speakers: readonly Speaker[], pair: readonly Speaker[]): Speaker[] {
  const others = speakers.filter((one) => pair.every(({ participant }) => participant !== one.participant));
  return [...new Map(others.map((one) => [one.participant, one])).values()];
}

/** Positions of the sources in the question that a candidate does not tell. */
function untold(speaker: Speaker, positions: readonly Claim[], least: number): RecordedContradiction[] {
  if (POSITION_STRENGTH < least) return [];
  const { participant, claims, text } = speaker;
  const left = positions.filter(
    (position) => !claims.some((claim) => overlapOf(claim.stems, position.stems) >= SAME_SUBJECT),
  );
  const own = claims[0]?.text ?? text.trim().slice(0, MAX_CLAIM_CHARS).toWellFormed();
  return left.slice(0, KEPT_PER_PAIR).map((position) => ({
    between: [sideOf(speaker, own), { role: 'user', claim: position.text }],
    kind: 'position',
    strength: POSITION_STRENGTH,
    against: null,
    why: whyOf('position', [participant, 'user'], null),
  }));
}

function sideOf({ participant, message_id }: Speaker, claim: string) {
  return { role: participant, claim, ...(message_id === undefined ? {} : { message_id }) };
}

/**
 * What came with the question and a candidate contradicts, without saying the same elsewhere: who tells both sides
 * contradicts neither. Where what was given is itself in dispute, nothing is held against the candidate.
 */
function withGiven(speaker: Speaker, given: readonly Claim[], least: number): RecordedContradiction[] {
  const { participant, claims } = speaker;
  return distinct(contradictionsBetween(claims, given, least))
    .filter(({ b }) => stanceOf(claims, b) < 1)
    .map(({ a, b, kind, strength }) => {
      const against = stanceOf(given, a) === 1 ? null : participant;
      return {
        between: [sideOf(speaker, a.text), { role: 'user', claim: b.text }],
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
    between: [sideOf(one, a.text), sideOf(other, b.text)],
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
  position: 'the sources speak each for itself, and the answer does not tell what one of them says',
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

/**
 * How surely a candidate is contradicted: independent contradictions add up. One that no evidence decides costs each
 * side half, so that who tells both sides is before either.
 */
export function contradictedBy(
  { participant, message_id }: Pick<Candidate, 'participant' | 'message_id'>,
  contradictions: readonly Pick<RecordedContradiction, 'against' | 'strength' | 'between'>[],
): number {
  const spared = contradictions
    .filter(({ between }) =>
      between.some(
        (side) =>
          side.role === participant && (side.message_id === undefined || side.message_id === message_id),
      ),
    )
    .reduce((share, { strength, against }) => share * (1 - strength * costOf(against, participant)), 1);
  return 1 - spared;
}

function costOf(against: string | null, participant: string): number {
  if (against === null) return UNDECIDED_SHARE;
  return against === participant ? 1 : 0;
}
