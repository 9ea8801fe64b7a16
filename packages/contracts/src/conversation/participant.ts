import { z } from 'zod';

/** Name of a system prompt: its file's, without `.md`. */
export const PromptName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9_-]{0,63}$/,
    'must be a prompt name such as critic_mode (lower case letters, digits, _ and -)',
  );

export const MAX_PARTICIPANTS = 8;

/** Roles of a log that no participant may have for its id. */
const RESERVED_IDS: ReadonlySet<string> = new Set(['system', 'user', 'assistant', 'summary', 'decision']);

/** Names a participant within its conversation; the participants of `modelA` and `modelB` are called so. */
export const ParticipantId = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/,
    'must be a name such as modelA or critic-1 (letters, digits, _ and -; at most 32)',
  )
  .refine((id) => !RESERVED_IDS.has(id), {
    error: ({ input }) => `must not be ${String(input)}: logs use that name. Choose another`,
  });

/** Who takes part in a conversation: a model under a system prompt. */
export const Participant = z.object({
  id: ParticipantId,
  model: z.string(),
  /** Null in a recorded completion, which had no prompt of the platform's. */
  prompt: PromptName.nullable(),
});
export type Participant = z.infer<typeof Participant>;

/** What a step is: a system prompt, a question, a participant's turn, and so on. */
export const StepKind = z.enum(['system', 'question', 'turn', 'critique', 'summary', 'decision']);
export type StepKind = z.infer<typeof StepKind>;

/** Names a step within its conversation. */
export const StepId = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/);

/** One step of a conversation. Steps form a graph: each names those whose content it was made from. */
export const Step = z.object({
  id: StepId,
  kind: StepKind,
  /** Steps whose content this one was made from; all of them come before it. */
  parents: z.array(StepId).max(2000),
  /** Of a system prompt, a turn, a critique and a summary. */
  participant: ParticipantId.optional(),
});
export type Step = z.infer<typeof Step>;
