/** Personal data, risk and safety of texts: pure and deterministic. */
export { type PiiTag, piiTags, redactPii, replacedTags } from './pii/index.ts';
export { type Risk, riskScore } from './risk.ts';
