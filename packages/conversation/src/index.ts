/** The conversation of two models: prompts, turns, token budget, arbitration. */
export {
  type ArbitrationOptions,
  arbitrate,
  type Candidate,
  cosine,
  DEFAULT_WEIGHTS,
  DIVERGENCE_THRESHOLD,
  divergenceOf,
  SAFETY_GAP_THRESHOLD,
  wantsCritique,
} from './arbitration/arbitration.ts';
export { coherence } from './arbitration/coherence.ts';
export { type Budgeted, type BudgetOptions, extractSummary, fitBudget } from './budget/budget.ts';
export { type Prompt, PromptLibrary } from './prompts.ts';
export { ReasoningSplitter, type Split } from './turns/reasoning.ts';
export {
  alternate,
  type Context,
  type PastQuestion,
  type PastTurn,
  planTurn,
  sideOf,
  type TurnPlan,
} from './turns/turns.ts';
