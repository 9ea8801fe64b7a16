/** Proof of what was said: the hash chain of conversation logs, their signature, and where their steps come from. */
export { chainRecord, headerHash, type LogHeader, type NewRecord } from './chain.ts';
export { EncryptedLog, encryptedLogOf } from './encrypted.ts';
export { compareWithHead, headOf, LogHead } from './head.ts';
export { roleOf } from './lineage.ts';
export { signatureOf, signLog, type VerifyOptions, verifyEncryptedLog, verifyLog } from './sign.ts';
