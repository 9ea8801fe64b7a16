import { setTimeout as sleep } from 'node:timers/promises';
import type { CallContext, ChatEvent, ChatResponse, Conversation, CoreApi, LogRecord } from '@mcp/contracts';
import type { Progress } from './events.ts';

const LOOK_EVERY_MS = 50;

type Over = Conversation & { readonly status: ChatResponse['status'] };

/**
 * The last events of a conversation whose stream was cut by its own cancel: between two processes a cancel closes the
 * connection on which they would have come, so they are read from the record. None when there is no record or it is
 * not settled before the call ends.
 */
export async function farewell(core: CoreApi, progress: Progress, call: CallContext): Promise<ChatEvent[]> {
  const { conversation_id, seq } = progress;
  if (conversation_id === null) return [];
  while (!call.signal.aborted) {
    const found = await core.getConversation(conversation_id, call).catch(() => undefined);
    if (found === undefined) return [];
    if (isOver(found)) return lastEvents(found, seq + 1);
    await sleep(LOOK_EVERY_MS, undefined, { signal: call.signal }).catch(() => undefined);
  }
  return [];
}

function isOver(conversation: Conversation): conversation is Over {
  return conversation.status !== 'running' && conversation.status !== 'failed';
}

function lastEvents(conversation: Over, seq: number): ChatEvent[] {
  const { messages } = conversation;
  const said = messages
    .slice(messages.findLastIndex(({ role }) => role === 'user') + 1)
    .filter(({ role }) => role === 'modelA' || role === 'modelB');
  const whole = said.filter(isWhole).map(turnOf);
  const done = { type: 'done', response: responseOf(conversation, whole) } as const;
  const last = said.at(-1);
  if (last?.finish_reason?.unified !== 'cancelled') return [{ ...done, seq }];
  const { role: _role, model: _model, ...end } = turnOf(last, whole.length);
  return [
    { type: 'message.end', seq, ...end },
    { ...done, seq: seq + 1 },
  ];
}

function isWhole({ finish_reason }: LogRecord): boolean {
  return finish_reason?.unified !== 'cancelled' && finish_reason?.unified !== 'error';
}

function turnOf(record: LogRecord, turn: number): ChatResponse['messages'][number] {
  return {
    message_id: record.message_id,
    turn,
    role: record.role === 'modelB' ? 'modelB' : 'modelA',
    model: record.model ?? '',
    content: record.content,
    finish_reason: record.finish_reason ?? { unified: 'other', raw: null },
    usage: record.usage ?? { input_tokens: 0, output_tokens: 0 },
  };
}

function responseOf(conversation: Over, messages: ChatResponse['messages']): ChatResponse {
  const { id, trace_id, mode, models, decision, status } = conversation;
  const [a = '', b = a] = models;
  const chosen = messages.find(({ message_id }) => message_id === decision?.message_id) ?? messages.at(-1);
  return {
    id,
    trace_id,
    mode,
    models: [a, b],
    messages,
    answer: chosen?.content ?? '',
    decision,
    usage: {
      input_tokens: messages.reduce((sum, { usage }) => sum + usage.input_tokens, 0),
      output_tokens: messages.reduce((sum, { usage }) => sum + usage.output_tokens, 0),
    },
    status,
  };
}
