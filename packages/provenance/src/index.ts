/** Proof of what was said: the hash chain of conversation logs, their signatures and keys, and where their steps come from. */
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
export { HeldKeys, type KeyRingStore } from './keys/held-keys.ts';
export { checksumOf, stateOf, VerifiedKeys } from './keys/history.ts';
export { followKeys, logVerifiers } from './keys/log-keys.ts';
export { KeyRing } from './keys/ring.ts';
export { roleOf } from './lineage.ts';
export { lineageOf } from './lineage-graph.ts';
export { provOf } from './prov-json.ts';
export { readBundle } from './read-bundle.ts';
export {
  signatureOf,
  signLog,
  type VerifyOptions,
  verifyEncryptedLog,
  verifyLog,
  withSignature,
} from './sign.ts';
export { encodeProof, type TrustedKeys } from './tlog/proof.ts';
