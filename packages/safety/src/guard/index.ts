/** The safety policy at work: on what is asked, and on what models say while they say it. */
export { checkMessages, createGuard, type Guard, verdictOn } from './guard.ts';
export { countSafety } from './metrics.ts';
export { Findings, policyOf, type SafetyPolicy, safetyHeader } from './policy.ts';
export { injectionScore, noteInjection, QUARANTINED, quarantine } from './quarantine.ts';
export { guardEvents } from './stream.ts';
