/** Query strings of OpenAI's lists and of what is stored. */
import { z } from 'zod';
import { ResponseIncludable, WireMetadata } from './responses.ts';

const include = z.array(ResponseIncludable).max(16).optional();

/** How OpenAI's lists are asked for. */
export const WireListQuery = z.object({
  after: z.string().max(200).optional(),
  limit: z
    .string()
    .regex(/^(?:[1-9]\d?|100)$/, 'must be a whole number from 1 to 100')
    .transform(Number)
    .default(20),
  order: z.enum(['asc', 'desc']).default('asc'),
});
export type WireListQuery = z.infer<typeof WireListQuery>;

export const InputItemsQuery = z.object({
  ...WireListQuery.shape,
  order: WireListQuery.shape.order.default('desc'),
  include,
});

export const StoredResponseQuery = z.object({
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

export const StoredCompletionsQuery = z.object({
  ...WireListQuery.shape,
  model: z
    .string()
    .regex(/^[^\p{C}]{1,200}$/u, 'must be the id of a model')
    .optional(),
  metadata: WireMetadata.default({}),
});

/** `POST /v1/chat/completions/{id}`. */
export const StoredCompletionUpdate = z.strictObject({ metadata: WireMetadata.nullable() });
