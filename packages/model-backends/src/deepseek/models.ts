import type { ModelFacts, PublishedFacts } from '@mcp/contracts';
import { priced } from '../facts.ts';

const MODEL: ModelFacts = { capabilities: ['tools', 'reasoning', 'logprobs'], max_context: 1_000_000 };

export const DEEPSEEK_MODELS: PublishedFacts = {
  source: 'https://api-docs.deepseek.com/quick_start/pricing',
  date: '2026-10-27',
  note: 'prices of the peak hours (01:00–04:00 and 06:00–10:00 UTC on working days); at other times it is half as much',
  models: {
    'deepseek-flash': {
      ...MODEL,
      ...priced(0.3, 1.2, 0.006),
      capabilities: ['tools', 'images', 'reasoning', 'logprobs'],
    },
    'deepseek-v4-pro': { ...MODEL, ...priced(1.32, 3.96, 0.044) },
  },
};
