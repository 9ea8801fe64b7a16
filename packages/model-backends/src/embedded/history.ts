import type { ChatMessage, Tool } from '@mcp/contracts';
import type { ChatHistoryItem, ChatModelFunctions } from 'node-llama-cpp';
import { textOf } from '../text.ts';
import { toGrammarSchema } from './schema.ts';

/** The wire's messages as llama.cpp's history; a tool's answer joins the call it belongs to. */
export function toHistory(messages: readonly ChatMessage[]): ChatHistoryItem[] {
  const results = new Map(
    messages.flatMap((message) =>
      message.role === 'tool' ? [[message.tool_call_id, textOf(message)] as const] : [],
    ),
  );
  const history = messages.flatMap((message): ChatHistoryItem[] => {
    switch (message.role) {
      case 'system':
      case 'developer':
        return [{ type: 'system', text: textOf(message) }];
      case 'user':
        return [{ type: 'user', text: textOf(message) }];
      case 'assistant': {
        const text = textOf(message);
        const calls = (message.tool_calls ?? []).map((call) => ({
          type: 'functionCall' as const,
          name: call.function.name,
          params: parsed(call.function.arguments),
          result: results.get(call.id) ?? '',
        }));
        return [
          {
            type: 'model',
            response: [...(text === '' ? [] : [text]), ...calls],
          },
        ];
      }
      case 'tool':
        return [];
      default:
        return message satisfies never;
    }
  });
  const last = messages.at(-1)?.role;
  // After a tool's answer the same model turn goes on; otherwise a new one begins.
  if (last !== 'tool') history.push({ type: 'model', response: [] });
  return history;
}

/** Tools as llama.cpp's functions. */
export function toFunctions(tools: readonly Tool[]): ChatModelFunctions {
  return Object.fromEntries(
    tools.map(({ function: { name, description, parameters } }) => [
      name,
      {
        ...(description === undefined ? {} : { description }),
        ...(parameters === undefined
          ? {}
          : { params: toGrammarSchema(parameters, { param: 'tools', strict: false }) }),
      },
    ]),
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
