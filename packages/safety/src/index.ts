/** Personal data and risk in texts: pure and deterministic. */
export { type PiiTag, piiTags } from './pii.ts';
export { type Risk, type RiskCategory, riskScore } from './risk.ts';
