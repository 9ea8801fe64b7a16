import { randomUUID } from 'node:crypto';
import type {
  AuditBundle,
  AuditBundleInfo,
  AuditManifest,
  ChainVerdict,
  LogCheckpoint,
} from '@mcp/contracts';
import {
  type AuditCheckpoint,
  auditParts,
  checkpointIn,
  decodeAuditBundle,
  encodeAuditBundle,
  sha256Of,
} from '@mcp/provenance/audit';
import { readSessions } from '../audit/sessions.ts';
import { policyResults, sbomSummary } from '../audit/shipped.ts';
import type { Findings, GovernanceJob, JobContext } from './job.ts';

interface Previous {
  readonly info: AuditBundleInfo;
  readonly manifest_sha256: string;
  readonly checkpoint: AuditCheckpoint;
}

/**
 * Makes the audit bundle of the time since the last one: checkpoint, ends of runs, keys, materials, policies and
 * reports, signed by the key of the transparency log and kept by the core.
 */
export const auditBundle: GovernanceJob = {
  name: 'audit-bundle',
  async run(context) {
    const { clients, log, metrics, call } = context;
    const previous = await newest(context);
    const checkpoint = await clients.transparencyLog.checkpoint(call);
    const { note, size, log_keys, witness_keys, log_key_history } = checkpoint;
    const conversations = await clients.core.logKeys(call);
    const from = previous?.info.manifest.entries.to ?? 0;
    if (size < Math.max(from, previous?.checkpoint.size ?? 0)) return rolledBack(previous, size);
    const { sessions, to } = await readSessions(clients.transparencyLog, { from, size }, call);
    const parts = {
      checkpoint: text(await goesOn(context, checkpoint, previous)),
      sessions: text(sessions),
      keys: text({
        log_keys,
        witness_keys,
        log_key_history,
        conversation_key_history: conversations.history,
      }),
      sbom: text(await sbomSummary()),
      policies: text(await policyResults()),
      retention: text(await clients.core.retentionReport({}, call)),
      reports: text(await context.reports()),
    };
    const manifest: AuditManifest = {
      type: 'mcp/audit-manifest@v1',
      id: randomUUID(),
      created_at: new Date().toISOString(),
      origin: note.slice(0, note.indexOf('\n')),
      previous: previous === undefined ? null : { id: previous.info.id, sha256: previous.manifest_sha256 },
      entries: { from, to },
      parts: auditParts(parts),
    };
    const kept = await keep(context, { manifest, parts });
    metrics.inc('audit_bundles_total', {});
    metrics.set('audit_bundle_bytes', {}, kept.bytes);
    log.info(
      { audit_bundle_id: kept.id, entries: manifest.entries, bytes: kept.bytes },
      'an audit bundle was made',
    );
    return { checked: sessions.length, unconfirmed: 0, complete: to === size, failures: [] };
  },
};

async function newest({ clients, call }: JobContext): Promise<Previous | undefined> {
  const [info] = (await clients.core.listAuditBundles({ limit: 1 }, call)).bundles;
  if (info === undefined) return undefined;
  const chunks: Uint8Array[] = [];
  for await (const chunk of clients.core.auditBundle(info.id, call)) chunks.push(chunk);
  const { bundle } = decodeAuditBundle(Buffer.concat(chunks).toString());
  const checkpoint = checkpointIn(bundle);
  return { info, manifest_sha256: sha256Of(bundle.manifest), checkpoint };
}

/** The checkpoint, with the proof that its tree goes on from that of the bundle before. */
async function goesOn(
  { clients, call }: JobContext,
  checkpoint: LogCheckpoint,
  previous: Previous | undefined,
): Promise<AuditCheckpoint> {
  if (previous === undefined) return { ...checkpoint, previous: null };
  const { note, size } = previous.checkpoint;
  const range = { from: size, to: checkpoint.size };
  const { hashes } = await clients.transparencyLog.consistency(range, call);
  return { ...checkpoint, previous: { note, hashes } };
}

async function keep(
  { clients, call }: JobContext,
  made: { readonly manifest: AuditManifest; readonly parts: AuditBundle['parts'] },
): Promise<AuditBundleInfo> {
  const manifest = text(made.manifest);
  const { note } = await clients.transparencyLog.signAudit({ manifest_sha256: sha256Of(manifest) }, call);
  const file = encodeAuditBundle({ type: 'mcp/audit-bundle@v1', manifest, note, parts: made.parts });
  return clients.core.keepAuditBundle({ file }, call);
}

/** The bundle before was about more entries than there are. */
function rolledBack(previous: Previous | undefined, size: number): Findings {
  const before = previous?.checkpoint.size ?? 0;
  const failure: ChainVerdict = {
    id: previous?.info.id ?? '',
    ok: false,
    status: 'broken',
    records: 0,
    broken_at: null,
    reason: `The transparency log has ${size} entries, and had ${before} when the audit bundle before was made: an earlier state of it was put back.`,
    head: null,
  };
  return { checked: 0, unconfirmed: 0, complete: false, failures: [failure] };
}

function text(value: unknown): string {
  return JSON.stringify(value);
}
