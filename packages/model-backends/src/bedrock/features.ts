import { BASICS, type Features, HINTS, MESSAGES, ONLY_OPENAI } from '../features.ts';

export const features: Features = {
  ...HINTS,
  ...BASICS,
  ...ONLY_OPENAI,
  ...MESSAGES,
  top_k: 'no effect',
  parallel_tool_calls: 'no effect',
  pictures: { support: 'yes', note: 'as `data:` URLs' },
};
