/** The verdict on any conversation, also on one that is erased or cannot be decrypted just now. */
import { type ChainVerdict, PlatformError, type Principal } from '@mcp/contracts';
import { verifyEncryptedLog } from '@mcp/provenance';
import type { Tombstone } from '../store/rows.ts';
import { checkLog, judgeHead, judgeProofs, type LogStateDeps } from './state.ts';

interface Found {
  readonly verdict: ChainVerdict;
  /** True until what is kept outside the store is as the store has it. */
  readonly uncommitted: boolean;
}

/** The verdict on a conversation, as {@link checkLog}; of an erased one, on the chain of its hashes. */
export async function verdictOn(deps: LogStateDeps, id: string, principal: Principal): Promise<Found> {
  const tombstone = await deps.store.tombstone(id, principal);
  if (tombstone !== undefined) return onErased(deps, tombstone);
  try {
    const { verdict, stored } = await checkLog(deps, id, principal);
    return { verdict, uncommitted: stored.uncommitted };
  } catch (error) {
    return { verdict: unreadable(id, error), uncommitted: true };
  }
}

/** Chain and signature, then the head on the event bus, then the proofs of the transparency log: all that is about hashes. */
async function onErased(deps: LogStateDeps, { log, stored }: Tombstone): Promise<Found> {
  const { uncommitted } = stored;
  const inStore = verifyEncryptedLog(log, { secret: deps.secret });
  if (!inStore.ok)
    return {
      verdict: { ...inStore, reason: `In the store: ${inStore.reason ?? 'it does not verify.'}` },
      uncommitted,
    };
  const kept = await deps.heads.get(log.id);
  const outside = judgeHead(deps, { stored, kept });
  if (outside?.status === 'broken') return { verdict: outside, uncommitted };
  const proven = await deps.proofs?.of(log.id);
  const logged = judgeProofs({ stored, proven });
  if (logged?.status === 'broken') return { verdict: logged, uncommitted };
  const unsure = outside ?? (logged?.ok === false ? logged : undefined);
  if (unsure !== undefined)
    return { verdict: { ...unsure, reason: `It is erased. ${unsure.reason ?? ''}` }, uncommitted };
  const { transparency } = logged ?? {};
  const reason =
    transparency === undefined
      ? inStore.reason
      : `${inStore.reason ?? ''} The transparency log proves the same hashes.`;
  return {
    verdict: { ...inStore, reason, ...(transparency === undefined ? {} : { transparency }) },
    uncommitted,
  };
}

/** While its data key cannot be had, a log is not confirmed. */
function unreadable(id: string, error: unknown): ChainVerdict {
  if (!(error instanceof PlatformError && error.code === 'unavailable')) throw error;
  const { message: reason } = error;
  return { id, ok: false, status: 'unconfirmed', records: 0, broken_at: null, reason, head: null };
}
