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
