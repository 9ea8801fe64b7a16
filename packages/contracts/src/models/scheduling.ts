/** What an operator decides about the order of inferences. */
import { z } from 'zod';

/** What batch work is sure of, and what it leaves free. */
export const BatchTerms = z.strictObject({
  /** Share of a model's tokens that batch inferences get at least while both classes wait. */
  min_share: z.number().min(0).max(0.9).default(0.05),
  /** Share of the places that batch inferences leave free while interactive ones come. */
  reserve: z.number().min(0).max(0.9).default(0.1),
});
export type BatchTerms = z.infer<typeof BatchTerms>;

/** Servers of one model that are for requests of one sort: of a length, or as fast as each other. */
export const ModelPool = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,30}$/, 'must be a short lower-case name such as long-context'),
  /** Servers by the name of their target, or of their backend where that is one server. */
  servers: z.array(z.string().min(1).max(64)).min(1).max(64),
  /** Its requests take at most so many tokens, input and output together; undefined: as many as its servers take. */
  max_tokens: z.number().int().min(1).optional(),
});
export type ModelPool = z.infer<typeof ModelPool>;

/** Pools by model. A server that is in none is asked when no pool that fits has a free place. */
export const ModelPools = z
  .record(z.string().min(1).max(200), z.array(ModelPool).min(1).max(16))
  .superRefine((models, context) => {
    for (const [model, pools] of Object.entries(models))
      for (const [what, names] of [
        ['pool', pools.map(({ name }) => name)],
        ['server', pools.flatMap(({ servers }) => servers)],
      ] as const) {
        const twice = names.find((name, at) => names.indexOf(name) !== at);
        if (twice !== undefined)
          context.addIssue({
            code: 'custom',
            path: [model],
            message: `names the ${what} ${twice} twice: put each into one place`,
          });
      }
  });
export type ModelPools = z.infer<typeof ModelPools>;
