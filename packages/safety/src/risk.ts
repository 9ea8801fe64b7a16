/** What a text may be about that calls for caution. */
export type RiskCategory =
  | 'self-harm'
  | 'violence'
  | 'weapons'
  | 'hate'
  | 'sexual-minors'
  | 'malware'
  | 'prompt-injection';

interface Evidence {
  readonly category: RiskCategory;
  /** Risk that one hit stands for, in [0, 1]. */
  readonly weight: number;
  readonly pattern: RegExp;
}

const EVIDENCE: readonly Evidence[] = [
  {
    category: 'self-harm',
    weight: 0.7,
    pattern: /\b(kill (yourself|myself)|suicide methods?|how to (self[- ]harm|end (my|your) life))\b/i,
  },
  {
    category: 'violence',
    weight: 0.5,
    pattern:
      /\b(how to (murder|torture|poison) (someone|a person|people|him|her|them)|mass shooting|behead(ing)?)\b/i,
  },
  {
    category: 'weapons',
    weight: 0.6,
    pattern:
      /\b((build|make|assemble|detonate) (a |an )?(pipe |nail |dirty )?(bomb|explosive|grenade)s?|nerve agents?|ghost guns?|enrich(ed|ing)? uranium)\b/i,
  },
  {
    category: 'hate',
    weight: 0.6,
    pattern: /\b(ethnic cleansing|(inferior|subhuman) (race|people)|exterminate (the|all) \w+)\b/i,
  },
  {
    category: 'sexual-minors',
    weight: 0.95,
    pattern: /\b(sexual\w*|nude|erotic)\b[^.\n]{0,60}\b(child(ren)?|minors?|under ?age|toddlers?)\b/i,
  },
  {
    category: 'malware',
    weight: 0.5,
    pattern:
      /\b((write|build|create) (a |an )?(ransomware|keylogger|botnet|rootkit|computer virus)|reverse shell payload)\b/i,
  },
  {
    category: 'prompt-injection',
    weight: 0.4,
    pattern:
      /\b((ignore|disregard|forget) (all |any |the |your )*(previous|prior|above) (instructions?|rules|prompts?)|reveal (your|the) system prompt|developer mode enabled)\b/i,
  },
];

/** Characters that are looked at. */
const MAX_CHARS = 200_000;

export interface Risk {
  /** In [0, 1]; evidence of several kinds adds up as independent probabilities. */
  readonly risk: number;
  readonly categories: readonly RiskCategory[];
}

/** The evidence of a text by its category, each once; empty where there is none. */
export function evidenceIn(text: string): readonly { category: RiskCategory; weight: number }[] {
  const read = text.slice(0, MAX_CHARS);
  return EVIDENCE.filter(({ pattern }) => pattern.test(read)).map(({ category, weight }) => ({
    category,
    weight,
  }));
}

/**
 * Lexical evidence of risk: phrases, not a classifier. It is deterministic and cheap, misses what is said in
 * other words and cannot tell a warning from a threat; it serves to compare two answers and to explain why.
 */
export function riskScore(text: string): Risk {
  const hits = evidenceIn(text);
  return {
    risk: 1 - hits.reduce((safe, { weight }) => safe * (1 - weight), 1),
    categories: hits.map(({ category }) => category),
  };
}
