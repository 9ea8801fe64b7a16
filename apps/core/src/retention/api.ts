/** The part of the core's interface about how long what was said is kept, and for whom it is given out or erased. */
import type { CallContext, CoreApi, Retention, SubjectConversations } from '@mcp/contracts';
import { requireAdmin, requireSubject } from '@mcp/service-kit';
import type { AccessLog } from '../encryption/accesses.ts';
import type { Eraser } from '../encryption/eraser.ts';
import { logOf } from '../log/state.ts';
import type { AnswerStore } from '../store/answers.ts';
import type { ConversationStore } from '../store/conversations.ts';
import type { FeedbackStore } from '../store/feedback.ts';
import { held, type LegalHolds } from '../store/legal-holds.ts';
import type { RetentionStore } from '../store/retention.ts';
import type { Pruner } from './pruner.ts';
import { dueBefore } from './terms.ts';

const FOR_KEEPERS = 'Retention and legal holds are for administrators.';
const whatIsStored = (owner: string) => `What is stored of ${owner} is`;
/** A page of an export ends behind the conversation that makes it longer than this. */
const MAX_PAGE_CHARS = 4 * 1024 * 1024;
const MAX_PAGE_CONVERSATIONS = 50;
/** Conversations that one call erases. */
const MAX_ERASED = 50;

export interface RetentionDeps {
  readonly policy: Retention;
  readonly pruner: Pruner;
  readonly retention: RetentionStore;
  readonly holds: LegalHolds;
  readonly store: ConversationStore;
  readonly answers: AnswerStore;
  readonly feedback: FeedbackStore;
  readonly accesses: AccessLog;
  readonly eraser: Eraser;
}

type RetentionApi = Pick<
  CoreApi,
  | 'prune'
  | 'dueJobs'
  | 'retentionReport'
  | 'setLegalHold'
  | 'liftLegalHold'
  | 'listLegalHolds'
  | 'exportSubject'
  | 'eraseSubject'
>;

export function retentionApi(deps: RetentionDeps): RetentionApi {
  const { policy, pruner, retention, holds } = deps;
  return {
    async prune(call) {
      requireAdmin(call, FOR_KEEPERS);
      return pruner.next(call);
    },
    async dueJobs({ jobs }, call) {
      requireAdmin(call, FOR_KEEPERS);
      const now_ms = Date.now();
      const old = jobs.filter(({ owner, ended_at }) => {
        const before = dueBefore(policy, 'job_days', { owner, now_ms });
        return before !== undefined && ended_at < before;
      });
      const due: string[] = [];
      for (const { id, owner, conversation_ids } of old)
        if ((await holds.ofOwner(owner)) === undefined && !(await holds.ofAny(conversation_ids)))
          due.push(id);
      return { due, held: old.length - due.length };
    },
    async retentionReport({ before }, call) {
      requireAdmin(call, FOR_KEEPERS);
      const [inForce, passes, statistics] = await Promise.all([
        holds.inForce(),
        retention.passes(),
        retention.statistics(before),
      ]);
      return { policy, holds: inForce, passes, statistics };
    },
    async setLegalHold(request, call) {
      requireAdmin(call, FOR_KEEPERS);
      return holds.set(request, call.principal.id);
    },
    async liftLegalHold(id, call) {
      requireAdmin(call, FOR_KEEPERS);
      return holds.lift(id, call.principal.id);
    },
    async listLegalHolds(query, call) {
      requireAdmin(call, FOR_KEEPERS);
      return holds.list(query);
    },
    async exportSubject(owner, { cursor }, call) {
      requireSubject(owner, call, whatIsStored);
      // Each page: whoever knows a cursor leaves its trace as well.
      await deps.accesses.record({ action: 'export', owner, conversation_id: '' }, call);
      // Conversations come first, then jobs, which are not here.
      if (cursor?.startsWith('jobs:')) return { owner, conversations: [], next_cursor: null };
      return exported(deps, { owner, cursor }, call);
    },
    async eraseSubject(owner, call) {
      requireSubject(owner, call, whatIsStored);
      const hold = await holds.ofOwner(owner);
      if (hold !== undefined) throw held(`What ${owner} said`, hold);
      await deps.accesses.record({ action: 'erase', owner, conversation_id: '' }, call);
      const ids = await deps.store.idsOf(owner, { after: '', limit: MAX_ERASED });
      for (const id of ids) await deps.eraser.erase(id, call);
      const complete = ids.length < MAX_ERASED;
      if (complete) {
        await deps.answers.deleteAllOf(owner);
        await deps.feedback.deleteAllOf(owner);
      }
      return { owner, erased: ids.length, complete };
    },
  };
}

async function exported(
  { store, answers, feedback }: RetentionDeps,
  { owner, cursor }: { readonly owner: string; readonly cursor: string | undefined },
  call: CallContext,
): Promise<SubjectConversations> {
  const ids = await store.idsOf(owner, { after: cursor ?? '', limit: MAX_PAGE_CONVERSATIONS + 1 });
  const conversations: SubjectConversations['conversations'] = [];
  let chars = 0;
  for (const id of ids.slice(0, MAX_PAGE_CONVERSATIONS)) {
    if (chars > MAX_PAGE_CHARS) break;
    const stored = await store.get(id, call.principal);
    const one = {
      title: stored.summary.title,
      log: logOf(stored),
      answers: await answers.inConversation(id, owner),
      feedback: await feedback.ofConversation(id),
    };
    chars += JSON.stringify(one).length;
    conversations.push(one);
  }
  const last = conversations.at(-1)?.log.id;
  return {
    owner,
    conversations,
    next_cursor: last === undefined || conversations.length === ids.length ? null : last,
  };
}
