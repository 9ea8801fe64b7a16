import { z } from 'zod';
import { ParticipantId } from './participant.ts';

/** Scores of one candidate, each in [0, 1] (blueprint phase C, arbitration). */
export const CandidateScore = z.object({
  /** The participant's id. */
  role: ParticipantId,
  model: z.string(),
  message_id: z.uuid(),
  /** Mean of the cosine with the question's embedding and the mean cosine with the other candidates'. */
  semantic: z.number().min(0).max(1),
  /** Reasoning coherence: deterministic evidence in the text. */
  coherence: z.number().min(0).max(1),
  /** 1 - risk. */
  safety: z.number().min(0).max(1),
  /** The judge's probability that the answer is sound; absent where no judge was asked. */
  judged: z.number().min(0).max(1).optional(),
  /** How surely one of its claims is contradicted by what the evidence favours. */
  contradicted: z.number().min(0).max(1).optional(),
  composite: z.number().min(0).max(1),
});
export type CandidateScore = z.infer<typeof CandidateScore>;

/** What shows that two claims contradict each other. */
export const ContradictionKind = z.enum([
  'verdict',
  'negation',
  'number',
  'opposite',
  'quantifier',
  'name',
  'judged',
  /** Sources that the question names speak for themselves, and the answer does not tell what one of them says. */
  'position',
]);
export type ContradictionKind = z.infer<typeof ContradictionKind>;

/** `user`: it came with the question. */
const ClaimOf = z.object({
  role: z.union([ParticipantId, z.literal('user')]),
  claim: z.string().max(400),
  /** Of a candidate: the answer that it is from. Absent before version 3. */
  message_id: z.uuid().optional(),
});

/** Two claims that cannot both be so: of different candidates, or of a candidate and of what came with the question. */
export const RecordedContradiction = z.object({
  between: z.tuple([ClaimOf, ClaimOf]),
  kind: ContradictionKind,
  /** How sure it is: the worth of the evidence times how far the claims speak of the same. */
  strength: z.number().min(0).max(1),
  /** Whose claim the evidence is against; null where nothing favours either. */
  against: ParticipantId.nullable(),
  /** One sentence for a person. */
  why: z.string(),
});
export type RecordedContradiction = z.infer<typeof RecordedContradiction>;

/** Answers that one decision weighs. */
export const MAX_CANDIDATES = 16;

/** Contradictions that one decision records, the surest first. */
export const MAX_CONTRADICTIONS = 16;

/** Why a turn beyond those asked for was taken. */
export const ExtraTurnTrigger = z.enum([
  'divergence',
  'contradiction',
  'low-composite',
  /** The request is checked for its risk. */
  'risk',
  /** No evidence decides: the other side was added to the best answer, and no model was asked. */
  'undecided',
]);
export type ExtraTurnTrigger = z.infer<typeof ExtraTurnTrigger>;

const DecisionMethod = z.enum([
  'composite',
  'fastest-successful',
  'only-candidate',
  'disabled',
  'shadow',
  /** A graph of agents names the node whose text is the answer; nothing is scored. */
  'graph',
]);

/** Which of the learner's weights decided, and how likely that was. */
const LearnerChoice = z.object({
  /** Of the rule by which weights are made and chosen. */
  version: z.string().max(40),
  /** Of the weights that decided. */
  arm: z.string().max(40),
  /** Probability with which the answer that stands was chosen, over all weights that choose it. */
  propensity: z.number().gt(0).max(1),
  /** Feedback that had been learnt from. */
  lessons: z.number().int().nonnegative(),
  /** In shadow mode: the weights that would have decided. */
  shadow: z.string().max(40).optional(),
});
export type LearnerChoice = z.infer<typeof LearnerChoice>;

/** The recorded arbitration between the participants' last answers and those before an extra turn. Fields that are optional came with version 2. */
export const Decision = z.object({
  /** Id of the participant whose answer was chosen. */
  chosen: ParticipantId,
  message_id: z.uuid(),
  /** One sentence for a person. */
  reason: z.string(),
  method: DecisionMethod,
  /**
   * 1 - cosine of the two answers that are furthest apart (blueprint, arbitration v2); null with one candidate, or
   * when no embedding was available.
   */
  divergence: z.number().min(0).max(2).nullable(),
  /** The highest risk less the lowest. */
  safety_delta: z.number().min(0).max(1).nullable(),
  weights: z.object({
    semantic: z.number(),
    coherence: z.number(),
    safety: z.number(),
    contradiction: z.number().optional(),
  }),
  candidates: z.array(CandidateScore).max(MAX_CANDIDATES),
  /** True when an extra turn was taken. */
  critique_turn: z.boolean(),
  duration_ms: z.number().nonnegative(),
  /** Of the weights and thresholds. */
  version: z.string().optional(),
  thresholds: z
    .object({
      divergence: z.number(),
      safety_gap: z.number(),
      composite: z.number(),
      contradiction: z.number(),
    })
    .optional(),
  contradictions: z.array(RecordedContradiction).max(MAX_CONTRADICTIONS).optional(),
  /** Why each extra turn of this run was taken, in their order. */
  extra_turns: z.array(ExtraTurnTrigger).optional(),
  /** Participants who had not answered by the deadline. */
  missing: z.array(ParticipantId).optional(),
  /** Of the learner of weights; absent where it had no say. */
  learner: LearnerChoice.optional(),
  /** In shadow mode: what would have been decided, and the extra turn that would have been taken. */
  shadow: z
    .object({
      chosen: ParticipantId,
      message_id: z.uuid(),
      method: DecisionMethod,
      reason: z.string(),
      extra_turn: ExtraTurnTrigger.nullable(),
    })
    .optional(),
});
export type Decision = z.infer<typeof Decision>;
