import { BASICS, type Features, HINTS, SAMPLING } from '../features.ts';

export const features: Features = {
  ...HINTS,
  ...BASICS,
  ...SAMPLING,
  logit_bias: { support: 'yes', note: "ids of the model's vocabulary; not with `logprobs`" },
  logprobs: { support: 'yes', note: 'not with tools or JSON' },
  top_logprobs: { support: 'yes', note: 'not with tools or JSON' },
  tools: { support: 'yes', note: "a call is held to the tool's schema by a grammar" },
  tool_choice: 'yes',
  parallel_tool_calls: 'yes',
  response_format: { support: 'yes', note: 'held by a grammar; not with tools' },
  pictures: 'refused',
};
