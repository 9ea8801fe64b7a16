import { z } from 'zod';
import { FinishReason, StreamResumed, Usage } from '../models/model.ts';
import { Confidence } from './confidence.ts';
import { Decision } from './decision.ts';
import { GraphName } from './graph.ts';
import { MAX_PARTICIPANTS, Participant, ParticipantId, PromptName, StepId } from './participant.ts';
import { PiiAction } from './pii.ts';
import { ConversationRisk, RiskVerdict } from './risk.ts';
import { SafetyVerdict } from './safety.ts';

/** How participants work together that take turns (blueprint 9.1). */
export const TurnMode = z.enum(['debate', 'cross-check', 'answer']);
export type TurnMode = z.infer<typeof TurnMode>;

/** How the participants work together: in turns, or as a graph of agents, which has the name of its model. */
export const ConversationMode = z.union([TurnMode, z.templateLiteral(['mcp/', GraphName])]);
export type ConversationMode = z.infer<typeof ConversationMode>;

export const MAX_EXCHANGES = 16;

/** The fields of `POST /chat` that say who takes part where there are two: modelA and modelB. */
const PAIR_FIELDS = ['modelA', 'modelB', 'promptA', 'promptB'] as const;

/** One of `participants` of `POST /chat`; what is left out is chosen as for `modelA` and `modelB`. */
export const ParticipantWish = z.strictObject({
  id: ParticipantId.optional(),
  model: z.string().min(1).max(200).optional(),
  prompt: PromptName.optional(),
});
export type ParticipantWish = z.infer<typeof ParticipantWish>;

/**
 * `POST /chat` (blueprint 9.2). `exchanges` counts turns, which the participants take one after the other: 4 means
 * A, B, A, B. `modelA`, `modelB`, `promptA` and `promptB` are short for two participants with the ids modelA and modelB.
 * With `conversation_id` an earlier conversation goes on: with `message`, a new question in the same conversation;
 * without, an interrupted one is finished (`exchanges` then is the total, default the original one).
 */
export const ChatRequest = z
  .strictObject({
    modelA: z.string().min(1).max(200).optional(),
    modelB: z.string().min(1).max(200).optional(),
    promptA: PromptName.optional(),
    promptB: PromptName.optional(),
    participants: z.array(ParticipantWish).min(1).max(MAX_PARTICIPANTS).optional(),
    exchanges: z.number().int().min(1).max(MAX_EXCHANGES).optional(),
    message: z.string().min(1).max(200_000).optional(),
    /** A {@link TurnMode}, or a graph: by its name, or by the one that it has as a model. */
    mode: z
      .string()
      .regex(
        /^(mcp\/)?[a-z][a-z0-9-]{0,39}$/,
        'must be debate, cross-check, answer or a graph that GET /v1/graphs lists',
      )
      .optional(),
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
  })
  .superRefine(({ participants, ...rest }, context) => {
    if (participants === undefined) return;
    const pair = PAIR_FIELDS.find((field) => rest[field] !== undefined);
    const problem = (message: string) =>
      context.addIssue({ code: 'custom', path: ['participants'], message });
    if (pair !== undefined)
      problem(`cannot be given together with ${pair}, which is short for it. Leave one of them out`);
    const ids = participants.flatMap(({ id }) => id ?? []);
    const twice = ids.find((id, at) => ids.indexOf(id) !== at);
    if (twice !== undefined) problem(`has the id ${twice} twice. Give each participant an id of its own`);
  });
export type ChatRequest = z.infer<typeof ChatRequest>;

/** The same between services, with how it is to be watched where conversations are routed by risk. */
export const WatchedChatRequest = ChatRequest.safeExtend({
  risk: ConversationRisk.optional(),
  /** What becomes of personal data in what models say; in the message it has been done. Absent: `tag`. */
  pii: PiiAction.optional(),
});
export type WatchedChatRequest = z.infer<typeof WatchedChatRequest>;

/** One finished turn as the client sees it: hidden reasoning is not in `content` (it is in the log). */
export const ChatTurn = z.object({
  message_id: z.uuid(),
  turn: z.number().int().nonnegative(),
  step: StepId,
  participant: ParticipantId,
  /** The participant's id, as logs have it. */
  role: ParticipantId,
  model: z.string(),
  content: z.string(),
  finish_reason: FinishReason,
  usage: Usage,
  /** Of a node of a graph. */
  confidence: Confidence.optional(),
});
export type ChatTurn = z.infer<typeof ChatTurn>;

/** What `POST /chat` answers without `stream`. */
export const ChatResponse = z.object({
  id: z.uuid(),
  trace_id: z.string(),
  mode: ConversationMode,
  participants: z.array(Participant),
  /** The participants' models, in their order. */
  models: z.array(z.string()),
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
 * In a graph `turn` is the place of the node, and nodes that run at once have their events in between each other.
 */
export const ChatEvent = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('start'),
    seq: z.number().int(),
    conversation_id: z.uuid(),
    trace_id: z.string(),
    mode: ConversationMode,
    participants: z.array(Participant),
    models: z.array(z.string()),
    exchanges: z.number().int(),
    /** What was found in the question; absent where nothing was. */
    safety: SafetyVerdict.optional(),
    /** Of the question; absent where nothing is routed by risk. */
    risk: RiskVerdict.optional(),
  }),
  z.object({
    type: z.literal('message.start'),
    seq: z.number().int(),
    message_id: z.uuid(),
    turn: z.number().int(),
    attempt: z.number().int(),
    step: StepId,
    participant: ParticipantId,
    role: ParticipantId,
    model: z.string(),
  }),
  z.object({
    type: z.literal('delta'),
    seq: z.number().int(),
    message_id: z.uuid(),
    turn: z.number().int(),
    step: StepId,
    participant: ParticipantId,
    text: z.string(),
  }),
  /** The answer is ended at a sentence, before it outgrows the limit of input and answer together. */
  z.object({
    type: z.literal('truncated'),
    seq: z.number().int(),
    message_id: z.uuid(),
    turn: z.number().int(),
    step: StepId,
    participant: ParticipantId,
    input_tokens: z.number().int(),
    output_tokens: z.number().int(),
    limit_tokens: z.number().int(),
  }),
  /** Between two deltas: the model broke off, and another one goes on from what was said. */
  z.object({
    type: z.literal('stream_resumed'),
    seq: z.number().int(),
    message_id: z.uuid(),
    turn: z.number().int(),
    step: StepId,
    participant: ParticipantId,
    ...StreamResumed.shape,
  }),
  z.object({
    type: z.literal('message.end'),
    seq: z.number().int(),
    message_id: z.uuid(),
    turn: z.number().int(),
    step: StepId,
    participant: ParticipantId,
    finish_reason: FinishReason,
    usage: Usage,
    content: z.string(),
    /** Of a node of a graph. */
    confidence: Confidence.optional(),
    /** What was found in the turn; absent where nothing was. */
    safety: SafetyVerdict.optional(),
    /** Of the turn, and the route from then on. */
    risk: RiskVerdict.optional(),
  }),
  /** A node of a graph that says nothing: its branch was not taken, or it failed and may. */
  z.object({
    type: z.literal('node'),
    seq: z.number().int(),
    participant: ParticipantId,
    state: z.enum(['skipped', 'failed']),
    reason: z.string(),
  }),
  z.object({
    type: z.literal('decision'),
    seq: z.number().int(),
    step: StepId,
    decision: Decision,
    /** Of the answers that were compared. */
    risk: RiskVerdict.optional(),
  }),
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
