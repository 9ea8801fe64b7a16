import { BASICS, type Features, HINTS, ONLY_OPENAI } from '../features.ts';

export const features: Features = {
  ...HINTS,
  ...BASICS,
  ...ONLY_OPENAI,
  logprobs: 'passed on',
  top_logprobs: 'passed on',
  temperature: 'passed on',
  top_p: 'passed on',
  top_k: 'passed on',
  seed: 'passed on',
  presence_penalty: 'passed on',
  frequency_penalty: 'passed on',
  reasoning_effort: { support: 'passed on', note: 'as `thinkingLevel`' },
  tools: 'yes',
  tool_choice: 'yes',
  parallel_tool_calls: 'no effect',
  response_format: 'yes',
  pictures: 'yes',
};
