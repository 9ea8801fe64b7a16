/** A conversation of models: its graph of steps, turns, token budget, arbitration. Pure. */
export { arbitrate, cosine, divergenceOf, reweighed } from './arbitration/arbitration.ts';
export type { Candidate } from './arbitration/candidate.ts';
export { claimsOf } from './arbitration/claims/claims.ts';
export { coherence } from './arbitration/coherence.ts';
export { contradictionsOf, whyOf } from './arbitration/contradictions.ts';
export { digestOf, extendedTaskOf, extraTurnFor, RISK_TASK } from './arbitration/extra-turns.ts';
export { contradictionQuestion, soundnessQuestion, yesOf } from './arbitration/judge.ts';
export { armsOf, choiceOf, isOpen, LEARNER_VERSION } from './arbitration/learner/arms.ts';
export { bestArm, chooseArm, type Learnt, learn } from './arbitration/learner/bandit.ts';
export { lessonsOf } from './arbitration/learner/lessons.ts';
export { type Estimate, type PolicyWorth, type Replayed, replay } from './arbitration/learner/replay.ts';
export { quotingAnswer, refinementOf, undecidedOf, withoutQuotes } from './arbitration/refinement.ts';
export type { Verdict } from './arbitration/verdict.ts';
export { AnswerLimit } from './budget/answer-limit.ts';
export { type Budgeted, type BudgetOptions, extractSummary, fitBudget } from './budget/budget.ts';
export { type Calibrated, Calibrations } from './budget/calibrations.ts';
export {
  errorOf,
  type Forecast,
  type ForecastSettings,
  forecast,
  inputOf,
  isTooLong,
  MAX_REFITS,
  tightness,
  tokensPerChar,
  usesOf,
} from './budget/forecast.ts';
export { contextVectors, embeddingModel, type ModelHelp, summaryOf } from './budget/model-help.ts';
export {
  answerOf,
  type ConversationState,
  type FinishedTurn,
  isFinished,
  stateOf,
  turnsIn,
} from './graph/history.ts';
export { type NodePlan, planNode } from './graph/node-context.ts';
export { type NodeOutcome, outputOf, schedule } from './graph/schedule.ts';
export { newStepIds, stepsOf } from './graph/steps.ts';
export { confidenceOf, isJudge, VERDICT_FORMAT } from './graph/verdict.ts';
export { ReasoningSplitter, type Split } from './turns/reasoning.ts';
export {
  alternate,
  type Context,
  type PastQuestion,
  type PastTurn,
  participantAt,
  planTurn,
  type Said,
  type TurnPlan,
} from './turns/turns.ts';
