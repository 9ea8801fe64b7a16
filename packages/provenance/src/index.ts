/** Proof of what was said: the hash chain of conversation logs, their signature, and where their steps come from. */
export {
  isBundle,
  keysOf,
  transparencyOf,
  trustedKeys,
  verifyBundle,
  verifyEntries,
} from './bundle.ts';
export { chainRecord, headerHash, type LogHeader, type NewRecord } from './chain.ts';
export { EncryptedLog, encryptedLogOf } from './encrypted.ts';
export { decodeEntry, encodeEntry, entryPlace, recordEntry, sessionEntry } from './entries.ts';
export { compareWithHead, headOf, LogHead } from './head.ts';
export { roleOf } from './lineage.ts';
export { lineageOf } from './lineage-graph.ts';
export { provOf } from './prov-json.ts';
export { signatureOf, signLog, type VerifyOptions, verifyEncryptedLog, verifyLog } from './sign.ts';
export { encodeProof, type TrustedKeys } from './tlog/proof.ts';
