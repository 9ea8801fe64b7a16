import type { ChainVerdict, Conversation, CoreApi } from '@mcp/contracts';
import { verifyLog } from '@mcp/provenance';
import { recordCompletion } from './completions.ts';
import { type ConversationDeps, converse } from './conversation.ts';
import { checkFile } from './file-check.ts';
import { standingOf } from './history.ts';
import type { LogFiles } from './log-files.ts';

export interface CoreDeps extends ConversationDeps {
  readonly files: LogFiles;
}

/** The core's interface over its store, its files and the models. */
export function createCore(deps: CoreDeps): CoreApi {
  const { store, files } = deps;
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
    async verifyConversation(id, call): Promise<ChainVerdict> {
      const stored = await store.get(id, call.principal);
      const { state, verdict } = await checkFile(files, stored, secret);
      // While a conversation runs, its file is one step behind at times.
      const fine = state === 'behind' && stored.summary.status === 'running';
      return counted(
        fine
          ? { ...verdict, ok: true, broken_at: null, reason: null, head: stored.records.at(-1)?.hash ?? null }
          : verdict,
      );
    },
    verifyLog: (log) => Promise.resolve(counted(verifyLog(log, { secret }))),
    prompts: () => deps.prompts.list(),
    recordCompletion: async (request, call) => ({ id: await recordCompletion(deps.recorder, request, call) }),
  };
}
