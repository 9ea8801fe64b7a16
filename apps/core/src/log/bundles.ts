/** Proof bundles: one file of a conversation's log and its proofs, given and checked. */
import { type CallContext, type ChainVerdict, PlatformError, type ProofBundle } from '@mcp/contracts';
import type { DataKey } from '@mcp/kms';
import { EncryptedLog, isBundle, verifyBundle, verifyEncryptedLog, verifyLog } from '@mcp/provenance';
import { checkLog, decryptedLog, type LogStateDeps } from './state.ts';

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

/**
 * Checks what somebody has: a bundle by the keys of this platform's log, or a log by its chain and signature. Records that
 * are encrypted, as those of a log file are, are decrypted for whom may read the conversation.
 */
export async function verifyGiven(
  deps: LogStateDeps,
  given: unknown,
  call: CallContext,
): Promise<ChainVerdict> {
  const { signing } = deps;
  const log = isBundle(given) ? (given as { log?: unknown }).log : given;
  await signing.know((log as { signature?: unknown } | null | undefined)?.signature);
  const encrypted = EncryptedLog.safeParse(given);
  if (encrypted.success) return verifyEncrypted(deps, encrypted.data, call);
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

async function verifyEncrypted(
  deps: LogStateDeps,
  log: EncryptedLog,
  call: CallContext,
): Promise<ChainVerdict> {
  const { options } = deps.signing;
  const verdict = verifyEncryptedLog(log, options);
  if (verdict.status !== 'unconfirmed') return verdict;
  const key = await keyFor(deps, log.id, call);
  return 'refused' in key
    ? { ...verdict, reason: `Order and signature hold. ${key.refused}` }
    : verifyLog(decryptedLog(log, key), options);
}

/** The data key of a conversation for whom may read it, or why there is none. */
async function keyFor(
  { store, keys }: LogStateDeps,
  id: string,
  { principal }: CallContext,
): Promise<DataKey | { readonly refused: string }> {
  try {
    await store.ownerOf(id, principal);
  } catch (error) {
    if (!(error instanceof PlatformError && error.code === 'not_found')) throw error;
    return {
      refused:
        'The records are encrypted: whether each is as it was hashed, this platform says to its owner and to administrators, of conversations that it has.',
    };
  }
  try {
    return await keys.of(id);
  } catch (error) {
    if (!(error instanceof PlatformError && ['not_found', 'unavailable'].includes(error.code))) throw error;
    return { refused: error.message };
  }
}
