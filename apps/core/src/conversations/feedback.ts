/** Keeps what the owner of a conversation says of one of its decisions, bound to the decision's record. */
import {
  type ArbitrationTerms,
  type CallContext,
  type CoreApi,
  type Decision,
  Evidence,
  type Feedback,
  type FeedbackRequest,
  type LogRecord,
  PlatformError,
} from '@mcp/contracts';
import { requireAdmin } from '@mcp/service-kit';
import type { CoreKit } from '../kit.ts';
import type { ConversationStore } from '../store/conversations.ts';
import type { FeedbackStore } from '../store/feedback.ts';

export interface FeedbackDeps {
  readonly kit: Pick<CoreKit, 'metrics'>;
  readonly store: Pick<ConversationStore, 'get'>;
  readonly feedback: FeedbackStore;
  readonly terms: ArbitrationTerms;
}

/** The part of the core's interface that is about feedback. */
export function feedbackApi(deps: FeedbackDeps): Pick<CoreApi, 'giveFeedback' | 'listFeedback'> {
  return {
    giveFeedback: (id, request, call) => give(deps, { id, request }, call),
    async listFeedback(query, call) {
      requireAdmin(call, 'Feedback of everybody is listed for administrators.');
      return { terms: deps.terms, ...(await deps.feedback.list(query)) };
    },
  };
}

async function give(
  { kit, store, feedback }: FeedbackDeps,
  { id, request }: { readonly id: string; readonly request: FeedbackRequest },
  call: CallContext,
): Promise<Feedback> {
  const { owner, records } = await store.get(id, call.principal);
  if (owner !== call.principal.id)
    throw new PlatformError(
      'forbidden',
      `The conversation ${id} is somebody else's: its owner alone says how good its decisions are. Use the key that began it.`,
    );
  const { record, decision } = decisionIn(records, { id, step: request.step });
  const { score = null, better = null, comment = null } = request;
  if (better !== null && !answersOf(decision).includes(better))
    throw new PlatformError(
      'invalid_request',
      `better: ${better} is none of the answers of this decision, which are ${answersOf(decision).join(', ')}. Give the message_id of one of them.`,
      { param: 'better' },
    );
  const { seq, hash } = record;
  const given: Feedback = {
    conversation_id: id,
    seq,
    hash,
    given_at: new Date().toISOString(),
    score,
    better,
    comment,
  };
  await feedback.put(given, { owner, evidence: evidenceOf(decision) });
  kit.metrics.inc('model_arbitration_feedback_total', { kind: better === null ? 'score' : 'better' });
  return given;
}

function decisionIn(
  records: readonly LogRecord[],
  { id, step }: { readonly id: string; readonly step: string | undefined },
): { readonly record: LogRecord; readonly decision: Decision } {
  const record = records.findLast(
    (one) => one.decision !== undefined && (step === undefined || ('step' in one && one.step === step)),
  );
  if (record?.decision !== undefined) return { record, decision: record.decision };
  if (step === undefined)
    throw new PlatformError(
      'conflict',
      `The conversation ${id} has no decision yet. Wait for its end, then say how good it was.`,
    );
  throw new PlatformError(
    'invalid_request',
    `step: ${step} is no decision of the conversation ${id}. Leave it out for the latest one.`,
    { param: 'step' },
  );
}

/** The answers that may be called the best: those that were scored, or the one that stands. */
function answersOf({ candidates, message_id }: Decision): string[] {
  return candidates.length === 0 ? [message_id] : candidates.map((one) => one.message_id);
}

function evidenceOf(decision: Decision): Evidence {
  const strengths = (decision.contradictions ?? []).map(({ strength }) => strength);
  return Evidence.parse({ ...decision, contradiction: Math.max(0, ...strengths) });
}
