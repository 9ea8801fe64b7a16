import type { ChatCompletionRequest } from '@mcp/contracts';

/** Models of OpenAI that think before they answer: they refuse `max_tokens`, which was too little for both. */
const REASONING = /^(o\d|gpt-[5-9])/;

/** A request whose limit has the name that the model takes. */
export function inCompletionTokens(request: ChatCompletionRequest, model: string): object {
  const { max_tokens, ...rest } = request;
  if (max_tokens == null || !REASONING.test(model)) return request;
  return { ...rest, max_completion_tokens: request.max_completion_tokens ?? max_tokens };
}
