/** Proof bundles: one file of a conversation's log and its proofs, given and checked. */
import { type CallContext, type ChainVerdict, PlatformError, type ProofBundle } from '@mcp/contracts';
import { isBundle, verifyBundle, verifyLog } from '@mcp/provenance';
import { checkLog, type LogStateDeps } from './state.ts';

/** The bundle of a conversation. Throws `not_found`, `conflict` where it does not verify, `unavailable` while it cannot be proven. */
export async function prove(deps: LogStateDeps, id: string, call: CallContext): Promise<ProofBundle> {
  const { log, verdict, proven } = await checkLog(deps, id, call.principal);
  if (verdict.status === 'broken')
    throw new PlatformError(
      'conflict',
      `The log of the conversation ${id} does not verify: ${verdict.reason ?? ''} There is no proof of it. GET /v1/conversations/${id}/log gives it as it is.`,
    );
  if (proven?.state !== 'proven')
    throw new PlatformError(
      'unavailable',
      `The conversation ${id} is not proven yet: ${verdict.reason ?? 'this platform has no transparency log.'}`,
      { retry_after_ms: 1000 },
    );
  const { entries, log_keys, witness_keys, log_key_history } = proven;
  return {
    type: 'mcp/proof-bundle@v1',
    log,
    entries: [...entries],
    log_keys: [...log_keys],
    witness_keys: [...witness_keys],
    ...(log_key_history === undefined ? {} : { log_key_history }),
  };
}

/** Checks what somebody has: a bundle by the keys of this platform's log, or a log by its chain and signature. */
export async function verifyGiven(deps: LogStateDeps, given: unknown): Promise<ChainVerdict> {
  const { signing } = deps;
  const log = isBundle(given) ? (given as { log?: unknown }).log : given;
  await signing.know((log as { signature?: unknown } | null | undefined)?.signature);
  if (!isBundle(given)) return verifyLog(given, signing.options);
  const keys = await deps.proofs?.keys();
  const verdict = verifyBundle(given, { ...signing.options, keys });
  return verdict.ok && keys === undefined
    ? {
        ...verdict,
        ok: false,
        status: 'unconfirmed',
        reason: 'The bundle fits in itself. The transparency log cannot be asked for its keys just now.',
      }
    : verdict;
}
