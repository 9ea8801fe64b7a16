import { randomUUID } from 'node:crypto';
import type { CallContext, RecordCompletionRequest } from '@mcp/contracts';
import { Recorder, type RecorderDeps } from '../log/recorder.ts';
import type { NewConversation } from '../store/conversations.ts';
import { titleOf, traceOf } from './sessions.ts';

/** Keeps a plain completion as a finished conversation of one model, in mode `answer`. Returns its id. */
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
      models: [request.model],
      title: titleOf(asked ?? 'completion'),
      status: 'completed',
      exchanges: 1,
      trace_id,
    },
    owner: call.principal.id,
    settings: { promptA: 'base_system', promptB: 'base_system', max_tokens_per_turn: 512 },
  };
  const recorder = await Recorder.begin(deps, conversation, [
    ...request.question.map(({ role, content }) => ({ role, content, trace_id })),
    {
      role: 'modelA',
      model: request.model,
      content: request.answer,
      trace_id,
      finish_reason: request.finish_reason,
      usage: request.usage,
      ...(request.reasoning === undefined ? {} : { reasoning: request.reasoning }),
    },
  ]);
  await recorder.close('completed');
  return conversation.summary.id;
}
