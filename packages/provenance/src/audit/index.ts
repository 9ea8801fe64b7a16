/** Audit bundles and what is in them, for whoever makes or checks one. */
export {
  type AuditCheckpoint,
  type AuditVerdict,
  auditParts,
  checkpointIn,
  decodeAuditBundle,
  encodeAuditBundle,
  MAX_AUDIT_BUNDLE_BYTES,
  sha256Of,
  signManifest,
  verifyAuditBundle,
} from './bundle.ts';
export { sbomOf } from './sbom.ts';

/** A file per stack: what the rules of the clusters say of it as it was shipped. The tests of the infrastructure write them. */
export const POLICY_RESULTS = new URL('../../policy-results/', import.meta.url);
