/** What is asked, as a model may be asked it. */
import type { CallContext, ChatCompletionRequest } from '@mcp/contracts';
import {
  checkMessages,
  classifyQuestion,
  type Findings,
  quarantine,
  quarantineOutliers,
} from '@mcp/safety/guard';
import type { Gateway } from '../gateway.ts';

/**
 * The request without instructions that came in results of tools; the same one where there are none. Throws
 * `content_filter` where the safety policy refuses it.
 */
export async function screened(
  { guard, vectors }: Gateway,
  { request, call }: { readonly request: ChatCompletionRequest; readonly call: CallContext },
  findings: Findings,
): Promise<ChatCompletionRequest> {
  const by_sentence = quarantine(guard, request.messages, findings);
  const messages =
    vectors === undefined
      ? by_sentence
      : await quarantineOutliers(guard, by_sentence, {
          findings,
          vectorsOf: (model, texts) => vectors.of(model, texts, call),
        });
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
          if (!asked) classifyQuestion(guard, request.messages, findings);
          asked = true;
          return next;
        },
        return: async (value) => (await iterator.return?.(value)) ?? { done: true, value: undefined },
      };
    },
  };
}
