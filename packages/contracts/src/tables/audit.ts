/** Audit bundles: what an auditor is given of one day, in one signed file. */
import { z } from 'zod';
import { PageLimit } from '../api/call.ts';

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex');
const Count = z.number().int().nonnegative();

/** What a bundle is made of, in its order. */
export const AuditPartName = z.enum([
  'checkpoint',
  'sessions',
  'keys',
  'sbom',
  'policies',
  'retention',
  'reports',
]);
export type AuditPartName = z.infer<typeof AuditPartName>;

/** What a bundle is about, and the SHA-256 of each of its parts: this is what is signed. */
export const AuditManifest = z.strictObject({
  type: z.literal('mcp/audit-manifest@v1'),
  id: z.uuid(),
  created_at: z.iso.datetime(),
  /** Name of the transparency log, whose key signs. */
  origin: z.string().min(1).max(200),
  /** The bundle before, by the SHA-256 of its manifest; null: it is the first. */
  previous: z.strictObject({ id: z.uuid(), sha256: Sha256 }).nullable(),
  /** Entries of the transparency log whose sessions it has: from the first on, up to before the second. */
  entries: z.strictObject({ from: Count, to: Count }),
  parts: z
    .array(z.strictObject({ name: AuditPartName, bytes: Count, sha256: Sha256 }))
    .length(AuditPartName.options.length),
});
export type AuditManifest = z.infer<typeof AuditManifest>;

/** A bundle: one file, which verifies offline. Its manifest and parts are texts, so that their bytes stay as they were signed. */
export const AuditBundle = z.strictObject({
  type: z.literal('mcp/audit-bundle@v1'),
  /** JSON of the {@link AuditManifest}. */
  manifest: z.string().max(65_536),
  /** Signed note (C2SP signed-note) over the SHA-256 of the manifest. */
  note: z.string().max(65_536),
  /** Each part as JSON. */
  parts: z.strictObject(
    Object.fromEntries(AuditPartName.options.map((name) => [name, z.string()])) as Record<
      AuditPartName,
      z.ZodString
    >,
  ),
});
export type AuditBundle = z.infer<typeof AuditBundle>;

/** The end of a run of a conversation, as the transparency log has it. */
export const LoggedSession = z.strictObject({
  /** Of its entry. */
  index: Count,
  conversation: z.uuid(),
  records: Count,
  /** Merkle root over the hashes of its records, in hex. */
  root: Sha256,
});
export type LoggedSession = z.infer<typeof LoggedSession>;

export const ListAuditBundlesQuery = z.strictObject({
  limit: PageLimit,
  /** `next_cursor` of the page before. */
  cursor: z.string().max(200).optional(),
});
export type ListAuditBundlesQuery = z.infer<typeof ListAuditBundlesQuery>;

/** A bundle as lists have it. */
export const AuditBundleInfo = z.object({
  id: z.uuid(),
  created_at: z.iso.datetime(),
  /** Of the file. */
  bytes: Count,
  manifest: AuditManifest,
});
export type AuditBundleInfo = z.infer<typeof AuditBundleInfo>;

/** Bundles, the newest first. */
export const AuditBundlePage = z.object({
  bundles: z.array(AuditBundleInfo),
  /** Null on the last page. */
  next_cursor: z.string().nullable(),
});
export type AuditBundlePage = z.infer<typeof AuditBundlePage>;
