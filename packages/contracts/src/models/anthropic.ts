import { z } from 'zod';
import { JsonSchema } from './json-schema.ts';
import { ignored, notOffered, repeatedAt, WireName } from './wire-fields.ts';

/**
 * The request side of Anthropic's Messages API, as published in its API reference (version 2023-06-01). Fields that
 * change no answer here are ignored; any other that is not known is refused by name.
 */
const Text = z.strictObject({
  type: z.literal('text'),
  text: z.string().max(1_000_000),
  ...ignored('anthropic', 'text block'),
});
const Image = z.strictObject({
  type: z.literal('image'),
  source: z.discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('base64'),
      media_type: z.enum(['image/jpeg', 'image/png', 'image/gif', 'image/webp']),
      data: z.string().max(5_000_000),
    }),
    z.strictObject({ type: z.literal('url'), url: z.string().max(5_000_000) }),
  ]),
  ...ignored('anthropic', 'block'),
});
const ToolResult = z.strictObject({
  type: z.literal('tool_result'),
  tool_use_id: z.string().min(1).max(200),
  content: z
    .union([z.string().max(1_000_000), z.array(z.discriminatedUnion('type', [Text, Image])).max(256)])
    .optional(),
  is_error: z.boolean().optional(),
  ...ignored('anthropic', 'block'),
});
const ToolUse = z.strictObject({
  type: z.literal('tool_use'),
  id: z.string().min(1).max(200),
  name: z.string().min(1).max(64),
  input: z.record(z.string(), z.unknown()),
  ...ignored('anthropic', 'tool call'),
});
/** What a model thought earlier: it comes back with the answer it belongs to, and is not shown to the model again. */
const Thinking = z.strictObject({
  type: z.enum(['thinking', 'redacted_thinking']),
  thinking: z.string().max(1_000_000).optional(),
  signature: z.string().max(1_000_000).optional(),
  data: z.string().max(1_000_000).optional(),
});

const AnthropicMessage = z.discriminatedUnion('role', [
  z.strictObject({
    role: z.literal('user'),
    content: z.union([
      z.string().max(1_000_000),
      z
        .array(z.discriminatedUnion('type', [Text, Image, ToolResult]))
        .min(1)
        .max(256),
    ]),
  }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z.union([
      z.string().max(1_000_000),
      z
        .array(z.discriminatedUnion('type', [Text, ToolUse, Thinking]))
        .min(1)
        .max(256),
    ]),
  }),
]);
export type AnthropicMessage = z.infer<typeof AnthropicMessage>;

const AnthropicTool = z.strictObject({
  type: z.literal('custom').nullish(),
  name: WireName,
  description: z.string().max(16_000).optional(),
  input_schema: JsonSchema,
  strict: z.boolean().optional(),
  ...ignored('anthropic', 'tool'),
});

const parallel = { disable_parallel_tool_use: z.boolean().optional() };
const ToolChoice = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('auto'), ...parallel }),
  z.strictObject({ type: z.literal('any'), ...parallel }),
  z.strictObject({ type: z.literal('tool'), name: z.string().min(1).max(64), ...parallel }),
  z.strictObject({ type: z.literal('none') }),
]);

const asked = {
  model: z.string().min(1).max(200),
  messages: z.array(AnthropicMessage).min(1).max(2048),
  system: z.union([z.string().max(1_000_000), z.array(Text).max(256)]).optional(),
  tools: z.array(AnthropicTool).max(128).optional(),
  tool_choice: ToolChoice.optional(),
  /** Whether what the model thinks is to be told; how much it thinks is its own. */
  thinking: z
    .strictObject({
      type: z.enum(['enabled', 'disabled', 'adaptive']),
      budget_tokens: z.number().int().min(1).max(1_000_000).optional(),
      ...ignored('anthropic', 'thinking'),
    })
    .optional(),
  /** The schema that the answer is held to. */
  output_config: z
    .strictObject({
      format: z.strictObject({ type: z.literal('json_schema'), schema: JsonSchema }).nullish(),
      ...ignored('anthropic', 'output config'),
    })
    .nullish(),
  inference_geo: notOffered('where texts may be processed is said by the header x-mcp-residency'),
  container: notOffered('code is not run here. Give tools, and run them yourself'),
  mcp_servers: notOffered('servers of tools are not called here. Give tools, and call them yourself'),
  ...ignored('anthropic', 'request'),
};

type Asked = Pick<z.infer<z.ZodObject<typeof asked>>, 'tools' | 'tool_choice'>;

/** What a request says of its tools fits together. */
function assertTools({ tools = [], tool_choice }: Asked, context: z.RefinementCtx): void {
  const names = tools.map(({ name }) => name);
  const again = repeatedAt(names);
  const refuse = (path: (string | number)[], message: string) =>
    context.addIssue({ code: 'custom', path, message });
  if (again >= 0) refuse(['tools', again, 'name'], 'is the name of another tool, too. Give each its own');
  if (tool_choice?.type === 'any' && tools.length === 0)
    refuse(['tool_choice'], 'asks for a call, and there are no tools. Add tools, or leave tool_choice out');
  if (tool_choice?.type === 'tool' && !names.includes(tool_choice.name))
    refuse(['tool_choice', 'name'], 'must be the name of one of the tools');
}

/** Anthropic's own clients say `?beta=true` where they use what is not final; it means nothing here. */
export const AnthropicQuery = z.object({ beta: z.string().optional() });

/** `GET /v1/models` by Anthropic's clients. */
export const AnthropicModelsQuery = AnthropicQuery.extend({
  after_id: z.string().max(200).optional(),
  before_id: z.string().max(200).optional(),
  limit: z
    .string()
    .regex(/^(?:[1-9]\d{0,2}|1000)$/, 'must be a whole number from 1 to 1000')
    .transform(Number)
    .default(20),
});
export type AnthropicModelsQuery = z.infer<typeof AnthropicModelsQuery>;

/** `POST /v1/messages`. */
export const AnthropicMessagesRequest = z
  .strictObject({
    ...asked,
    max_tokens: z.number().int().min(1).max(1_000_000),
    stream: z.boolean().optional(),
    stop_sequences: z.array(z.string().min(1).max(1000)).max(16).optional(),
    temperature: z.number().min(0).max(1).optional(),
    top_p: z.number().min(0).max(1).optional(),
    top_k: z.number().int().min(0).max(10_000).optional(),
    metadata: z.strictObject({ user_id: z.string().max(512).nullish() }).optional(),
    ...ignored('anthropic', 'message request'),
  })
  .superRefine(assertTools);
export type AnthropicMessagesRequest = z.infer<typeof AnthropicMessagesRequest>;

/** `POST /v1/messages/count_tokens`. */
export const AnthropicCountTokensRequest = z.strictObject(asked).superRefine(assertTools);
export type AnthropicCountTokensRequest = z.infer<typeof AnthropicCountTokensRequest>;
