import { BASICS, type Features, HINTS } from '../features.ts';

export const features: Features = {
  ...HINTS,
  ...BASICS,
  temperature: 'no effect',
  top_p: 'no effect',
  top_k: 'no effect',
  min_p: 'no effect',
  seed: 'no effect',
  presence_penalty: 'no effect',
  frequency_penalty: 'no effect',
  logit_bias: 'no effect',
  logprobs: 'refused',
  top_logprobs: { support: 'no effect', note: 'belongs to `logprobs`' },
  tools: { support: 'yes', note: 'where the script says' },
  tool_choice: 'no effect',
  parallel_tool_calls: 'no effect',
  response_format: 'no effect',
  pictures: 'refused',
};
