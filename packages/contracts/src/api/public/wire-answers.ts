/** What the OpenAI and Anthropic wires answer, as far as the document says it; the codecs are in `packages/wire`. */
import { z } from 'zod';
import { FinishReason, ModelInfo } from '../../models/model.ts';
import { LogprobToken, ToolCall, WireUsage } from '../../models/openai.ts';

const choice = {
  index: z.int().nonnegative(),
  logprobs: z.object({ content: z.array(LogprobToken), refusal: z.null() }).nullish(),
  mcp_finish: FinishReason.optional().describe(
    'The reason as the backend gave it, where the word of the wire says less.',
  ),
};
const FINISH = z.enum(['stop', 'length', 'tool_calls', 'function_call', 'content_filter']);
const FunctionCall = z.object({ name: z.string(), arguments: z.string() });
const head = {
  id: z.string(),
  created: z.int().nonnegative(),
  model: z.string(),
  system_fingerprint: z.string().optional(),
};

export const ChatCompletion = z.object({
  ...head,
  object: z.literal('chat.completion'),
  choices: z.array(
    z.object({
      ...choice,
      message: z.object({
        role: z.literal('assistant'),
        content: z.string().nullable(),
        refusal: z.string().nullable(),
        reasoning_content: z.string().optional(),
        tool_calls: z.array(ToolCall).optional(),
        function_call: FunctionCall.optional(),
      }),
      finish_reason: FINISH,
    }),
  ),
  usage: WireUsage.optional(),
});

export const ChatCompletionChunk = z.object({
  ...head,
  object: z.literal('chat.completion.chunk'),
  choices: z.array(
    z.object({
      ...choice,
      delta: z.object({
        role: z.literal('assistant').optional(),
        content: z.string().nullish(),
        reasoning_content: z.string().optional(),
        tool_calls: z
          .array(
            z.object({
              index: z.int().nonnegative(),
              id: z.string().optional(),
              type: z.literal('function').optional(),
              function: FunctionCall.partial(),
            }),
          )
          .optional(),
        function_call: FunctionCall.partial().optional(),
      }),
      finish_reason: FINISH.nullable(),
    }),
  ),
  usage: WireUsage.nullish(),
  mcp: z
    .object({ conversation_id: z.string() })
    .optional()
    .describe('In the last chunk of a completion that was kept.'),
});

export const TextCompletion = z.object({
  ...head,
  object: z.literal('text_completion'),
  choices: z.array(
    z.object({
      text: z.string(),
      index: z.int().nonnegative(),
      logprobs: z
        .object({
          tokens: z.array(z.string()),
          token_logprobs: z.array(z.number()),
          top_logprobs: z.array(z.record(z.string(), z.number())),
          text_offset: z.array(z.int()),
        })
        .nullable(),
      finish_reason: FINISH.nullable(),
    }),
  ),
  usage: WireUsage.nullish(),
});

export const EmbeddingList = z.object({
  object: z.literal('list'),
  model: z.string(),
  data: z.array(
    z.object({
      object: z.literal('embedding'),
      index: z.int().nonnegative(),
      embedding: z.union([z.array(z.number()), z.string()]).describe('Numbers, or float32 in base64.'),
    }),
  ),
  usage: z.object({ prompt_tokens: z.int().nonnegative(), total_tokens: z.int().nonnegative() }),
});

export const Model = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.int(),
  owned_by: z.string(),
  mcp: ModelInfo,
});

export const ModelList = z.object({ object: z.literal('list'), data: z.array(Model) });

export const AnthropicModel = z.object({
  type: z.literal('model'),
  id: z.string(),
  display_name: z.string(),
  created_at: z.string().describe('Not known: always 1970.'),
  max_input_tokens: z.int(),
  max_tokens: z.null(),
  capabilities: z.null(),
});

export const AnthropicModelList = z.object({
  data: z.array(AnthropicModel),
  has_more: z.boolean(),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
});

export const Moderation = z.object({
  id: z.string(),
  model: z.string(),
  results: z.array(
    z.object({
      flagged: z.boolean(),
      categories: z.record(z.string(), z.boolean()),
      category_scores: z.record(z.string(), z.number()),
      category_applied_input_types: z.record(z.string(), z.array(z.string())),
    }),
  ),
});

const Block = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('thinking'), thinking: z.string(), signature: z.string() }),
  z.object({
    type: z.literal('tool_use'),
    id: z.string(),
    name: z.string(),
    input: z.record(z.string(), z.unknown()),
  }),
]);
const AnthropicUsage = z.object({
  input_tokens: z.int().nonnegative(),
  output_tokens: z.int().nonnegative(),
  cache_creation_input_tokens: z.int().nonnegative(),
  cache_read_input_tokens: z.int().nonnegative(),
});

export const Message = z.object({
  id: z.string(),
  type: z.literal('message'),
  role: z.literal('assistant'),
  model: z.string(),
  content: z.array(Block),
  stop_reason: z.enum(['end_turn', 'max_tokens', 'tool_use', 'refusal']).nullable(),
  stop_sequence: z.null(),
  usage: AnthropicUsage,
});

const at = { index: z.int().nonnegative() };
export const MessageEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('message_start'), message: Message }),
  z.object({ type: z.literal('content_block_start'), ...at, content_block: Block }),
  z.object({
    type: z.literal('content_block_delta'),
    ...at,
    delta: z.discriminatedUnion('type', [
      z.object({ type: z.literal('text_delta'), text: z.string() }),
      z.object({ type: z.literal('thinking_delta'), thinking: z.string() }),
      z.object({ type: z.literal('input_json_delta'), partial_json: z.string() }),
    ]),
  }),
  z.object({ type: z.literal('content_block_stop'), ...at }),
  z.object({
    type: z.literal('message_delta'),
    delta: z.object({ stop_reason: z.string(), stop_sequence: z.null() }),
    usage: AnthropicUsage,
  }),
  z.object({ type: z.literal('message_stop') }),
]);
