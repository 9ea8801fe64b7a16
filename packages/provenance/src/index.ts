/** Proof of what was said: the hash chain of conversation logs and their seal. */
export { chainRecord, headerHash, type LogHeader, type NewRecord } from './chain.ts';
export { compareWithHead, headOf, LogHead } from './head.ts';
export { sealLog, sealOf, type VerifyOptions, verifyLog } from './seal.ts';
