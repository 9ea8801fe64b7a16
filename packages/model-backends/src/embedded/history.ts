/** The wire's messages as llama.cpp's history. */

import type { ChatMessage, Tool } from '@mcp/contracts';
import type { ChatHistoryItem } from 'node-llama-cpp';
import { begunAnswer, textOf } from '../text.ts';
import { type CallSyntax, callsText, resultsText } from './calls/syntax.ts';

export interface HistoryOptions {
  readonly syntax: CallSyntax;
  /** What the model is shown as callable. */
  readonly tools: readonly Tool[];
  /** An answer that the last message has begun is gone on with; false: what follows is a new one. */
  readonly goes_on: boolean;
}

/**
 * Calls are put back as the model would have written them; what functions answered is told by the user, as in the
 * templates.
 */
export function toHistory(
  messages: readonly ChatMessage[],
  { syntax, tools, goes_on }: HistoryOptions,
): ChatHistoryItem[] {
  const history: ChatHistoryItem[] = [];
  let called: readonly string[] = [];
  let results: { readonly id: string; readonly text: string }[] = [];
  const tellResults = (more: readonly string[] = []) => {
    // The templates know no ids: results stand in the order of their calls.
    results.sort((a, b) => called.indexOf(a.id) - called.indexOf(b.id));
    const told = [...(results.length === 0 ? [] : [resultsText(results.map((one) => one.text))]), ...more];
    results = [];
    if (told.length > 0) history.push({ type: 'user', text: told.join('\n\n') });
  };
  for (const message of messages) {
    const text = textOf(message);
    switch (message.role) {
      case 'system':
      case 'developer':
        tellResults();
        history.push({ type: 'system', text });
        break;
      case 'user':
        // Templates want user and assistant to alternate.
        tellResults([text]);
        break;
      case 'assistant': {
        tellResults();
        const calls = (message.tool_calls ?? []).map((call) => call.function);
        called = (message.tool_calls ?? []).map(({ id }) => id);
        const said = [
          ...(text === '' ? [] : [text]),
          ...(calls.length === 0 ? [] : [callsText(syntax, calls)]),
        ];
        history.push({ type: 'model', response: said.length === 0 ? [] : [said.join('\n')] });
        break;
      }
      case 'tool':
        results.push({ id: message.tool_call_id, text });
        break;
      default:
        message satisfies never;
    }
  }
  tellResults();
  if (tools.length > 0) {
    const first = history.findIndex(({ type }) => type !== 'system');
    history.splice(first < 0 ? history.length : first, 0, {
      type: 'system',
      text: syntax.instructions(tools),
    });
  }
  return goes_on && begunAnswer(messages) !== undefined
    ? history
    : [...history, { type: 'model', response: [] }];
}
