/** The part of the core's interface that is about who may read what was said, and what is erased. */
import { type CallContext, type CoreApi, PlatformError, type SubjectPage } from '@mcp/contracts';
import { logOf } from '../log/state.ts';
import type { AnswerStore } from '../store/answers.ts';
import type { ConversationStore, Stored } from '../store/conversations.ts';
import type { AccessLog } from './accesses.ts';
import type { DataKeys } from './data-keys.ts';
import type { Eraser } from './eraser.ts';

/** A page of an export ends behind the conversation that makes it longer than this. */
const MAX_PAGE_CHARS = 4 * 1024 * 1024;
const MAX_PAGE_CONVERSATIONS = 50;
/** Data keys that one call wraps again. */
const MAX_REWRAPPED = 200;

export interface EncryptionDeps {
  readonly store: ConversationStore;
  readonly answers: AnswerStore;
  readonly keys: DataKeys;
  readonly accesses: AccessLog;
  readonly eraser: Eraser;
}

type EncryptionApi = Pick<
  CoreApi,
  'exportLog' | 'accesses' | 'eraseConversation' | 'exportSubject' | 'eraseSubject' | 'rewrapKeys'
>;

export function encryptionApi(deps: EncryptionDeps): EncryptionApi {
  const { store, keys, accesses, eraser } = deps;
  return {
    async exportLog(id, call) {
      const stored = await store.get(id, call.principal);
      await accesses.record({ action: 'show', owner: stored.owner, conversation_id: id }, call);
      return logOf(stored);
    },
    async accesses(id, call) {
      const owner = await store.ownerOf(id, call.principal);
      return { accesses: await accesses.of({ id, owner }) };
    },
    eraseConversation: (id, call) => eraser.erase(id, call),
    async exportSubject({ owner, cursor }, call) {
      requireSubject(owner, call);
      if (cursor === undefined) await accesses.record({ action: 'export', owner, conversation_id: '' }, call);
      return page(deps, { owner, cursor }, call);
    },
    async eraseSubject({ owner }, call) {
      requireSubject(owner, call);
      return eraser.eraseAllOf(owner, call);
    },
    async rewrapKeys(call) {
      if (!call.principal.scopes.includes('admin'))
        throw new PlatformError(
          'forbidden',
          'Data keys are wrapped again by administrators. Use a key with the admin scope.',
        );
      return keys.rewrap(MAX_REWRAPPED);
    },
  };
}

/** Reads of somebody else's conversation are recorded, one's own are not. */
export async function recordReading(accesses: AccessLog, stored: Stored, call: CallContext): Promise<void> {
  const { owner, summary } = stored;
  if (owner !== call.principal.id)
    await accesses.record({ action: 'read', owner, conversation_id: summary.id }, call);
}

async function page(
  { store, answers }: EncryptionDeps,
  { owner, cursor }: { readonly owner: string; readonly cursor: string | undefined },
  call: CallContext,
): Promise<SubjectPage> {
  const ids = await store.idsOf(owner, { after: cursor ?? '', limit: MAX_PAGE_CONVERSATIONS + 1 });
  const conversations: SubjectPage['conversations'] = [];
  let chars = 0;
  for (const id of ids.slice(0, MAX_PAGE_CONVERSATIONS)) {
    if (chars > MAX_PAGE_CHARS) break;
    const stored = await store.get(id, call.principal);
    const own = await answers.inConversation(id, owner);
    const one = { log: logOf(stored), title: stored.summary.title, answers: own };
    chars += JSON.stringify(one).length;
    conversations.push(one);
  }
  const last = conversations.at(-1)?.log.id;
  const next_cursor = last === undefined || conversations.length === ids.length ? null : last;
  return { owner, conversations, next_cursor };
}

function requireSubject(owner: string, { principal }: CallContext): void {
  if (principal.id === owner || principal.scopes.includes('admin')) return;
  throw new PlatformError(
    'forbidden',
    `What is stored of ${owner} is for ${owner} and for administrators. Ask with their key, or with one of the admin scope.`,
  );
}
