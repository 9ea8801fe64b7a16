import { BASICS, type Features, HINTS, MESSAGES, ONLY_OPENAI } from '../features.ts';

export const features: Features = {
  ...HINTS,
  ...BASICS,
  ...ONLY_OPENAI,
  ...MESSAGES,
  top_k: 'passed on',
  user: 'passed on',
  safety_identifier: 'passed on',
  reasoning_effort: { support: 'passed on', note: 'as `output_config.effort`' },
  parallel_tool_calls: 'yes',
  pictures: 'yes',
};
