import type { CountTokensRequest } from '@mcp/contracts';

/** Tokens by OpenAI's o200k vocabulary: an estimate for other models. Loaded on first use, for it is large. */
export async function estimateTokens({ messages }: Pick<CountTokensRequest, 'messages'>): Promise<number> {
  const { encode } = await import('gpt-tokenizer/encoding/o200k_base');
  return messages.reduce(
    (sum, { content }) =>
      sum + 3 + encode(typeof content === 'string' ? content : JSON.stringify(content ?? '')).length,
    3,
  );
}
