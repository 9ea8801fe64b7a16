/** The part of the core's interface that keeps audit bundles, in the store and in the archive. */
import { type CoreApi, PlatformError } from '@mcp/contracts';
import { decodeAuditBundle } from '@mcp/provenance/audit';
import { requireAdmin } from '@mcp/service-kit';
import type { ConversationDeps } from '../conversations/conversation.ts';
import type { LogArchive } from '../log/archive.ts';
import type { AuditBundleStore } from '../store/audit-bundles.ts';

const FOR_AUDITORS = 'Audit bundles are about the conversations of everybody: they are for administrators.';
/** Bundles that the archive did not take, tried again with the next one. */
const MAX_AGAIN = 10;
const CHUNK_BYTES = 256 * 1024;

export interface AuditDeps {
  readonly audits: AuditBundleStore;
  readonly archive: LogArchive | undefined;
  readonly kit: ConversationDeps['kit'];
}

type AuditApi = Pick<CoreApi, 'keepAuditBundle' | 'listAuditBundles' | 'auditBundle'>;

export function auditApi(deps: AuditDeps): AuditApi {
  const { audits } = deps;
  return {
    async keepAuditBundle({ file }, call) {
      requireAdmin(call, FOR_AUDITORS);
      const { bundle, manifest } = read(file);
      const { id, created_at, previous } = manifest;
      await audits.insert(file, { manifest: bundle.manifest, id, created_at, previous: previous?.id });
      await archive(deps);
      return { id, created_at, bytes: Buffer.byteLength(file), manifest };
    },
    async listAuditBundles(query, call) {
      requireAdmin(call, FOR_AUDITORS);
      return audits.list(query);
    },
    async *auditBundle(id, call) {
      requireAdmin(call, FOR_AUDITORS);
      const found = await audits.find(id);
      if (found === undefined)
        throw new PlatformError(
          'not_found',
          `There is no audit bundle ${id}. GET /v1/audit/bundles lists them.`,
        );
      const bytes = Buffer.from(found.file);
      for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
    },
  };
}

function read(file: string): ReturnType<typeof decodeAuditBundle> {
  try {
    return decodeAuditBundle(file);
  } catch (cause) {
    throw new PlatformError('invalid_request', `file: ${cause instanceof Error ? cause.message : ''}`, {
      param: 'file',
      cause,
    });
  }
}

/** What the archive does not take stays in the store, and is tried again with the next bundle. */
async function archive({ audits, archive: archived, kit }: AuditDeps): Promise<void> {
  if (archived === undefined) return;
  for (const { id, file } of await audits.unarchived(MAX_AGAIN)) {
    try {
      await archived.writeAudit(id, file);
    } catch (err) {
      kit.log.error({ err, audit_bundle_id: id }, 'an audit bundle could not be archived');
      return;
    }
    await audits.archived(id);
  }
}
