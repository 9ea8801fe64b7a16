/** The list of models on OpenAI's wire. */
import { z } from 'zod';

/** Whoever lists its models so speaks OpenAI's wire. */
export const listAnswer = z
  .object({ object: z.literal('list'), data: z.array(z.object({ id: z.string() })) })
  .transform(({ data }) => data.map(({ id }) => id));

/** As {@link listAnswer}, of one kind of server, which calls itself the owner of its models. */
export function listAnswerOf(owner: string) {
  return z
    .object({
      object: z.literal('list'),
      data: z.array(z.object({ id: z.string(), owned_by: z.literal(owner) })),
    })
    .transform(({ data }) => data.map(({ id }) => id));
}
