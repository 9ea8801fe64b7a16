/** What may be asked of a completion, and what each public format calls it. */
import type { ChatCompletionRequest } from './openai.ts';

/** What a completion may be asked with that a model's backend can make something of; pictures are no field of their own. */
export type Feature =
  | Exclude<
      keyof ChatCompletionRequest,
      'model' | 'messages' | 'store' | 'prediction' | 'prompt_cache_options' | 'prompt_cache_retention'
    >
  | 'pictures';

interface Format {
  readonly route: string;
  /** Its names; it has none for what is missing, and refuses that by name. */
  readonly names: Readonly<Partial<Record<Feature, string | undefined>>>;
}

const sampling = {
  stream: 'stream',
  max_tokens: 'max_tokens',
  temperature: 'temperature',
  top_p: 'top_p',
  top_k: 'top_k',
} as const;
const openai = {
  ...sampling,
  stream_options: 'stream_options',
  n: 'n',
  stop: 'stop',
  min_p: 'min_p',
  seed: 'seed',
  presence_penalty: 'presence_penalty',
  frequency_penalty: 'frequency_penalty',
  logit_bias: 'logit_bias',
  user: 'user',
} as const;
const chat = {
  ...openai,
  max_completion_tokens: 'max_completion_tokens',
  logprobs: 'logprobs',
  top_logprobs: 'top_logprobs',
  tools: 'tools',
  tool_choice: 'tool_choice',
  parallel_tool_calls: 'parallel_tool_calls',
  response_format: 'response_format',
  pictures: 'image_url',
  reasoning_effort: 'reasoning_effort',
  verbosity: 'verbosity',
  service_tier: 'service_tier',
  metadata: 'metadata',
  safety_identifier: 'safety_identifier',
  prompt_cache_key: 'prompt_cache_key',
} as const satisfies Readonly<Record<Feature, string>>;

/** Every format that asks a model for words. */
export const FORMATS = {
  chat: { route: 'POST /v1/chat/completions', names: chat },
  functions: {
    route: 'POST /v1/chat/completions',
    // One call at a time is what the format is.
    names: { ...chat, tools: 'functions', tool_choice: 'function_call', parallel_tool_calls: undefined },
  },
  completions: {
    route: 'POST /v1/completions',
    names: { ...openai, logprobs: 'logprobs', top_logprobs: 'logprobs' },
  },
  responses: {
    route: 'POST /v1/responses',
    names: {
      stream: 'stream',
      stream_options: 'stream_options',
      max_completion_tokens: 'max_output_tokens',
      temperature: 'temperature',
      top_p: 'top_p',
      logprobs: 'include',
      top_logprobs: 'top_logprobs',
      tools: 'tools',
      tool_choice: 'tool_choice',
      parallel_tool_calls: 'parallel_tool_calls',
      response_format: 'text.format',
      pictures: 'input_image',
      reasoning_effort: 'reasoning.effort',
      verbosity: 'text.verbosity',
      service_tier: 'service_tier',
      user: 'user',
      safety_identifier: 'safety_identifier',
      prompt_cache_key: 'prompt_cache_key',
    },
  },
  messages: {
    route: 'POST /v1/messages',
    names: {
      ...sampling,
      stop: 'stop_sequences',
      tools: 'tools',
      tool_choice: 'tool_choice',
      parallel_tool_calls: 'tool_choice.disable_parallel_tool_use',
      response_format: 'output_config.format',
      user: 'metadata.user_id',
      pictures: 'image',
    },
  },
} as const satisfies Readonly<Record<string, Format>>;

/** Every feature, in the order of the table. */
export const FEATURES = Object.keys(chat) as readonly Feature[];

/** What a format calls a field of a completion, where it has a word for it. */
export function nameIn(format: keyof typeof FORMATS, feature: string): string | undefined {
  const names: Readonly<Record<string, string | undefined>> = FORMATS[format].names;
  return Object.hasOwn(names, feature) ? names[feature] : undefined;
}
