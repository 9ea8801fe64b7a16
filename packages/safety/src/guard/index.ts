/** The safety policy at work: on what is asked, and on what models say while they say it. */

export { guardOf } from './from-settings.ts';
export { checkMessages, createGuard, type Guard, verdictOn } from './guard.ts';
export { harmScores } from './harm.ts';
export { weighQuestion } from './meaning.ts';
export { countSafety } from './metrics.ts';
export { assertModerable, Moderator, moderateQuestion } from './moderation.ts';
export { quarantineOutliers, type VectorsOf } from './outliers.ts';
export { Findings, type SafetyPolicy, safetyHeader } from './policy.ts';
export { injectionScore, noteInjection, QUARANTINED, quarantine } from './quarantine.ts';
export { classifyQuestion } from './question.ts';
export { guardEvents } from './stream.ts';
