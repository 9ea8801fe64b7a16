/** What the sources in a question say each for itself: positions that an answer tells or leaves out. */
import { type Claim, claimsOf, LABEL } from './claims.ts';

/** Sources that are read of one question. */
const MAX_SOURCES = 8;
/** A source says early on whose position it is. */
const FIRST_CLAIMS = 3;

/** Somebody found, estimated, argued … it. */
const SAYS =
  /\b(?:found|finds?|shows?|showed|report(?:s|ed)|estimat(?:es|ed)|conclud(?:es|ed|ing)|argu(?:es?|ed|ing)|claim(?:s|ed)?|contend(?:s|ed)?|stat(?:es|ed)|suggest(?:s|ed)?|recommend(?:s|ed)?|warn(?:s|ed)?|maintain(?:s|ed)?|assert(?:s|ed)?|announced|believes?|says?|said|notes?|noted|according to|describe[sd]?|interprets?|calculate[sd]?|project(?:s|ed)|demonstrate[sd]?|documented|observed|identified|measured|attributed?|cit(?:es|ed|ing)|predict(?:s|ed)|revealed|indicat(?:es|ed)|holds that|published)\b/i;
const AUTHORITY =
  /\b(?:stud(?:y|ies)|report|analys[ei]s|survey|research(?:ers)?|review|meta-analys[ei]s|trials?|scientists|economists|experts|critics|proponents|opponents|advocates|analysts|officials|assessment|investigation)\b/i;
const NAME = /\b(?:[A-Z]{2,}|[A-Z][a-z]+ [A-Z][a-z]+)\b/;

/**
 * The position of each source that the question labels (`Source 1: …`, `[2] …`), where two or more of them are
 * attributed to somebody. Plain facts have no author and are nobody's position.
 */
export function positionsOf(question: string): Claim[] {
  const positions = sourcesOf(question).flatMap((source) => {
    const own = claimsOf(source)
      .slice(0, FIRST_CLAIMS)
      .find(({ text }) => SAYS.test(text) && (AUTHORITY.test(text) || NAME.test(text)));
    return own === undefined ? [] : [own];
  });
  return positions.length < 2 ? [] : positions;
}

function sourcesOf(question: string): string[] {
  const labels = [...question.matchAll(LABEL)].slice(0, MAX_SOURCES + 1);
  return labels.slice(0, MAX_SOURCES).map((label, at) => {
    const rest = question.slice(label.index + label[0].length, labels[at + 1]?.index);
    return rest.split(/\n\s*\n/)[0] ?? '';
  });
}
