import { BASICS, type Features, HINTS, ONLY_OPENAI } from '../features.ts';

export const features: Features = {
  ...HINTS,
  ...BASICS,
  ...ONLY_OPENAI,
  n: { support: 'refused', note: 'more than one' },
  temperature: { support: 'passed on', note: 'above 1 as 1' },
  top_p: 'passed on',
  top_k: 'no effect',
  tools: 'yes',
  tool_choice: 'yes',
  parallel_tool_calls: 'no effect',
  response_format: { support: 'yes', note: 'by a schema; `json_object` is refused' },
  pictures: { support: 'yes', note: 'as `data:` URLs' },
};
