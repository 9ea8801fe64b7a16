/** What a text may be about that calls for caution. A new category: one row here, and its phrases in `rules/`. */

/** `severe` is blocked, `moderate` flagged or redacted, `low` logged. */
export type Severity = 'low' | 'moderate' | 'severe';

interface Category {
  readonly description: string;
  /** Categories of OpenAI's moderation that it counts for; one of another name is ours alone. */
  readonly openai: readonly string[];
  /** Risk that one finding stands for, in [0, 1], by its severity. */
  readonly weights: Readonly<Record<Severity, number>>;
}

const usual = { low: 0.2, moderate: 0.5, severe: 0.8 } as const;

export const CATEGORIES = {
  hate: {
    description: 'Contempt for people because of what they are',
    openai: ['hate'],
    weights: { ...usual, moderate: 0.6 },
  },
  'hate-threatening': {
    description: 'Calls for violence against people because of what they are',
    openai: ['hate', 'hate/threatening'],
    weights: usual,
  },
  harassment: {
    description: 'Insults and intimidation of somebody',
    openai: ['harassment'],
    weights: usual,
  },
  'harassment-threatening': {
    description: 'Threats of violence against somebody',
    openai: ['harassment', 'harassment/threatening'],
    weights: usual,
  },
  'self-harm': {
    description: 'Encouragement of suicide or of hurting oneself, and ways to do it',
    openai: ['self-harm', 'self-harm/instructions'],
    weights: { ...usual, moderate: 0.7 },
  },
  'self-harm-intent': {
    description: 'Somebody says that they mean to hurt or kill themselves',
    openai: ['self-harm', 'self-harm/intent'],
    weights: { ...usual, moderate: 0.7 },
  },
  sexual: { description: 'Explicit sexual content', openai: ['sexual'], weights: usual },
  'sexual-minors': {
    description: 'Sexual content with somebody under age',
    openai: ['sexual', 'sexual/minors'],
    weights: { low: 0.5, moderate: 0.8, severe: 0.95 },
  },
  violence: { description: 'Ways to hurt or kill people', openai: ['violence'], weights: usual },
  'violence-graphic': {
    description: 'Injury and death shown in detail',
    openai: ['violence', 'violence/graphic'],
    weights: usual,
  },
  weapons: {
    description: 'Making of explosives, of firearms, of chemical or biological weapons',
    openai: ['illicit', 'illicit/violent', 'violence'],
    weights: { ...usual, moderate: 0.6 },
  },
  illicit: {
    description: 'Crime without violence: drugs, fraud, theft, forgery',
    openai: ['illicit'],
    weights: usual,
  },
  malware: {
    description: 'Programs and steps that break into computers or harm them',
    openai: ['illicit'],
    weights: usual,
  },
  privacy: {
    description: "Finding out or publishing somebody's private life",
    openai: ['privacy'],
    weights: usual,
  },
  secrets: { description: 'Keys, tokens and passwords', openai: ['secrets'], weights: usual },
  'prompt-injection': {
    description: "Instructions that mean to replace the operator's",
    openai: ['prompt-injection'],
    weights: { ...usual, moderate: 0.4 },
  },
  jailbreak: {
    description: 'Talking a model out of its rules',
    openai: ['jailbreak'],
    weights: { ...usual, moderate: 0.4 },
  },
} as const satisfies Readonly<Record<string, Category>>;

export type SafetyCategory = keyof typeof CATEGORIES;
export const CATEGORY_NAMES = Object.keys(CATEGORIES) as readonly SafetyCategory[];

/** The categories of OpenAI's moderation, whether one of ours counts for them or not. */
export const OPENAI_CATEGORIES = [
  'harassment',
  'harassment/threatening',
  'hate',
  'hate/threatening',
  'illicit',
  'illicit/violent',
  'self-harm',
  'self-harm/intent',
  'self-harm/instructions',
  'sexual',
  'sexual/minors',
  'violence',
  'violence/graphic',
] as const;

const RANK = { low: 0, moderate: 1, severe: 2 } as const satisfies Record<Severity, number>;

/** Whether the first is worse than the second. */
export function worse(one: Severity, other: Severity): boolean {
  return RANK[one] > RANK[other];
}
