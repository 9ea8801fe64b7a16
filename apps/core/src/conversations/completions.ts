import { randomUUID } from 'node:crypto';
import type { CallContext, RecordCompletionRequest } from '@mcp/contracts';
import { stepsOf } from '@mcp/conversation';
import { type NewStep, Recorder, type RecorderDeps, taggedAs } from '../log/recorder.ts';
import type { NewConversation, Stored } from '../store/conversations.ts';
import { titleOf, traceOf } from './sessions.ts';
import { DEFAULT_TURN_TOKENS } from './settings.ts';

/** The one participant of a recorded completion. */
const PARTICIPANT = 'modelA';

/** Keeps a plain completion as a finished conversation of one participant, in mode `answer`. Returns its id. */
export async function recordCompletion(
  deps: RecorderDeps,
  request: RecordCompletionRequest,
  call: CallContext,
): Promise<string> {
  const trace_id = traceOf(call);
  const asked = request.question.findLast(({ role }) => role === 'user')?.content;
  const conversation: NewConversation = {
    summary: {
      id: randomUUID(),
      created_at: new Date().toISOString(),
      mode: 'answer',
      participants: [{ id: PARTICIPANT, model: request.model, prompt: null }],
      title: titleOf(asked ?? 'completion'),
      status: 'completed',
      exchanges: 1,
      trace_id,
    },
    owner: call.principal.id,
    settings: { max_tokens_per_turn: DEFAULT_TURN_TOKENS },
  };
  const recorder = await Recorder.begin(taggedAs(deps, request.pii), conversation, (newStepId) =>
    stepsFor(request, { before: [], newStepId, trace_id }),
  );
  await recorder.close('completed');
  return conversation.summary.id;
}

/** Goes on with a finished conversation by one more question and answer. Throws `conflict` when another run has it. */
export async function recordAnswer(
  deps: RecorderDeps,
  { stored, said }: { readonly stored: Stored; readonly said: RecordCompletionRequest },
  call: CallContext,
): Promise<void> {
  const recorder = await Recorder.resume(taggedAs(deps, said.pii), stored, stored.summary.exchanges);
  const before = stepsOf(stored.records).map(({ id }) => id);
  try {
    const { newStepId } = recorder;
    await recorder.append(stepsFor(said, { before, newStepId, trace_id: traceOf(call) }));
  } finally {
    await recorder.close('completed');
  }
}

interface Place {
  /** Steps that the model was shown before these. */
  readonly before: readonly string[];
  readonly newStepId: () => string;
  readonly trace_id: string;
}

/** What was asked, and the answer to it and to all before. */
function stepsFor(request: RecordCompletionRequest, { before, newStepId, trace_id }: Place): NewStep[] {
  const asked = request.question.map(({ role, content }): NewStep => {
    const kind = role === 'user' ? 'question' : 'system';
    return { step: newStepId(), kind, parents: [], content, trace_id };
  });
  const answer: NewStep = {
    step: newStepId(),
    kind: 'turn',
    parents: [...before, ...asked.map(({ step }) => step)],
    participant: PARTICIPANT,
    model: request.model,
    content: request.answer,
    trace_id,
    finish_reason: request.finish_reason,
    usage: request.usage,
    ...(request.safety === undefined ? {} : { safety: request.safety }),
    ...(request.reasoning === undefined ? {} : { reasoning: request.reasoning }),
  };
  return [...asked, answer];
}
