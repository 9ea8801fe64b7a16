import type { ModelFacts, PublishedFacts } from '@mcp/contracts';
import { priced } from '../facts.ts';

const CONTEXT = { max_context: 131_072 } as const;
const GPT_OSS: ModelFacts = { ...CONTEXT, capabilities: ['tools', 'json_schema', 'reasoning'] };

export const GROQ_MODELS: PublishedFacts = {
  source: 'https://console.groq.com/docs/models',
  date: '2026-05-19',
  note: 'read from tables that cite this page',
  models: {
    'llama-3.1-8b-instant': { ...CONTEXT, ...priced(0.05, 0.08), capabilities: ['tools'] },
    'llama-3.3-70b-versatile': { ...CONTEXT, ...priced(0.59, 0.79), capabilities: ['tools'] },
    'openai/gpt-oss-120b': { ...GPT_OSS, ...priced(0.15, 0.6) },
  },
};
