import { BASICS, type Features, HINTS, SAMPLING } from '../features.ts';

export const features: Features = {
  ...HINTS,
  ...BASICS,
  ...SAMPLING,
  logit_bias: 'no effect',
  logprobs: 'refused',
  top_logprobs: { support: 'no effect', note: 'belongs to `logprobs`' },
  tools: 'yes',
  tool_choice: { support: 'yes', note: '`none` and `auto`; others are refused' },
  parallel_tool_calls: 'no effect',
  response_format: 'yes',
  pictures: { support: 'yes', note: 'as `data:` URLs' },
};
