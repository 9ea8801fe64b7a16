import { BASICS, type Features, HINTS, ONLY_OPENAI } from '../features.ts';

export const features: Features = {
  ...HINTS,
  ...BASICS,
  ...ONLY_OPENAI,
  n: { support: 'refused', note: 'more than one' },
  temperature: { support: 'passed on', note: 'above 1 as 1' },
  top_p: 'passed on',
  top_k: 'passed on',
  user: 'passed on',
  safety_identifier: 'passed on',
  reasoning_effort: { support: 'passed on', note: 'as `output_config.effort`' },
  tools: 'yes',
  tool_choice: 'yes',
  parallel_tool_calls: 'yes',
  response_format: { support: 'yes', note: 'by a schema; `json_object` is refused' },
  pictures: 'yes',
};
