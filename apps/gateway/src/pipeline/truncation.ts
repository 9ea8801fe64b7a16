import type { CallContext, ChatCompletionRequest } from '@mcp/contracts';
import { withoutOldest } from '@mcp/wire';
import type { Gateway } from '../gateway.ts';
import { isAlias } from './aliases.ts';

/** Left for an answer whose length is not limited. */
const ANSWER_TOKENS = 256;
/** How often what is left is counted again. */
const MAX_COUNTS = 6;
/** What is dropped goes a little further than the count says, so that the next one fits. */
const MARGIN = 0.95;

/** The request without its oldest messages, as far as it must be to fit the model. An alias fits its own turns. */
export async function truncated(
  gateway: Gateway,
  request: ChatCompletionRequest,
  call: CallContext,
): Promise<ChatCompletionRequest> {
  const { model } = request;
  if (await isAlias(gateway.graphs, model)) return request;
  let { messages } = request;
  for (let counts = 0; counts < MAX_COUNTS; counts++) {
    const { tokens, max_context } = await gateway.inference().countTokens({ model, messages }, call);
    const answer = Math.min(request.max_completion_tokens ?? ANSWER_TOKENS, Math.floor(max_context / 2));
    const room = max_context - answer;
    if (tokens < room) break;
    const left = withoutOldest(messages, JSON.stringify(messages).length * (room / tokens) * MARGIN);
    if (left.length === messages.length) break;
    messages = left;
  }
  return { ...request, messages };
}
