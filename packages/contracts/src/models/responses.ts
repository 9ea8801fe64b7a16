import { z } from 'zod';
import { JsonSchema } from './json-schema.ts';
import { ignored, notOffered, repeatedAt, WireName } from './wire-fields.ts';

/**
 * The request side of OpenAI's Responses API, as published in its API reference. Fields that change no answer here are
 * ignored; what is OpenAI's and not offered here is refused with the way out, any other field by its name.
 */
const Text = z.string().max(1_000_000);
const ItemId = z.string().min(1).max(200);
const CallId = z.string().min(1).max(200);
const status = z.enum(['in_progress', 'completed', 'incomplete']).nullish();

const InputText = z.strictObject({
  type: z.literal('input_text'),
  text: Text,
  ...ignored('responses', 'input'),
});
const InputImage = z.strictObject({
  type: z.literal('input_image'),
  image_url: z
    .string({ error: 'is required and must be a URL, or a picture as data:image/…;base64,…' })
    .max(5_000_000),
  detail: z.enum(['auto', 'low', 'high', 'original']).nullish(),
  file_id: notOffered('files cannot be uploaded here. Give the picture in image_url'),
  ...ignored('responses', 'input'),
});
const OutputText = z.strictObject({
  type: z.literal('output_text'),
  text: Text,
  ...ignored('responses', 'output text'),
});
const Refusal = z.strictObject({ type: z.literal('refusal'), refusal: Text });

/** For the OpenAPI document: what {@link withType} adds need not be sent. */
const TYPE_OPTIONAL = { 'x-type-optional': true };

const MessageItem = z
  .strictObject({
    type: z.literal('message'),
    role: z.enum(['user', 'assistant', 'system', 'developer']),
    content: z.union([
      Text,
      z.array(z.discriminatedUnion('type', [InputText, InputImage, OutputText, Refusal])).max(256),
    ]),
    id: ItemId.nullish(),
    status,
    ...ignored('responses', 'message'),
  })
  .superRefine(({ role, content }, context) => {
    if (role === 'user' || typeof content === 'string') return;
    const at = content.findIndex(({ type }) => type === 'input_image');
    if (at >= 0)
      context.addIssue({
        code: 'custom',
        path: ['content', at],
        message: `is a picture of the ${role}. Only messages of the user have pictures`,
      });
  })
  .meta(TYPE_OPTIONAL);
const FunctionCallItem = z.strictObject({
  type: z.literal('function_call'),
  call_id: CallId,
  name: z.string().min(1).max(64),
  arguments: z.string().max(200_000),
  id: ItemId.nullish(),
  status,
  ...ignored('responses', 'function call'),
});
const FunctionCallOutputItem = z.strictObject({
  type: z.literal('function_call_output'),
  call_id: CallId,
  output: z.union([Text, z.array(z.discriminatedUnion('type', [InputText, InputImage])).max(256)]),
  id: ItemId.nullish(),
  status,
  ...ignored('responses', 'function call output'),
});
/** What a model thought earlier comes back with the answer it belongs to, and is not shown to the model again. */
const ReasoningItem = z.strictObject({
  type: z.literal('reasoning'),
  id: ItemId.nullish(),
  summary: z.array(z.strictObject({ type: z.literal('summary_text'), text: Text })).max(256),
  content: z
    .array(z.strictObject({ type: z.literal('reasoning_text'), text: Text }))
    .max(256)
    .nullish(),
  encrypted_content: Text.nullish(),
  status,
});
const ItemReference = z.strictObject({ type: z.literal('item_reference'), id: ItemId }).meta(TYPE_OPTIONAL);

/** A message may come without its type, and so may a reference. */
function withType(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  if ('type' in value && value.type != null) return value;
  return { ...value, type: 'role' in value ? 'message' : 'item_reference' };
}

/** One item of what is said between a client and a model. */
export const ResponseItem = z.preprocess(
  withType,
  z.discriminatedUnion(
    'type',
    [MessageItem, FunctionCallItem, FunctionCallOutputItem, ReasoningItem, ItemReference],
    {
      error:
        'must be message, function_call, function_call_output, reasoning or item_reference: items of tools that OpenAI runs are not offered',
    },
  ),
);
export type ResponseItem = z.infer<typeof ResponseItem>;

const ResponseTool = z.strictObject({
  type: z.literal('function', {
    error:
      'must be "function": tools that OpenAI\'s servers run (web search, files, code, computers, remote servers) and custom tools are not offered. Run the tool yourself as a function',
  }),
  name: WireName,
  description: z.string().max(16_000).nullish(),
  parameters: JsonSchema.nullish(),
  strict: z.boolean().nullish(),
  ...ignored('responses', 'tool'),
});

const NamedFunction = z.strictObject({ type: z.literal('function'), name: z.string().min(1).max(64) });
const ResponseToolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  NamedFunction,
  z.strictObject({
    type: z.literal('allowed_tools'),
    mode: z.enum(['auto', 'required']),
    tools: z.array(NamedFunction).min(1).max(128),
  }),
]);

const TextFormat = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text') }),
  z.strictObject({ type: z.literal('json_object') }),
  z.strictObject({
    type: z.literal('json_schema'),
    name: WireName,
    schema: JsonSchema,
    description: z.string().max(16_000).nullish(),
    strict: z.boolean().nullish(),
  }),
]);

/** Pairs that a client attaches to what is stored. */
export const WireMetadata = z
  .record(z.string().max(64), z.string().max(512))
  .refine((pairs) => Object.keys(pairs).length <= 16, 'must have at most 16 pairs');
export type WireMetadata = z.infer<typeof WireMetadata>;

const INCLUDABLE = [
  'message.output_text.logprobs',
  'reasoning.encrypted_content',
  'message.input_image.image_url',
  'file_search_call.results',
  'web_search_call.results',
  'web_search_call.action.sources',
  'computer_call_output.output.image_url',
  'code_interpreter_call.outputs',
] as const;

/** What may be asked to come with a response beside the usual; of these, log-probabilities are there. */
export const ResponseIncludable = z.enum(INCLUDABLE);

export const ResponseId = z.string().regex(/^resp_[0-9a-f]{48}$/, 'must be the id of a response, resp_…');

/** What is asked of a model; with tokens counted only, this alone. */
const asked = {
  model: z.string().min(1).max(200),
  input: z.union([Text, z.array(ResponseItem).max(2048)]).optional(),
  instructions: Text.nullish(),
  previous_response_id: ResponseId.nullish(),
  tools: z.array(ResponseTool).max(128).nullish(),
  tool_choice: ResponseToolChoice.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  text: z
    .strictObject({ format: TextFormat.nullish(), verbosity: z.enum(['low', 'medium', 'high']).nullish() })
    .nullish(),
  reasoning: z
    .strictObject({
      effort: z.string().max(32).nullish(),
      summary: z.enum(['auto', 'concise', 'detailed']).nullish(),
      ...ignored('responses', 'reasoning'),
    })
    .nullish(),
  truncation: z.enum(['auto', 'disabled']).nullish(),
  conversation: notOffered('there are no conversation objects. Go on by previous_response_id'),
};

/** What a request says of its tools fits together, and it says something. */
function assertAsked(
  request: Pick<
    z.infer<z.ZodObject<typeof asked>>,
    'input' | 'previous_response_id' | 'tools' | 'tool_choice'
  >,
  context: z.RefinementCtx,
): void {
  const refuse = (path: (string | number)[], message: string) =>
    context.addIssue({ code: 'custom', path, message });
  const names = (request.tools ?? []).map(({ name }) => name);
  const again = repeatedAt(names);
  if (again >= 0) refuse(['tools', again, 'name'], 'is the name of another tool, too. Give each its own');
  const choice = request.tool_choice ?? 'auto';
  if (choice === 'required' && names.length === 0)
    refuse(
      ['tool_choice'],
      'asks for a function call, and tools has no function. Add tools, or leave tool_choice out',
    );
  if (typeof choice === 'object') {
    const chosen = choice.type === 'function' ? [choice] : choice.tools;
    if (chosen.some(({ name }) => !names.includes(name)))
      refuse(['tool_choice'], 'must name functions that are among the tools');
  }
  const { input = [] } = request;
  if (input.length === 0 && request.previous_response_id == null)
    refuse(['input'], 'is required and must have at least 1 character or item');
}

/** `POST /v1/responses`. */
export const ResponsesRequest = z
  .strictObject({
    ...asked,
    stream: z.boolean().nullish(),
    stream_options: z.strictObject({ include_obfuscation: z.boolean().optional() }).nullish(),
    max_output_tokens: z.number().int().min(1).max(1_000_000).nullish(),
    /** Of tools that OpenAI runs; there are none. */
    max_tool_calls: z.number().int().min(1).nullish(),
    temperature: z.number().min(0).max(2).nullish(),
    top_p: z.number().min(0).max(1).nullish(),
    top_logprobs: z.number().int().min(0).max(20).nullish(),
    include: z.array(ResponseIncludable).max(INCLUDABLE.length).nullish(),
    /** Kept unless it says otherwise, as with OpenAI. */
    store: z.boolean().nullish(),
    metadata: WireMetadata.nullish(),
    user: z.string().max(512).nullish(),
    safety_identifier: z.string().max(512).nullish(),
    prompt_cache_key: z.string().max(512).nullish(),
    service_tier: z.string().max(32).nullish(),
    ...ignored('responses', 'request'),
    background: z
      .literal(false, {
        error:
          'is not offered: a response is made while its client waits or reads its stream. Leave it out, or give false',
      })
      .nullish(),
    prompt: notOffered('prompts are not kept here. Send their text as instructions and input'),
    context_management: notOffered('items are not compacted here. Send less, or truncation: auto'),
    moderation: notOffered('texts are looked at by POST /v1/moderations'),
  })
  .superRefine(assertAsked);
export type ResponsesRequest = z.infer<typeof ResponsesRequest>;

/** `POST /v1/responses/input_tokens`. */
export const ResponseTokensRequest = z.strictObject(asked).superRefine(assertAsked);
export type ResponseTokensRequest = z.infer<typeof ResponseTokensRequest>;
