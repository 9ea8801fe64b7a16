/** How OpenAI's lists and stored objects are asked for. */
import { z } from 'zod';
import { ResponseIncludable, WireMetadata } from './responses.ts';

export const ListQuery = z.object({
  after: z.string().max(200).optional(),
  limit: z
    .string()
    .regex(/^(?:[1-9]\d?|100)$/, 'must be a whole number from 1 to 100')
    .transform(Number)
    .default(20),
  order: z.enum(['asc', 'desc']).default('asc'),
});
export type ListQuery = z.infer<typeof ListQuery>;

const include = z.array(ResponseIncludable).max(16).optional();

/** `GET /v1/responses/{id}/input_items`. */
export const ResponseItemsQuery = z.object({
  ...ListQuery.shape,
  order: ListQuery.shape.order.default('desc'),
  include,
});

/** `GET /v1/responses/{id}`. */
export const ResponseQuery = z.object({
  include,
  include_obfuscation: z.enum(['true', 'false']).optional(),
  starting_after: z
    .string()
    .regex(/^\d{1,9}$/, 'must be the number of an event')
    .optional(),
  stream: z
    .literal('false', { error: 'must be false: a response is streamed as it is made, and not again' })
    .optional(),
});

/** `GET /v1/chat/completions`. */
export const StoredCompletionsQuery = z.object({
  ...ListQuery.shape,
  model: z
    .string()
    .regex(/^[^\p{C}]{1,200}$/u, 'must be the id of a model')
    .optional(),
  metadata: WireMetadata.default({}),
});

/** `POST /v1/chat/completions/{id}`. */
export const StoredCompletionUpdate = z.strictObject({ metadata: WireMetadata.nullable() });
