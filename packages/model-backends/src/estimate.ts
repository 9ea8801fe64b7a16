import type { CountTokensRequest } from '@mcp/contracts';

/** Tokens by OpenAI's o200k vocabulary: an estimate for other models. Loaded on first use, for it is large. */
export async function estimateTokens({ messages }: Pick<CountTokensRequest, 'messages'>): Promise<number> {
  const { encode } = await import('gpt-tokenizer/encoding/o200k_base');
  // What looks like a special token is text here: left to itself the tokenizer throws.
  const as_text = { disallowedSpecial: new Set<string>() };
  const textOf = (content: unknown) =>
    typeof content === 'string' ? content : JSON.stringify(content ?? '');
  return messages.reduce((sum, { content }) => sum + 3 + encode(textOf(content), as_text).length, 3);
}
