/** Proof of what was said: the hash chain of conversation logs and their seal. */
export { chainRecord, headerHash, type LogHeader, type NewRecord } from './chain.ts';
export { sealLog, type VerifyOptions, verifyLog } from './seal.ts';
