/** A name that stands for several models: which of them answers, and what is done where one of them cannot. */
import { z } from 'zod';
import { OnInterrupt, QueueClass } from '../api/call.ts';
import { Capability } from './model.ts';
import { Places } from './residency.ts';

/** A model's id, or `<target>/<id>` for one server of several. */
const ModelName = z.string().min(1).max(200);

/** What goes wrong with an attempt, as far as it says who may be asked next. */
export const FallbackCause = z.enum(['rate', 'context', 'content', 'error']);
export type FallbackCause = z.infer<typeof FallbackCause>;

const Candidate = z.strictObject({
  model: ModelName,
  /** Its share of the requests, against the others' weights. */
  weight: z.number().positive().max(1_000_000).default(1),
  /** Only requests of this class. */
  class: QueueClass.optional(),
  /** Only requests with an estimated input of at most so many tokens. */
  max_input_tokens: z.number().int().min(1).optional(),
});

const Chain = z.array(ModelName).max(16).default([]);

/** How the candidates that pass the filters are put in order; the first of them is asked first. */
export const AliasStrategy = z.enum(['order', 'weighted', 'latency', 'cost', 'energy']);
export type AliasStrategy = z.infer<typeof AliasStrategy>;

/** What tells of a question before anybody is asked, and of a model's answer to it. */
export const AdequacyFeature = z.union([
  /** Each in [0, 1]. */
  z.enum([
    'length',
    'digits',
    'sentences',
    'surprisal',
    'first_surprisal',
    'highest_surprisal',
    'answer_length',
  ]),
  /** A word of the question is in it: 1. */
  z.templateLiteral(['asked:', z.string().max(40)]),
  /** A word of the answer is in it: 1. */
  z.templateLiteral(['said:', z.string().max(40)]),
]);
export type AdequacyFeature = z.infer<typeof AdequacyFeature>;

/** A logistic model of whether an answer is as good as that of the models behind it: σ(bias + Σ weight · feature). */
export const AdequacyScale = z.strictObject({
  bias: z.number(),
  weights: z
    .partialRecord(AdequacyFeature, z.number())
    .refine((weights) => Object.keys(weights).length <= 500, 'must be at most 500 features'),
  /** From which probability on it counts as adequate. */
  at_least: z.number().min(0).max(1),
});
export type AdequacyScale = z.infer<typeof AdequacyScale>;

/** Whether the first candidate's answer is kept: `bench/adaptive/run.ts` fits the scales to recorded answers. */
export const Cascade = z.strictObject({
  /** By the question alone: under it the first candidate is not even asked. */
  before: AdequacyScale.optional(),
  /** By the question and the answer: under it the answer is left, and the next candidate is asked. */
  after: AdequacyScale,
  /** Of an answer so many tokens are held back to judge it. */
  hold_tokens: z.number().int().min(1).max(512).default(64),
});
export type Cascade = z.infer<typeof Cascade>;

export const ModelAlias = z.strictObject({
  candidates: z.array(Candidate).min(1).max(32),
  strategy: AliasStrategy.default('weighted'),
  /** Where its text may be processed: a model of which that is not known is never asked. */
  residency: Places.optional(),
  /** What every model must be known to be able to. What a request itself needs is added to that. */
  needs: z.array(Capability).default([]),
  /** Models that stand in, by what went wrong; after a rate limit or a failure the other candidates are asked first. */
  fallbacks: z.strictObject({ rate: Chain, context: Chain, content: Chain, error: Chain }).prefault({}),
  /** Asks a second model when the first says nothing for so long; `p95`: longer than 95 of the last 100 took. */
  hedge: z
    .strictObject({
      after_ms: z.union([z.literal('p95'), z.number().int().min(1).max(60_000)]),
      max: z.literal(1).default(1),
    })
    .optional(),
  /** The first candidate is the cheapest: it answers what it is adequate for. */
  cascade: Cascade.optional(),
  on_interrupt: OnInterrupt.default('fail'),
});
export type ModelAlias = z.infer<typeof ModelAlias>;

/** `mcp/` is for the platform's own conversations. */
const AliasName = z
  .string()
  .regex(
    /^(?!mcp\/)[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}$/,
    'must be a name such as fast, and not begin with mcp/',
  );

/** Aliases by name. They name models and never each other, so that none leads in a circle. */
export const ModelAliases = z
  .record(AliasName, ModelAlias)
  .refine((aliases) => Object.keys(aliases).length <= 64, 'must be at most 64 aliases')
  .superRefine((aliases, context) => {
    for (const [name, alias] of Object.entries(aliases)) {
      const nested = modelsOf(alias).find((model) => Object.hasOwn(aliases, model));
      if (nested !== undefined)
        context.addIssue({
          code: 'custom',
          path: [name],
          message: `names ${nested}, which is an alias: name the models themselves`,
        });
    }
  });
export type ModelAliases = z.infer<typeof ModelAliases>;

/** Every model that an alias may lead to. */
export function modelsOf({ candidates, fallbacks }: ModelAlias): string[] {
  return [...candidates.map(({ model }) => model), ...Object.values(fallbacks).flat()];
}
