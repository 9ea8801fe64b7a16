import {
  type CallContext,
  type ChatCompletionRequest,
  type ChatMessage,
  type KeepAnswerRequest,
  type RecordCompletionRequest,
  type ResponsesRequest,
  type SafetyVerdict,
  type StoredAnswer,
  textOf,
} from '@mcp/contracts';
import {
  type Completion,
  encodeChatCompletion,
  type ResponseObject,
  type Said,
  type SaidItem,
  withIds,
} from '@mcp/wire';
import type { Gateway } from '../gateway.ts';
import type { Completing } from './inference.ts';

/** The log holds text only. */
const PICTURES = { picture: () => '[image]' };

/** Whether what is asked to be kept is kept. */
export function keepsAnswers({ kit }: Gateway): boolean {
  return kit.flags.enabled('RECORD_COMPLETIONS_ENABLED');
}

export interface Recordable {
  readonly request: ChatCompletionRequest;
  readonly completion: Completion;
  readonly call: CallContext;
  /** What was found in it. */
  readonly safety?: SafetyVerdict | undefined;
  /** What became of personal data in what was asked. */
  readonly privacy: Private;
  /** Of a model that is a conversation: that one's log has it already. */
  readonly conversation_id?: string | undefined;
}

type Private = Completing['privacy'];

/** Keeps a completion, to be asked for again, and in a conversation log. Returns the conversation's id. */
export function recordCompletion(gateway: Gateway, recordable: Recordable): Promise<string | undefined> {
  const { request, call, conversation_id, safety, privacy } = recordable;
  const completion = asStored(recordable.completion, privacy);
  const { choices: output, ...body } = encodeChatCompletion(completion);
  const answer: KeepAnswerRequest = {
    id: completion.id,
    kind: 'chat.completion',
    model: completion.model,
    previous_id: null,
    metadata: request.metadata ?? {},
    input: JSON.stringify(request.messages),
    output: JSON.stringify(output),
    body: JSON.stringify(body),
    log: logOf(conversation_id, {
      record: {
        question: request.messages.flatMap(toQuestion),
        ...answerOf(completion, safety),
        pii: privacy.action,
      },
      earlier: [],
    }),
  };
  return keep(gateway, answer, call);
}

/** What its client was given back is stored by the names that the model was shown. */
function asStored<T>(answer: T, { action, session }: Private): T {
  return session === undefined || action !== 'tokenize' ? answer : session.stored(answer);
}

/** A stored completion as its client gets it again. */
export function storedCompletion({ body, output, metadata }: Omit<StoredAnswer, 'input'>): object {
  return { ...(JSON.parse(body) as object), choices: JSON.parse(output) as unknown, metadata };
}

export interface RecordableResponse {
  readonly request: ResponsesRequest;
  readonly said: Said;
  readonly response: ResponseObject;
  readonly id: string;
  readonly completion: Completion;
  readonly call: CallContext;
  readonly conversation_id: string | undefined;
  readonly safety: SafetyVerdict | undefined;
  readonly privacy: Private;
}

/** The same for a response; one that goes on with another is recorded in the same log. */
export function recordResponse(
  gateway: Gateway,
  recordable: RecordableResponse,
): Promise<string | undefined> {
  const { request, said, id, call, privacy } = recordable;
  const completion = asStored(recordable.completion, privacy);
  const { output, ...body } = asStored(recordable.response, privacy);
  const { instructions } = request;
  const system = instructions == null ? [] : [{ role: 'system' as const, content: instructions }];
  const answer: KeepAnswerRequest = {
    id,
    kind: 'response',
    model: completion.model,
    previous_id: request.previous_response_id ?? null,
    metadata: request.metadata ?? {},
    input: JSON.stringify(withIds(said.items, id)),
    output: JSON.stringify(output),
    body: JSON.stringify(body),
    log: logOf(recordable.conversation_id, {
      record: {
        question: [...system, ...said.items.flatMap(itemQuestion)],
        ...answerOf(completion, recordable.safety),
        pii: privacy.action,
      },
      earlier: said.earlier.flatMap(itemQuestion),
    }),
  };
  return keep(gateway, answer, call);
}

/** A stored response as its client gets it again. */
export function storedResponse({
  body,
  output,
  metadata,
  conversation_id,
}: Omit<StoredAnswer, 'input'>): object {
  const parsed = JSON.parse(body) as object;
  return { ...parsed, output: JSON.parse(output) as unknown, metadata, mcp: { conversation_id } };
}

/**
 * The answer has been made by then: when it cannot be kept it is still given, without a conversation, and the log says
 * why.
 */
async function keep(
  gateway: Gateway,
  answer: KeepAnswerRequest,
  call: CallContext,
): Promise<string | undefined> {
  try {
    const { conversation_id } = await gateway.kit.clients.core.keepAnswer(answer, call);
    return conversation_id;
  } catch (error) {
    gateway.kit.log.error({ err: error, request_id: call.request_id }, 'an answer could not be kept');
    return undefined;
  }
}

function logOf(
  conversation_id: string | undefined,
  own: Omit<Extract<KeepAnswerRequest['log'], { in: 'answers' }>, 'in'>,
): KeepAnswerRequest['log'] {
  return conversation_id === undefined ? { in: 'answers', ...own } : { in: 'conversation', conversation_id };
}

function answerOf(
  { model, choices: [choice], usage }: Completion,
  safety: SafetyVerdict | undefined,
): Omit<RecordCompletionRequest, 'question'> {
  const calls =
    choice?.tool_calls.map(({ function: { name, arguments: given } }) => callText(name, given)) ?? [];
  const text = choice?.text ?? '';
  return {
    model,
    answer: [...(text === '' ? [] : [text]), ...calls].join('\n'),
    ...(choice === undefined || choice.reasoning === '' ? {} : { reasoning: choice.reasoning }),
    finish_reason: choice?.finish ?? { unified: 'other', raw: null },
    usage: usage ?? { input_tokens: 0, output_tokens: 0 },
    ...(safety === undefined ? {} : { safety }),
  };
}

type Question = RecordCompletionRequest['question'];

/** The record knows system and user only: other roles are told apart by a word before the text. */
function questionOf(role: ChatMessage['role'], content: string): Question {
  switch (role) {
    case 'system':
    case 'developer':
      return [{ role: 'system', content }];
    case 'user':
      return [{ role: 'user', content }];
    case 'assistant':
    case 'tool':
      return [{ role: 'user', content: `[${role}] ${content}` }];
    default:
      return role satisfies never;
  }
}

function toQuestion(message: ChatMessage): Question {
  return questionOf(message.role, textOf(message.content, PICTURES));
}

function itemQuestion(item: SaidItem): Question {
  switch (item.type) {
    case 'message':
      return questionOf(item.role, textOf(item.content, PICTURES));
    case 'function_call':
      return questionOf('assistant', callText(item.name, item.arguments));
    case 'function_call_output':
      return questionOf('tool', textOf(item.output, PICTURES));
    case 'reasoning':
      return [];
    default:
      return item satisfies never;
  }
}

function callText(name: string, given: string): string {
  return `[tool_call] ${name} ${given}`;
}
