/** What an operator decides about personal data. Apart from what finds it, which is large. */
export { actsOn, PiiPolicy, type PiiRoute, piiActionOf, piiRouteOf } from '../pii/policy.ts';
export { PiiEntries } from '../pii/pseudonyms.ts';
export { PII_BUCKET, type VaultPlace, vaultBinding, vaultKey } from './vault.ts';
