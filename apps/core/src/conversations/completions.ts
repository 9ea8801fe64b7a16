import { randomUUID } from 'node:crypto';
import type { CallContext, RecordCompletionRequest } from '@mcp/contracts';
import { type NewStep, Recorder, type RecorderDeps } from '../log/recorder.ts';
import type { NewConversation } from '../store/conversations.ts';
import { titleOf, traceOf } from './sessions.ts';
import { DEFAULT_TURN_TOKENS } from './settings.ts';

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
      participants: [{ id: 'modelA', model: request.model, prompt: null }],
      title: titleOf(asked ?? 'completion'),
      status: 'completed',
      exchanges: 1,
      trace_id,
    },
    owner: call.principal.id,
    settings: { max_tokens_per_turn: DEFAULT_TURN_TOKENS },
  };
  const recorder = await Recorder.begin(deps, conversation, (newStepId) => {
    const asked = request.question.map(({ role, content }): NewStep => {
      const kind = role === 'user' ? 'question' : 'system';
      return { step: newStepId(), kind, parents: [], content, trace_id };
    });
    const answer: NewStep = {
      step: newStepId(),
      kind: 'turn',
      parents: asked.map(({ step }) => step),
      participant: 'modelA',
      model: request.model,
      content: request.answer,
      trace_id,
      finish_reason: request.finish_reason,
      usage: request.usage,
      ...(request.reasoning === undefined ? {} : { reasoning: request.reasoning }),
    };
    return [...asked, answer];
  });
  await recorder.close('completed');
  return conversation.summary.id;
}
