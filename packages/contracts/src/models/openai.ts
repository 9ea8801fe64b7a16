import { z } from 'zod';
import { JsonSchema } from './json-schema.ts';
import { ignored, repeatedAt, WireName } from './wire-fields.ts';

/**
 * The OpenAI wire, request side, as published in OpenAI's API reference (chat completions, embeddings).
 * Fields that are neither known nor ignored are refused by name, as OpenAI does ("Unrecognized request argument").
 */
const TextPart = z.strictObject({
  type: z.literal('text'),
  text: z.string().max(1_000_000),
  ...ignored('openai', 'content part'),
});
const ImagePart = z.strictObject({
  ...ignored('openai', 'content part'),
  type: z.literal('image_url'),
  image_url: z.strictObject({
    url: z.string().max(5_000_000),
    detail: z.enum(['auto', 'low', 'high']).optional(),
  }),
});
const RefusalPart = z.strictObject({
  type: z.literal('refusal'),
  refusal: z.string(),
  ...ignored('openai', 'content part'),
});

const Content = z.union([
  z.string().max(1_000_000),
  z
    .array(z.discriminatedUnion('type', [TextPart, ImagePart]))
    .min(1)
    .max(256),
]);
const TextContent = z.union([z.string().max(1_000_000), z.array(TextPart).min(1).max(256)]);
const AssistantContent = z.union([
  z.string().max(1_000_000),
  z
    .array(z.discriminatedUnion('type', [TextPart, RefusalPart]))
    .min(1)
    .max(256),
]);

/** Unknown fields are passed over: who puts streamed pieces together sends their `index` back. */
export const ToolCall = z.object({
  id: z.string().min(1).max(200),
  type: z.literal('function'),
  function: z.object({ name: z.string().min(1).max(64), arguments: z.string().max(200_000) }),
});
export type ToolCall = z.infer<typeof ToolCall>;

const name = WireName.optional();

/** Messages by who speaks, for the unions of them that there are. */
export const MESSAGES = {
  system: z.strictObject({
    role: z.literal('system'),
    content: TextContent,
    name,
    ...ignored('openai', 'message'),
  }),
  developer: z.strictObject({
    role: z.literal('developer'),
    content: TextContent,
    name,
    ...ignored('openai', 'message'),
  }),
  user: z.strictObject({ role: z.literal('user'), content: Content, name, ...ignored('openai', 'message') }),
  assistant: z.strictObject({
    ...ignored('openai', 'message'),
    ...ignored('openai', 'assistant message'),
    role: z.literal('assistant'),
    content: AssistantContent.nullish(),
    refusal: z.string().nullish(),
    reasoning_content: z.string().nullish(),
    tool_calls: z.array(ToolCall).min(1).max(128).optional(),
    name,
  }),
  tool: z.strictObject({
    ...ignored('openai', 'message'),
    ...ignored('openai', 'tool message'),
    role: z.literal('tool'),
    content: TextContent,
    tool_call_id: z.string().min(1).max(200),
  }),
} as const;

export const ChatMessage = z.discriminatedUnion('role', [
  MESSAGES.system,
  MESSAGES.developer,
  MESSAGES.user,
  MESSAGES.assistant,
  MESSAGES.tool,
]);
export type ChatMessage = z.infer<typeof ChatMessage>;

export const Tool = z.strictObject({
  ...ignored('openai', 'tool'),
  type: z.literal('function'),
  function: z.strictObject({
    ...ignored('openai', 'function'),
    name: WireName,
    description: z.string().max(16_000).optional(),
    parameters: JsonSchema.optional(),
    strict: z.boolean().nullish(),
  }),
});
export type Tool = z.infer<typeof Tool>;

export const ResponseFormat = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text') }),
  z.strictObject({ type: z.literal('json_object') }),
  z.strictObject({
    type: z.literal('json_schema'),
    json_schema: z.strictObject({
      name: WireName,
      description: z.string().max(16_000).optional(),
      schema: JsonSchema.optional(),
      strict: z.boolean().nullish(),
    }),
  }),
]);
export type ResponseFormat = z.infer<typeof ResponseFormat>;

/** Each is looked at for every token that is written: with 300,000 an answer of 16 tokens took half a minute. */
const MAX_BIASED = 1024;

const tokens = z.number().int().min(1).max(1_000_000).nullish();

/** What a chat completion is asked with, beside its messages. */
export const COMPLETION_FIELDS = {
  ...ignored('openai', 'request'),
  model: z.string().min(1).max(200),
  stream: z.boolean().nullish(),
  stream_options: z
    .strictObject({ include_usage: z.boolean().optional(), include_obfuscation: z.boolean().optional() })
    .nullish(),
  n: z.number().int().min(1).max(16).nullish(),
  stop: z.union([z.string().max(1000), z.array(z.string().max(1000)).max(16)]).nullish(),
  max_tokens: tokens,
  max_completion_tokens: tokens,
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_k: z.number().int().min(0).max(10_000).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  seed: z.number().int().nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  logit_bias: z
    .record(
      z.string().regex(/^\d{1,7}$/, 'must be the id of a token, a whole number'),
      z.number().min(-100).max(100),
    )
    .refine((bias) => Object.keys(bias).length <= MAX_BIASED, `must have at most ${MAX_BIASED} tokens`)
    .nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.number().int().min(0).max(20).nullish(),
  response_format: ResponseFormat.optional(),
  tools: z.array(Tool).min(1).max(128).optional(),
  tool_choice: z
    .union([
      z.enum(['none', 'auto', 'required']),
      z.strictObject({
        type: z.literal('function'),
        function: z.strictObject({ name: z.string().min(1).max(64) }),
      }),
    ])
    .optional(),
  parallel_tool_calls: z.boolean().nullish(),
  reasoning_effort: z.string().max(32).nullish(),
  user: z.string().max(512).nullish(),
  safety_identifier: z.string().max(512).nullish(),
  prompt_cache_key: z.string().max(512).nullish(),
  service_tier: z.string().max(32).nullish(),
  /** OpenAI's own switch for keeping a completion; here it writes the conversation log. */
  store: z.boolean().nullish(),
  metadata: z
    .record(z.string().max(64), z.string().max(512))
    .refine((pairs) => Object.keys(pairs).length <= 16, 'must have at most 16 pairs')
    .nullish(),
  verbosity: z.enum(['low', 'medium', 'high']).nullish(),
} as const;

type ToolsAsked = Pick<z.infer<z.ZodObject<typeof COMPLETION_FIELDS>>, 'tools' | 'tool_choice'>;

/** What a request says of its tools fits together. */
export function assertTools({ tools = [], tool_choice }: ToolsAsked, context: z.RefinementCtx): void {
  const names = tools.map(({ function: { name } }) => name);
  const again = repeatedAt(names);
  const refuse = (path: (string | number)[], message: string) =>
    context.addIssue({ code: 'custom', path, message });
  if (again >= 0)
    refuse(['tools', again, 'function', 'name'], 'is the name of another tool, too. Give each its own');
  if (tool_choice === undefined || tool_choice === 'none' || tool_choice === 'auto') return;
  if (tools.length === 0)
    refuse(
      ['tool_choice'],
      'asks for a function call, and tools has no function. Add tools, or leave tool_choice out',
    );
  else if (tool_choice !== 'required' && !names.includes(tool_choice.function.name))
    refuse(['tool_choice', 'function', 'name'], 'must be the name of one of the tools');
}

/** A chat completion as the platform asks for it inside. */
export const ChatCompletionRequest = z
  .strictObject({ ...COMPLETION_FIELDS, messages: z.array(ChatMessage).min(1).max(2048) })
  .superRefine(assertTools);
export type ChatCompletionRequest = z.infer<typeof ChatCompletionRequest>;

export const EmbeddedText = z.string().min(1).max(200_000);

/** Texts to embed, as the platform asks for them inside. */
export const EmbeddingsRequest = z.strictObject({
  model: z.string().min(1).max(200),
  input: z.union([EmbeddedText, z.array(EmbeddedText).min(1).max(2048)]),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: z.number().int().min(1).max(10_000).nullish(),
  user: z.string().max(512).nullish(),
});
export type EmbeddingsRequest = z.infer<typeof EmbeddingsRequest>;

const Moderated = z.string().min(1).max(200_000);

/** `POST /v1/moderations`. Pictures are refused: the platform looks at texts. */
export const ModerationRequest = z.strictObject({
  /** Taken and not looked at: there is one way of looking. */
  model: z.string().max(200).nullish(),
  input: z.union([
    Moderated,
    z.array(Moderated).min(1).max(256),
    z
      .array(z.strictObject({ type: z.literal('text'), text: Moderated }))
      .min(1)
      .max(256),
  ]),
});
export type ModerationRequest = z.infer<typeof ModerationRequest>;

/** One token with its log-probability and the alternatives, as OpenAI's `logprobs.content[]`. */
export const LogprobToken = z.object({
  token: z.string(),
  logprob: z.number(),
  bytes: z.array(z.number().int()).nullable(),
  top_logprobs: z.array(
    z.object({ token: z.string(), logprob: z.number(), bytes: z.array(z.number().int()).nullable() }),
  ),
});
export type LogprobToken = z.infer<typeof LogprobToken>;

export const WireUsage = z.object({
  prompt_tokens: z.number().int().nonnegative(),
  completion_tokens: z.number().int().nonnegative(),
  total_tokens: z.number().int().nonnegative(),
  prompt_tokens_details: z.object({ cached_tokens: z.number().int().nonnegative().nullish() }).nullish(),
  completion_tokens_details: z
    .object({ reasoning_tokens: z.number().int().nonnegative().nullish() })
    .nullish(),
});
export type WireUsage = z.infer<typeof WireUsage>;
