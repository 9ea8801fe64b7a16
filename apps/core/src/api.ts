import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CallContext,
  type ChainVerdict,
  type Conversation,
  type ConversationSummary,
  type CoreApi,
  PlatformError,
} from '@mcp/contracts';
import { stateOf } from '@mcp/conversation';
import { provOf } from '@mcp/provenance';
import { requireAdmin } from '@mcp/service-kit';
import { type AuditDeps, auditApi } from './audit/api.ts';
import { type AnswerDeps, answersApi } from './conversations/answers.ts';
import { attach } from './conversations/attach.ts';
import { type ConversationDeps, converse } from './conversations/conversation.ts';
import { feedbackApi } from './conversations/feedback.ts';
import { recordReading } from './encryption/accesses.ts';
import { type EncryptionDeps, encryptionApi } from './encryption/api.ts';
import { verifyGiven } from './log/bundles.ts';
import { checkNext, checkSample, type LogCheckDeps } from './log/check.ts';
import { readLineage } from './log/lineage.ts';
import { verdictOn } from './log/verdicts.ts';
import { type RetentionDeps, retentionApi } from './retention/api.ts';
import type { FeedbackStore } from './store/feedback.ts';
import type { LogEntries } from './store/log-entries.ts';
import type { Upkeep } from './store/upkeep.ts';

const FOR_CHECKERS = 'The logs of everybody are checked by administrators.';
/** How long a cancelled conversation may take to end, looked at this often. */
const CANCEL_MS = 5000;
const LOOK_EVERY_MS = 25;

export interface CoreDeps
  extends ConversationDeps,
    LogCheckDeps,
    AnswerDeps,
    AuditDeps,
    EncryptionDeps,
    RetentionDeps {
  readonly entries: LogEntries;
  readonly feedback: FeedbackStore;
  readonly upkeep: Upkeep;
}

/** The core's interface over its store, the archive of its logs and the models. */
export function createCore(deps: CoreDeps): CoreApi {
  const { store, signing } = deps;
  const counted = (verdict: ChainVerdict) => {
    deps.kit.metrics.inc('provenance_verifications_total', { status: verdict.status });
    return verdict;
  };
  return {
    chat: (request, call) => converse(deps, request, call),
    listConversations: ({ limit, cursor }, call) => store.list(call.principal, { limit, cursor }),
    events: (id, { after }, call) => attach(deps, { id, after }, call),
    cancelConversation: (id, call) => cancel(deps, id, call),
    async getConversation(id, call): Promise<Conversation> {
      const stored = await store.get(id, call.principal);
      await recordReading(deps.accesses, stored, call);
      const { summary, records } = stored;
      return { ...summary, messages: [...records], decision: stateOf(records).decision?.decision ?? null };
    },
    async verifyConversation(id, call) {
      const { verdict, uncommitted } = await verdictOn(deps, id, call.principal);
      if (verdict.status === 'broken') {
        await deps.checks.record(verdict);
        await deps.alerts.send();
      }
      // What should be kept outside and is not, is put there again by the next sweep.
      if (verdict.status === 'unconfirmed' && !uncommitted && deps.heads.reachable)
        await deps.upkeep.recommit(id);
      return counted(verdict);
    },
    lineage: (id, call) => readLineage(deps, id, call),
    lineageAsProv: async (id, call) => provOf(await readLineage(deps, id, call)),
    verifyLog: async (given, call) => counted(await verifyGiven(deps, given, call)),
    logKeys: () => Promise.resolve(signing.published()),
    changeLogKeys: (change, call) => signing.change(change, call),
    async checkLogs(call) {
      requireAdmin(call, FOR_CHECKERS);
      return checkNext(deps, call.signal);
    },
    async sampleLogs({ conversations }, call) {
      requireAdmin(call, FOR_CHECKERS);
      return checkSample(deps, conversations, call.signal);
    },
    prompts: () => deps.prompts.list(),
    graphs: () => Promise.resolve(deps.graphs.list()),
    ...answersApi(deps),
    ...encryptionApi(deps),
    ...feedbackApi(deps),
    ...auditApi(deps),
    ...retentionApi(deps),
  };
}

/** Cancels a conversation wherever it runs, and waits until it has ended. */
async function cancel(deps: CoreDeps, id: string, call: CallContext): Promise<ConversationSummary> {
  const { summary } = await deps.store.get(id, call.principal);
  if (summary.status !== 'running')
    throw new PlatformError('conflict', `The conversation ${id} is ${summary.status} already.`);
  deps.runs.cancel(id);
  deps.log.publishCancel(id);
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
