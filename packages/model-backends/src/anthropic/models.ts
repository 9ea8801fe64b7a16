import type { ModelFacts, PublishedFacts } from '@mcp/contracts';
import { priced } from '../facts.ts';

const CAN: ModelFacts = { capabilities: ['tools', 'json_schema', 'images', 'reasoning'] };
const MODEL: ModelFacts = { ...CAN, max_context: 1_000_000 };

export const ANTHROPIC_MODELS: PublishedFacts = {
  source: 'https://platform.claude.com/docs/en/about-claude/pricing',
  date: '2026-10-10',
  note: 'writing to the cache costs more and is counted as input',
  models: {
    'claude-fable-5-1': { ...MODEL, ...priced(10, 50, 0.25) },
    'claude-opus-5': { ...MODEL, ...priced(5, 25, 0.5) },
    'claude-opus-4-8': { ...CAN, ...priced(5, 25, 0.5) },
    'claude-sonnet-5': { ...MODEL, ...priced(2, 10, 0.2) },
    'claude-haiku-4-5': { ...MODEL, ...priced(1, 5, 0.1), max_context: 200_000 },
  },
};
