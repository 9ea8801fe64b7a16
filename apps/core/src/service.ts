import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CallContext,
  type ChainVerdict,
  type Conversation,
  type ConversationSummary,
  type CoreApi,
  PlatformError,
} from '@mcp/contracts';
import { verifyLog } from '@mcp/provenance';
import { attach } from './attach.ts';
import { recordCompletion } from './completions.ts';
import { type ConversationDeps, converse } from './conversation.ts';
import { checkFile } from './file-check.ts';
import { standingOf } from './history.ts';
import type { LogFiles } from './log-files.ts';

/** How often a running conversation is looked at before its log is called broken. */
const MAX_LOOKS = 3;
/** How long a cancelled conversation may take to end, looked at this often. */
const CANCEL_MS = 5000;
const LOOK_EVERY_MS = 25;

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
    events: (id, { after }, call) => attach(deps, { id, after }, call),
    cancelConversation: (id, call) => cancel(deps, id, call),
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

/** Cancels a conversation wherever it runs, and waits until it has ended. */
async function cancel(deps: CoreDeps, id: string, call: CallContext): Promise<ConversationSummary> {
  const { summary } = await deps.store.get(id, call.principal);
  if (summary.status !== 'running')
    throw new PlatformError('conflict', `The conversation ${id} is ${summary.status} already.`);
  deps.runs.cancel(id);
  deps.log.tellCancel(id);
  for (const until_ms = Date.now() + CANCEL_MS; Date.now() < until_ms; ) {
    const now = await deps.store.get(id, call.principal);
    if (now.summary.status !== 'running') return now.summary;
    await sleep(LOOK_EVERY_MS, undefined, { signal: call.signal });
  }
  throw new PlatformError(
    'unavailable',
    `The conversation ${id} could not be cancelled yet: who works on it does not answer. Try again in a few seconds.`,
    { retry_after_ms: 2000 },
  );
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
