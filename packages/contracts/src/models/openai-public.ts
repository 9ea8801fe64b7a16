/**
 * What OpenAI's wire takes in public beside what the platform asks for inside: function calls from before there were
 * tools, completions of a prompt, texts as tokens. `packages/wire` makes the inner request of each.
 */
import { z } from 'zod';
import { JsonSchema } from './json-schema.ts';
import { assertTools, COMPLETION_FIELDS, EmbeddedText, EmbeddingsRequest, MESSAGES } from './openai.ts';
import { ignored, listOf, repeatedAt, WireName } from './wire-fields.ts';

const FunctionCall = z.strictObject({
  name: z.string().min(1).max(64),
  arguments: z.string().max(200_000),
});

const PublicMessage = z.discriminatedUnion('role', [
  MESSAGES.system,
  MESSAGES.developer,
  MESSAGES.user,
  MESSAGES.assistant.extend({ function_call: FunctionCall.nullish() }),
  MESSAGES.tool,
  z.strictObject({
    role: z.literal('function'),
    name: WireName,
    content: z.string().max(1_000_000).nullable(),
    ...ignored('openai', 'message'),
  }),
]);
export type PublicMessage = z.infer<typeof PublicMessage>;

const LegacyFunction = z.strictObject({
  name: WireName,
  description: z.string().max(16_000).optional(),
  parameters: JsonSchema.optional(),
});

const publicFields = {
  ...COMPLETION_FIELDS,
  messages: z.array(PublicMessage).min(1).max(2048),
  functions: z.array(LegacyFunction).min(1).max(128).optional(),
  function_call: z
    .union([z.enum(['none', 'auto']), z.strictObject({ name: z.string().min(1).max(64) })])
    .optional(),
  /** What an answer is made of. */
  modalities: z
    .array(z.literal('text', 'is not offered: models here answer in text. Ask for text alone'))
    .length(1)
    .nullish(),
};

/** `POST /v1/chat/completions`. */
export const PublicChatCompletionRequest = z
  .strictObject(publicFields)
  .superRefine(assertTools)
  .superRefine(assertFunctions);
export type PublicChatCompletionRequest = z.infer<typeof PublicChatCompletionRequest>;

type FunctionsAsked = Pick<
  z.infer<z.ZodObject<typeof publicFields>>,
  'functions' | 'function_call' | 'tools' | 'messages'
>;

/** What a request says of its functions fits together, so that tools can be made of them. */
function assertFunctions(
  { functions, function_call, tools, messages }: FunctionsAsked,
  context: z.RefinementCtx,
): void {
  const names = (functions ?? []).map(({ name }) => name);
  const again = repeatedAt(names);
  const refuse = (path: (string | number)[], message: string) =>
    context.addIssue({ code: 'custom', path, message });
  if (again >= 0)
    refuse(['functions', again, 'name'], 'is the name of another function, too. Give each its own');
  if (functions !== undefined && tools !== undefined)
    refuse(['functions'], 'stands beside tools, which took its place. Send tools alone');
  if (typeof function_call === 'object' && !names.includes(function_call.name))
    refuse(['function_call', 'name'], 'must be the name of one of the functions');
  const called = new Set<string>();
  for (const [at, message] of messages.entries()) {
    if (message.role === 'assistant' && message.function_call != null) {
      called.add(message.function_call.name);
      if (message.tool_calls !== undefined)
        refuse(['messages', at, 'function_call'], 'stands beside tool_calls. Send tool_calls alone');
    }
    if (message.role === 'function' && !called.has(message.name))
      refuse(['messages', at, 'name'], 'must be the function of a function_call in an earlier message');
  }
}

/** Ids of tokens, as tiktoken makes them. */
const Tokens = listOf(z.number().int().min(0).max(300_000), 32_768);

/** `POST /v1/embeddings`: texts, or their tokens. */
export const PublicEmbeddingsRequest = EmbeddingsRequest.extend({
  input: z.union([EmbeddedText, listOf(EmbeddedText, 2048), Tokens, listOf(Tokens, 2048)]),
});
export type PublicEmbeddingsRequest = z.infer<typeof PublicEmbeddingsRequest>;

const Prompt = z.string().min(1).max(1_000_000);
/** Prompts of one request: they are answered one after the other. */
const MAX_PROMPTS = 64;

/** `POST /v1/completions`: what was before chat completions. */
export const CompletionRequest = z.strictObject({
  ...ignored('openai', 'completion of a prompt'),
  model: COMPLETION_FIELDS.model,
  prompt: z.union([Prompt, listOf(Prompt, MAX_PROMPTS), Tokens, listOf(Tokens, MAX_PROMPTS)]),
  /** Refused: a model that answers in chats cannot be told what is to follow. */
  suffix: z.null('is not offered: no model here fills in what stands before a text. Leave it out').optional(),
  echo: z.boolean().nullish(),
  logprobs: z.number().int().min(0).max(5).nullish(),
  stream: COMPLETION_FIELDS.stream,
  stream_options: COMPLETION_FIELDS.stream_options,
  n: COMPLETION_FIELDS.n,
  stop: COMPLETION_FIELDS.stop,
  max_tokens: COMPLETION_FIELDS.max_tokens,
  temperature: COMPLETION_FIELDS.temperature,
  top_p: COMPLETION_FIELDS.top_p,
  top_k: COMPLETION_FIELDS.top_k,
  min_p: COMPLETION_FIELDS.min_p,
  seed: COMPLETION_FIELDS.seed,
  presence_penalty: COMPLETION_FIELDS.presence_penalty,
  frequency_penalty: COMPLETION_FIELDS.frequency_penalty,
  logit_bias: COMPLETION_FIELDS.logit_bias,
  user: COMPLETION_FIELDS.user,
});
export type CompletionRequest = z.infer<typeof CompletionRequest>;
