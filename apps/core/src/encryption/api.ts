/** The part of the core's interface that is about who may read what was said, and what is erased. */
import type { CoreApi } from '@mcp/contracts';
import { requireAdmin } from '@mcp/service-kit';
import { prove } from '../log/bundles.ts';
import { type LogStateDeps, logOf } from '../log/state.ts';
import type { AccessLog } from './accesses.ts';
import type { Eraser } from './eraser.ts';

/** Data keys that one call wraps again. */
const MAX_REWRAPPED = 200;

export interface EncryptionDeps extends LogStateDeps {
  readonly accesses: AccessLog;
  readonly eraser: Eraser;
}

type EncryptionApi = Pick<
  CoreApi,
  'exportLog' | 'proveConversation' | 'accesses' | 'eraseConversation' | 'rewrapKeys'
>;

export function encryptionApi(deps: EncryptionDeps): EncryptionApi {
  const { store, keys, signing, accesses, eraser } = deps;
  return {
    async exportLog(id, call) {
      const stored = await store.get(id, call.principal);
      await accesses.record({ action: 'show', owner: stored.owner, conversation_id: id }, call);
      return signing.withSignature(logOf(stored));
    },
    async proveConversation(id, call) {
      const owner = await store.ownerOf(id, call.principal);
      await accesses.record({ action: 'show', owner, conversation_id: id }, call);
      return prove(deps, id, call);
    },
    async accesses(id, call) {
      const owner = await store.ownerOf(id, call.principal);
      return { accesses: await accesses.of({ id, owner }) };
    },
    eraseConversation: (id, call) => eraser.erase(id, call),
    async rewrapKeys(call) {
      requireAdmin(call, 'Data keys are wrapped again by administrators.');
      return keys.rewrap(MAX_REWRAPPED);
    },
  };
}
