import { BASICS, type Features, HINTS, ONLY_OPENAI } from '../features.ts';

export const features: Features = {
  ...HINTS,
  ...BASICS,
  ...ONLY_OPENAI,
  n: { support: 'refused', note: 'more than one' },
  temperature: 'passed on',
  top_p: 'passed on',
  top_k: 'passed on',
  min_p: 'passed on',
  seed: 'passed on',
  presence_penalty: 'passed on',
  frequency_penalty: 'passed on',
  tools: 'refused',
  tool_choice: { support: 'refused', note: 'belongs to `tools`' },
  parallel_tool_calls: { support: 'no effect', note: 'belongs to `tools`' },
  response_format: 'refused',
  pictures: 'refused',
};
