/** What the arbitration weighs, and where it draws its lines: said in the stack, recorded with each decision. */
import { z } from 'zod';

const Share = z.number().min(0).max(1);

/** Weights of the components; the first three are taken as shares of their sum. */
const ArbitrationWeights = z.strictObject({
  semantic: Share.default(0.4),
  /** Of the reasoning signal. */
  coherence: Share.default(0.3),
  safety: Share.default(0.3),
  /** What a candidate loses when one of its claims is surely contradicted, and the evidence is against it. */
  contradiction: Share.default(0.2),
});

const ArbitrationThresholds = z.strictObject({
  /** Above this divergence D = 1 − cosine answers are taken to say different things. */
  divergence: z.number().min(0).max(2).default(0.35),
  /** From this difference in risk S on the safer answer is chosen without another turn. */
  safety_gap: Share.default(0.2),
  /** Below this composite of the best candidate the extended loop begins. */
  composite: Share.default(0.5),
  /** From this strength on two claims are recorded as contradicting each other. */
  contradiction: Share.default(0.3),
});

/** Weights, thresholds and bounds of the arbitration, under a version that each decision names. */
export const ArbitrationTerms = z.strictObject({
  version: z.string().min(1).max(40).default('3'),
  weights: ArbitrationWeights.prefault({}),
  thresholds: ArbitrationThresholds.prefault({}),
  /** Turns of the extended loop, beside the one refinement turn. */
  max_extended_turns: z.number().int().min(0).max(4).default(1),
  /** In mode `answer`: who has not answered after this long is not waited for when another has. */
  candidate_timeout_ms: z.number().int().min(1000).max(3_600_000).default(600_000),
  /** Of the refinement turn and of what takes its place where no evidence decides. */
  refinement: z
    .strictObject({
      /**
       * What is done about a contradiction that no evidence decides: `quote` adds the other side to the best answer
       * without asking a model, `turn` asks a model to tell both, `leave` only records it.
       */
      undecided: z.enum(['quote', 'turn', 'leave']).default('quote'),
      max_output_tokens: z.number().int().min(16).max(4096).default(160),
      /** Of each claim that a turn is told of. */
      max_claim_chars: z.number().int().min(40).max(400).default(160),
    })
    .prefault({}),
  /** Of `ARBITRATION_JUDGE_ENABLED`: who judges (without a name, the first of the platform's own models), and how much. */
  judge: z
    .strictObject({
      model: z.string().min(1).max(200).optional(),
      max_calls: z.number().int().min(1).max(16).default(4),
      timeout_ms: z.number().int().min(100).max(60_000).default(3000),
    })
    .prefault({}),
  /** Of `ARBITRATION_LEARNER_ENABLED`: how far weights may go, and how feedback moves them. */
  learner: z
    .strictObject({
      /** How far a weight may be from the declared one, as a share of all. */
      max_shift: z.number().min(0.01).max(0.3).default(0.15),
      /** Share of decisions in which any of the weights decides, so that there is something to learn from. */
      exploration: z.number().min(0.01).max(0.5).default(0.1),
      /** Until so much feedback counts, declared weights decide the rest. */
      min_feedback: z.number().int().min(10).max(10_000).default(50),
      /** Of one caller, as much feedback counts, the latest. */
      max_per_caller: z.number().int().min(1).max(1000).default(200),
      /** Feedback before does not count: now, to begin anew. */
      since: z.iso.datetime().optional(),
    })
    .prefault({}),
});
export type ArbitrationTerms = z.infer<typeof ArbitrationTerms>;
