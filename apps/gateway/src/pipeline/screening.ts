/** What is asked, as a model may be asked it. */
import type { ChatCompletionRequest } from '@mcp/contracts';
import { checkMessages, type Findings, noteInjection, quarantine } from '@mcp/safety/guard';
import type { Gateway } from '../gateway.ts';

/**
 * The request without instructions that came in results of tools; the same one where there are none. Throws
 * `content_filter` where the safety policy refuses it.
 */
export function screened(
  { guard }: Gateway,
  request: ChatCompletionRequest,
  findings: Findings,
): ChatCompletionRequest {
  const messages = quarantine(guard, request.messages, findings);
  checkMessages(guard, messages, findings);
  return messages === request.messages ? request : { ...request, messages: [...messages] };
}

/** Events of a model, while whose first one is waited for the question is classified: nobody waits for that. */
export function classifiedMeanwhile<T>(
  { guard }: Gateway,
  {
    events,
    request,
    findings,
  }: {
    readonly events: AsyncIterable<T>;
    readonly request: ChatCompletionRequest;
    readonly findings: Findings;
  },
): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = events[Symbol.asyncIterator]();
      let asked = false;
      return {
        next() {
          const next = iterator.next();
          if (!asked) noteInjection(guard, request.messages, findings);
          asked = true;
          return next;
        },
        return: async (value) => (await iterator.return?.(value)) ?? { done: true, value: undefined },
      };
    },
  };
}
