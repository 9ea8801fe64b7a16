import { z } from 'zod';
import { WireMetadata } from '../models/responses.ts';
import { RecordCompletionRequest } from './conversation.ts';

/** Answers that build on each other at most, and what their input and output has as JSON. */
export const MAX_CHAIN_ANSWERS = 256;
export const MAX_CHAIN_BYTES = 2 * 1024 * 1024;

const AnswerId = z.string().regex(/^[\w-]{1,200}$/);
const Kind = z.enum(['response', 'chat.completion']);

/** An answer as its client may ask for it again: what was said to the model, and what was answered, as JSON of its wire. */
export const StoredAnswer = z.object({
  id: AnswerId,
  kind: Kind,
  created_at: z.iso.datetime(),
  model: z.string(),
  previous_id: AnswerId.nullable(),
  metadata: WireMetadata,
  input: z.string(),
  output: z.string(),
  /** What the answer has beside its output. */
  body: z.string(),
  /** The conversation whose log has it. */
  conversation_id: z.uuid(),
});
export type StoredAnswer = z.infer<typeof StoredAnswer>;

/** Keeps an answer, and records it in a log of its own or in that of the answer it builds on. */
export const KeepAnswerRequest = StoredAnswer.pick({
  id: true,
  kind: true,
  model: true,
  previous_id: true,
  metadata: true,
  input: true,
  output: true,
  body: true,
}).extend({
  log: z.discriminatedUnion('in', [
    /** `earlier` is what a log of its own begins with, when that of the answer before cannot be gone on with. */
    z.object({
      in: z.literal('answers'),
      record: RecordCompletionRequest,
      earlier: RecordCompletionRequest.shape.question,
    }),
    z.object({ in: z.literal('conversation'), conversation_id: z.uuid() }),
  ]),
});
export type KeepAnswerRequest = z.infer<typeof KeepAnswerRequest>;

/** Of an answer that others build on. */
export const ChainedAnswer = StoredAnswer.pick({
  id: true,
  input: true,
  output: true,
  conversation_id: true,
});
export type ChainedAnswer = z.infer<typeof ChainedAnswer>;

export const FindAnswersRequest = z.object({ ids: z.array(AnswerId).max(MAX_CHAIN_ANSWERS) });

/** A page of answers, by when they were made. */
export const ListAnswersRequest = z.object({
  kind: Kind,
  limit: z.number().int().min(1).max(100),
  order: z.enum(['asc', 'desc']),
  /** The page begins behind this one. */
  after: AnswerId.optional(),
  model: z
    .string()
    .regex(/^[^\p{C}]{1,200}$/u)
    .optional(),
  metadata: WireMetadata,
});
export type ListAnswersRequest = z.infer<typeof ListAnswersRequest>;

/** Of an answer in a page; what was said to the model is asked for by its id. */
export const ListedAnswer = StoredAnswer.omit({ input: true });
export type ListedAnswer = z.infer<typeof ListedAnswer>;

export const AnswerPage = z.object({ answers: z.array(ListedAnswer), has_more: z.boolean() });
export type AnswerPage = z.infer<typeof AnswerPage>;
