import type {
  CallContext,
  ChatCompletionRequest,
  ChatMessage,
  RecordCompletionRequest,
} from '@mcp/contracts';
import type { Completion } from '@mcp/wire';
import type { Gateway } from '../gateway.ts';

export interface Recordable {
  readonly request: ChatCompletionRequest;
  readonly completion: Completion;
  readonly call: CallContext;
}

/**
 * Keeps a completion as a conversation log. The answer has been made by then: when it cannot be kept it is still
 * given, without an id, and the log says why.
 */
export async function recordCompletion(
  gateway: Gateway,
  recordable: Recordable,
): Promise<string | undefined> {
  const { call } = recordable;
  try {
    const { id } = await gateway.kit.clients.core.recordCompletion(toRecord(recordable), call);
    return id;
  } catch (error) {
    gateway.kit.log.error({ err: error, request_id: call.request_id }, 'a completion could not be recorded');
    return undefined;
  }
}

function toRecord({ request, completion }: Recordable): RecordCompletionRequest {
  const [choice] = completion.choices;
  return {
    model: completion.model,
    question: request.messages.flatMap(toQuestion),
    answer: choice?.text ?? '',
    ...(choice === undefined || choice.reasoning === '' ? {} : { reasoning: choice.reasoning }),
    finish_reason: choice?.finish ?? { unified: 'other', raw: null },
    usage: completion.usage ?? { input_tokens: 0, output_tokens: 0 },
  };
}

/** The record knows system and user only: other roles are told apart by a word before the text. */
function toQuestion(message: ChatMessage): RecordCompletionRequest['question'] {
  const content = textOf(message);
  switch (message.role) {
    case 'system':
    case 'developer':
      return [{ role: 'system', content }];
    case 'user':
      return [{ role: 'user', content }];
    case 'assistant':
    case 'tool':
      return [{ role: 'user', content: `[${message.role}] ${content}` }];
    default:
      return message satisfies never;
  }
}

function textOf({ content }: ChatMessage): string {
  if (content == null) return '';
  if (typeof content === 'string') return content;
  return content
    .map((part) => {
      switch (part.type) {
        case 'text':
          return part.text;
        case 'refusal':
          return part.refusal;
        case 'image_url':
          return '[image]';
        default:
          return part satisfies never;
      }
    })
    .join('\n');
}
