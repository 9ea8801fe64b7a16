/** What is asked, as a model may be asked it. */
import type { CallContext, ChatCompletionRequest } from '@mcp/contracts';
import {
  checkMessages,
  classifyQuestion,
  countSafety,
  Findings,
  quarantine,
  quarantineOutliers,
  weighQuestion,
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

interface Asking<T> {
  readonly events: AsyncIterable<T>;
  readonly request: ChatCompletionRequest;
  readonly call: CallContext;
  readonly findings: Findings;
  /** Whether what was found has been told and counted. */
  readonly settled: () => boolean;
}

/**
 * Events of a model, while whose first one is waited for the question is classified, and weighed by its embedding where
 * its words leave it open: nobody waits for either.
 */
export function classifiedMeanwhile<T>(
  gateway: Pick<Gateway, 'guard' | 'vectors' | 'kit'>,
  asking: Asking<T>,
): AsyncIterable<T> {
  const { events, request, findings } = asking;
  return {
    [Symbol.asyncIterator]() {
      const iterator = events[Symbol.asyncIterator]();
      let asked = false;
      return {
        next() {
          const next = iterator.next();
          if (!asked) {
            classifyQuestion(gateway.guard, request.messages, findings);
            weighMeanwhile(gateway, asking);
          }
          asked = true;
          return next;
        },
        return: async (value) => (await iterator.return?.(value)) ?? { done: true, value: undefined },
      };
    },
  };
}

/** What comes while the answer does is told with it, and what comes after it is counted alone. */
function weighMeanwhile(
  { guard, vectors, kit }: Pick<Gateway, 'guard' | 'vectors' | 'kit'>,
  { request, call, findings, settled }: Omit<Asking<unknown>, 'events'>,
): void {
  if (vectors === undefined) return;
  const found = new Findings();
  const vectorsOf = (model: string, texts: readonly string[]) => vectors.of(model, texts, call);
  weighQuestion(guard, request.messages, { findings: found, vectorsOf }).then(
    () => {
      if (found.verdict === undefined) return;
      if (settled()) countSafety(kit.metrics, found.verdict);
      else findings.merge(found.verdict);
    },
    (err: unknown) => kit.log.debug({ err }, 'the question was not weighed by its embedding'),
  );
}
