/** Routing by risk: pure. */
export { AnomalyHistory } from './history.ts';
export {
  type Assessment,
  assess,
  DEFAULT_THRESHOLDS,
  dataClass,
  normalizedEntropy,
  ROUTES,
  type Route,
  routeOf,
  type Signals,
  type Thresholds,
  tokenVolatility,
} from './risk.ts';
