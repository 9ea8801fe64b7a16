/**
 * A cascade: the cheapest model answers first, and a dearer one is asked where its answer is not adequate (Chen et al.,
 * FrugalGPT, 2023; by the tokens' uncertainty: Gupta et al., Language Model Cascades, 2024).
 */
import {
  type CallContext,
  type Cascade,
  type ChatCompletionRequest,
  type ModelEvent,
  PlatformError,
  type RetryBudget,
} from '@mcp/contracts';
import { adequacy, answerFeatures, questionFeatures } from './aliases/adequacy.ts';
import { ended, type Opened } from './opening.ts';

interface Cheapest {
  readonly terms: Cascade;
  readonly request: ChatCompletionRequest;
  readonly call: CallContext;
  readonly ask: (request: ChatCompletionRequest, call: CallContext) => Promise<Opened>;
}

interface Outcome {
  readonly status: 'kept' | 'left' | 'skipped' | 'failed';
  /** Undefined: somebody else is to be asked. */
  readonly opened?: Opened;
}

/** What cannot be judged by its tokens is not asked of the cheapest model, nor is what calls for care. */
export async function cheapest({ terms, request, call, ask }: Cheapest): Promise<Outcome> {
  const question = questionFeatures(request.messages);
  const { before, after } = terms;
  if (call.careful === true || !isJudgeable(request)) return { status: 'skipped' };
  if (before !== undefined && adequacy(before, question) < before.at_least) return { status: 'skipped' };
  let opened: Opened | undefined;
  try {
    opened = await ask({ ...request, logprobs: true }, { ...call, retries: ONCE });
    const held = await hold(opened, terms.hold_tokens);
    const answer = answerFeatures(held.text, held.logprobs);
    if (answer.size > 0 && adequacy(after, question, answer) >= after.at_least)
      return { status: 'kept', opened: asAsked(request, { ...opened, first: held.events }) };
    await ended(opened);
    return { status: 'left' };
  } catch (error) {
    if (opened !== undefined) await ended(opened);
    if (call.signal.aborted || !(error instanceof PlatformError)) throw error;
    return { status: 'failed' };
  }
}

/** Another model is asked instead: nobody waits for this one to come back. */
const ONCE: RetryBudget = { left: 0, take: () => false, settle: () => undefined };

/** One text, and no calls of tools: what else there is cannot be told from the probabilities of tokens. */
function isJudgeable({ n, tools, response_format }: ChatCompletionRequest): boolean {
  return (
    (n ?? 1) === 1 &&
    (tools?.length ?? 0) === 0 &&
    (response_format === undefined || response_format.type === 'text')
  );
}

/** Reads an answer to its end, or as far as it is held back. */
async function hold({ first, rest }: Opened, most: number) {
  const events: ModelEvent[] = [];
  const logprobs: number[] = [];
  let text = '';
  const see = (event: ModelEvent): boolean => {
    events.push(event);
    if (event.type === 'text') {
      text += event.text;
      logprobs.push(...(event.logprobs ?? []).map(({ logprob }) => logprob));
    }
    return event.type === 'finish' || logprobs.length >= most;
  };
  let over = first.map(see).some((one) => one);
  while (!over) {
    const next = await rest.next();
    over = next.done === true || see(next.value);
  }
  return { events, text, logprobs };
}

/** The stream without what only the judgement needed. */
function asAsked({ logprobs }: ChatCompletionRequest, opened: Opened): Opened {
  if (logprobs === true) return opened;
  const { rest } = opened;
  return {
    ...opened,
    first: opened.first.map(withoutLogprobs),
    rest: {
      async next() {
        const next = await rest.next();
        return next.done === true ? next : { done: false, value: withoutLogprobs(next.value) };
      },
      return: async () => (await rest.return?.()) ?? { done: true, value: undefined },
    },
  };
}

function withoutLogprobs(event: ModelEvent): ModelEvent {
  if (event.type !== 'text' || event.logprobs === undefined) return event;
  const { logprobs: _, ...text } = event;
  return text;
}
