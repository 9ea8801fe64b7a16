import type { ModelFacts, PublishedFacts } from '@mcp/contracts';
import { priced } from '../facts.ts';

const CHAT: ModelFacts = { capabilities: ['tools', 'json_schema', 'images', 'logprobs'] };
const REASONING: ModelFacts = { capabilities: ['tools', 'json_schema', 'images', 'reasoning'] };

export const OPENAI_MODELS: PublishedFacts = {
  source: 'https://developers.openai.com/api/docs/pricing',
  date: '2026-06-30',
  note: 'standard processing; read from tables of the second quarter of 2026 that cite this page',
  models: {
    'gpt-4o': { ...CHAT, ...priced(2.5, 10, 1.25), max_context: 128_000 },
    'gpt-4o-mini': { ...CHAT, ...priced(0.15, 0.6, 0.075), max_context: 128_000 },
    'gpt-4.1': { ...CHAT, ...priced(2, 8, 0.5), max_context: 1_047_576 },
    'gpt-5': { ...REASONING, ...priced(1.25, 10, 0.125), max_context: 400_000 },
    'gpt-5-mini': { ...REASONING, ...priced(0.25, 2, 0.025), max_context: 400_000 },
    'gpt-5.2': { ...REASONING, ...priced(1.75, 14, 0.175), max_context: 400_000 },
    'text-embedding-3-small': { ...priced(0.02, 0), kind: 'embedding', max_context: 8191, dimensions: 1536 },
    'text-embedding-3-large': { ...priced(0.13, 0), kind: 'embedding', max_context: 8191, dimensions: 3072 },
  },
};
