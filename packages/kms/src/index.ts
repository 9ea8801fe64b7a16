/** Encryption of what is stored: data keys wrapped by a key management service, and texts under them. */
export { type DataKey, decryptText, encryptText, isEncrypted, type TextPlace } from './envelope.ts';
export type { Kms } from './kms.ts';
export { LocalKms } from './local.ts';
export { openKms } from './registry.ts';
