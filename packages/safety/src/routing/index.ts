/** Routing by risk: pure. */
export { disagreementOf } from './disagreement.ts';
export { AnomalyHistory } from './history.ts';
export { redactedMessages } from './redact.ts';
export {
  type Assessment,
  assess,
  DEFAULT_THRESHOLDS,
  dataClass,
  routeOf,
  type Signals,
  type Thresholds,
  withoutHistory,
} from './risk.ts';
export { answerSignals, questionSignals } from './text.ts';
export { LiveVolatility, tokenVolatility } from './volatility.ts';
