import { randomUUID } from 'node:crypto';
import type { ChainVerdict, Conversation, CoreApi } from '@mcp/contracts';
import { sealLog, verifyLog } from '@mcp/provenance';
import { type ConversationDeps, converse } from './conversation.ts';
import { standingOf } from './history.ts';
import type { LogFiles } from './log-files.ts';
import { Recorder } from './recorder.ts';
import type { Stored } from './store/conversations.ts';

export interface CoreDeps extends ConversationDeps {
  readonly files: LogFiles;
}

/** The core's interface over its store, its files and the models. */
export function createCore(deps: CoreDeps): CoreApi {
  const { store, files } = deps;
  const { secret } = deps.recorder;
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
      return compare(stored, await files.read(id).catch(() => 'unreadable'), secret);
    },
    verifyLog: (log) => Promise.resolve(verifyLog(log, { secret })),
    prompts: () => deps.prompts.list(),
    async recordCompletion(request, call) {
      const id = randomUUID();
      const created_at = new Date().toISOString();
      const trace_id = call.traceparent?.split('-')[1] ?? '0'.repeat(32);
      const recorder = new Recorder(
        deps.recorder,
        { id, version: 1, created_at, owner: call.principal.id, mode: 'answer', models: [request.model] },
        [],
      );
      const records = recorder.chain([
        ...request.question.map(({ role, content }) => ({ role, content, trace_id })),
        {
          role: 'modelA' as const,
          model: request.model,
          content: request.answer,
          trace_id,
          finish_reason: request.finish_reason,
          usage: request.usage,
          ...(request.reasoning === undefined ? {} : { reasoning: request.reasoning }),
        },
      ]);
      const title =
        request.question.findLast(({ role }) => role === 'user')?.content.slice(0, 80) ?? 'completion';
      const settings = { promptA: 'base_system', promptB: 'base_system', max_tokens_per_turn: 512 };
      await store.create({
        summary: {
          id,
          created_at,
          mode: 'answer',
          models: [request.model],
          title,
          status: 'completed',
          exchanges: 1,
          trace_id,
        },
        owner: call.principal.id,
        settings,
        records,
      });
      recorder.adopt(records);
      await recorder.seal();
      return { id };
    },
  };
}

/** The file must be a valid log, and the store must hold the same records. */
function compare(stored: Stored, file: unknown, secret: string): ChainVerdict {
  const { id } = stored.summary;
  const bad = (reason: string, at: number | null): ChainVerdict => ({
    id,
    ok: false,
    records: stored.records.length,
    broken_at: at,
    reason,
    head: null,
  });
  if (file === undefined) return bad('The log file is missing.', null);
  const verdict = verifyLog(file, { secret });
  if (!verdict.ok) return { ...verdict, id };
  const { created_at, mode, models } = stored.summary;
  const fromStore = verifyLog(
    sealLog({ id, version: 1, created_at, owner: stored.owner, mode, models }, stored.records, secret),
    { secret },
  );
  if (!fromStore.ok) return { ...fromStore, reason: `In the store: ${fromStore.reason}` };
  if (verdict.head !== fromStore.head)
    return bad(
      'The log file and the store hold different records.',
      Math.min(verdict.records, fromStore.records),
    );
  return verdict;
}
