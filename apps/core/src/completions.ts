import { randomUUID } from 'node:crypto';
import type { CallContext, RecordCompletionRequest } from '@mcp/contracts';
import type { LogHeader } from '@mcp/provenance';
import { Recorder, type RecorderDeps } from './recorder.ts';
import { titleOf, traceOf } from './sessions.ts';

/** Keeps a plain completion as a finished conversation of one model, in mode `answer`. Returns its id. */
export async function recordCompletion(
  deps: RecorderDeps,
  request: RecordCompletionRequest,
  call: CallContext,
): Promise<string> {
  const header: LogHeader = {
    id: randomUUID(),
    version: 1,
    created_at: new Date().toISOString(),
    owner: call.principal.id,
    mode: 'answer',
    models: [request.model],
  };
  const trace_id = traceOf(call);
  const recorder = new Recorder(deps, header, []);
  const records = recorder.chain([
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
  const { id, created_at, mode, models, owner } = header;
  const asked = request.question.findLast(({ role }) => role === 'user')?.content;
  await deps.store.create({
    summary: {
      id,
      created_at,
      mode,
      models,
      title: titleOf(asked ?? 'completion'),
      status: 'completed',
      exchanges: 1,
      trace_id,
    },
    owner,
    settings: { promptA: 'base_system', promptB: 'base_system', max_tokens_per_turn: 512 },
    records,
  });
  recorder.adopt(records);
  await recorder.seal();
  await recorder.close('completed');
  return id;
}
