import type { CallContext, ChainVerdict, Conversation, CoreApi } from '@mcp/contracts';
import { verifyLog } from '@mcp/provenance';
import { recordCompletion } from './completions.ts';
import { type ConversationDeps, converse } from './conversation.ts';
import { checkFile } from './file-check.ts';
import { standingOf } from './history.ts';
import type { LogFiles } from './log-files.ts';

/** How often a running conversation is looked at before its log is called broken. */
const MAX_LOOKS = 3;

export interface CoreDeps extends ConversationDeps {
  readonly files: LogFiles;
}

/** The core's interface over its store, its files and the models. */
export function createCore(deps: CoreDeps): CoreApi {
  const { store } = deps;
  const { secret } = deps.recorder;
  const counted = (verdict: ChainVerdict) => {
    deps.kit.metrics.inc('provenance_verifications_total', { status: verdict.ok ? 'ok' : 'broken' });
    return verdict;
  };
  return {
    chat: (request, call) => converse(deps, request, call),
    listConversations: (query, call) =>
      store.list(call.principal, { limit: query.limit, before: query.before }),
    async getConversation(id, call): Promise<Conversation> {
      const { summary, records } = await store.get(id, call.principal);
      return { ...summary, messages: [...records], decision: standingOf(records).decision ?? null };
    },
    verifyConversation: async (id, call) => counted(await verifyStored(deps, id, call)),
    verifyLog: (log) => Promise.resolve(counted(verifyLog(log, { secret }))),
    prompts: () => deps.prompts.list(),
    recordCompletion: async (request, call) => ({ id: await recordCompletion(deps.recorder, request, call) }),
  };
}

/** While a conversation runs, its file is a step behind or ahead of what was read from the store. */
async function verifyStored(deps: CoreDeps, id: string, call: CallContext): Promise<ChainVerdict> {
  for (let attempt = 1; ; attempt++) {
    const stored = await deps.store.get(id, call.principal);
    const { state, verdict } = await checkFile(deps.files, stored, deps.recorder.secret);
    const running = stored.summary.status === 'running';
    if (!running || state === 'same' || (state === 'broken' && attempt >= MAX_LOOKS)) return verdict;
    if (state === 'behind') {
      const head = stored.records.at(-1)?.hash ?? null;
      return { ...verdict, ok: true, broken_at: null, reason: null, head };
    }
  }
}
