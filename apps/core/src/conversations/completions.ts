import { randomUUID } from 'node:crypto';
import type { CallContext, RecordCompletionRequest } from '@mcp/contracts';
import { Recorder, type RecorderDeps, type Saying } from '../log/recorder.ts';
import type { NewConversation, Stored } from '../store/conversations.ts';
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
  const recorder = await Recorder.begin(deps, conversation, sayingsOf(request, trace_id));
  await recorder.close('completed');
  return conversation.summary.id;
}

/** Goes on with a finished conversation by one more question and answer. Throws `conflict` when another run has it. */
export async function recordAnswer(
  deps: RecorderDeps,
  { stored, said }: { readonly stored: Stored; readonly said: RecordCompletionRequest },
  call: CallContext,
): Promise<void> {
  const recorder = await Recorder.resume(deps, stored, stored.summary.exchanges);
  try {
    await recorder.append(sayingsOf(said, traceOf(call)));
  } finally {
    await recorder.close('completed');
  }
}

function sayingsOf(request: RecordCompletionRequest, trace_id: string): Saying[] {
  return [
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
  ];
}
