import { z } from 'zod';
import { FinishReason, Usage } from '../models/model.ts';
import { Decision } from './decision.ts';

/** How the two models work together (blueprint 9.1). */
export const ConversationMode = z.enum(['debate', 'cross-check', 'answer']);
export type ConversationMode = z.infer<typeof ConversationMode>;

/** The side that speaks: A first, then B, then A … */
export const Side = z.enum(['modelA', 'modelB']);
export type Side = z.infer<typeof Side>;

export const PromptName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9_-]{0,63}$/,
    'must be a prompt name such as critic_mode (lower case letters, digits, _ and -)',
  );

export const MAX_EXCHANGES = 16;

/**
 * `POST /chat` (blueprint 9.2). `exchanges` counts model turns: 4 means A, B, A, B.
 * With `conversation_id` an earlier conversation goes on: with `message`, a new question in the same conversation;
 * without, an interrupted one is finished (`exchanges` then is the total, default the original one).
 */
export const ChatRequest = z
  .strictObject({
    modelA: z.string().min(1).max(200).optional(),
    modelB: z.string().min(1).max(200).optional(),
    promptA: PromptName.optional(),
    promptB: PromptName.optional(),
    exchanges: z.number().int().min(1).max(MAX_EXCHANGES).optional(),
    message: z.string().min(1).max(200_000).optional(),
    mode: ConversationMode.optional(),
    stream: z.boolean().optional(),
    conversation_id: z.uuid().optional(),
    /** Tokens each turn may write at most. */
    max_tokens_per_turn: z.number().int().min(1).max(4096).optional(),
    temperature: z.number().min(0).max(2).optional(),
    seed: z.number().int().optional(),
    /** What happens when the connection goes: `cancel` (default), or `continue` to the end. */
    on_disconnect: z.enum(['cancel', 'continue']).optional(),
  })
  .refine((value) => value.message !== undefined || value.conversation_id !== undefined, {
    path: ['message'],
    message: 'is required unless conversation_id names a conversation to finish',
  });
export type ChatRequest = z.infer<typeof ChatRequest>;

/** One finished turn as the client sees it: hidden reasoning is not in `content` (it is in the log). */
export const ChatTurn = z.object({
  message_id: z.uuid(),
  turn: z.number().int().nonnegative(),
  role: Side,
  model: z.string(),
  content: z.string(),
  finish_reason: FinishReason,
  usage: Usage,
});
export type ChatTurn = z.infer<typeof ChatTurn>;

/** What `POST /chat` answers without `stream`. */
export const ChatResponse = z.object({
  id: z.uuid(),
  trace_id: z.string(),
  mode: ConversationMode,
  models: z.tuple([z.string(), z.string()]),
  messages: z.array(ChatTurn),
  /** The answer that the decision chose. */
  answer: z.string(),
  decision: Decision.nullable(),
  usage: Usage,
  status: z.enum(['completed', 'cancelled', 'interrupted']),
});
export type ChatResponse = z.infer<typeof ChatResponse>;

/**
 * Events of a conversation, on SSE (`event:` is the type, `id:` is `seq`), on the WebSocket and between services.
 * A `message.start` with the same `turn` and a higher `attempt` replaces what that turn had streamed before.
 */
export const ChatEvent = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('start'),
    seq: z.number().int(),
    conversation_id: z.uuid(),
    trace_id: z.string(),
    mode: ConversationMode,
    models: z.tuple([z.string(), z.string()]),
    exchanges: z.number().int(),
  }),
  z.object({
    type: z.literal('message.start'),
    seq: z.number().int(),
    message_id: z.uuid(),
    turn: z.number().int(),
    attempt: z.number().int(),
    role: Side,
    model: z.string(),
  }),
  z.object({
    type: z.literal('delta'),
    seq: z.number().int(),
    message_id: z.uuid(),
    turn: z.number().int(),
    text: z.string(),
  }),
  z.object({
    type: z.literal('message.end'),
    seq: z.number().int(),
    message_id: z.uuid(),
    turn: z.number().int(),
    finish_reason: FinishReason,
    usage: Usage,
    content: z.string(),
  }),
  z.object({ type: z.literal('decision'), seq: z.number().int(), decision: Decision }),
  z.object({ type: z.literal('done'), seq: z.number().int(), response: ChatResponse }),
  z.object({
    type: z.literal('error'),
    seq: z.number().int(),
    code: z.string(),
    message: z.string(),
    retryable: z.boolean(),
    conversation_id: z.uuid().nullable(),
    trace_id: z.string().nullable(),
    retry_after_ms: z.number().nullable(),
  }),
]);
export type ChatEvent = z.infer<typeof ChatEvent>;

/** Where conversations run over a WebSocket; the edge lets nothing else upgrade. */
export const SOCKET_PATH = '/ws';

/** What a client may send on `GET /ws`. `start` carries a /chat body; `cancel` stops the running conversation. */
export const WsClientFrame = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('start'), request: ChatRequest }),
  z.strictObject({ type: z.literal('cancel') }),
]);
export type WsClientFrame = z.infer<typeof WsClientFrame>;
