import { z } from 'zod';
import { Residency } from '../tables/region.ts';
import type { ChatCompletionRequest, ChatMessage, EmbeddingsRequest, LogprobToken } from './openai.ts';

/** Why a generation ended: unified, with the backend's own word kept beside it. */
export const FinishReason = z.object({
  unified: z.enum(['stop', 'length', 'tool_calls', 'content_filter', 'cancelled', 'error', 'other']),
  raw: z.string().nullable(),
});
export type FinishReason = z.infer<typeof FinishReason>;

/** Token counts of one generation. `input_tokens` includes cached ones, `output_tokens` includes reasoning. */
export const Usage = z.object({
  input_tokens: z.number().int().nonnegative(),
  output_tokens: z.number().int().nonnegative(),
  cached_input_tokens: z.number().int().nonnegative().optional(),
  reasoning_tokens: z.number().int().nonnegative().optional(),
});
export type Usage = z.infer<typeof Usage>;

/** A stream broke off with an error of this code, and another model goes on from what was said. */
export const StreamResumed = z.object({
  from: z.string().max(200),
  to: z.string().max(200),
  code: z.string().max(64),
});
export type StreamResumed = z.infer<typeof StreamResumed>;

/**
 * The one stream every backend speaks. Order: one `start`; then `text`, `reasoning`, `tool_call` in any order;
 * one `finish` per choice; one `usage` where known (always last). A failure is thrown as PlatformError.
 */
export type ModelEvent =
  | {
      readonly type: 'start';
      readonly id: string;
      readonly model: string;
      readonly backend: string;
      readonly created_s: number;
      /** The model that answers, where `model` is an alias. */
      readonly served_by?: string;
      /** Fields of the request that its backend made no use of. */
      readonly ignored?: readonly string[];
    }
  | {
      readonly type: 'text';
      readonly choice: number;
      readonly text: string;
      readonly logprobs?: readonly LogprobToken[];
    }
  | { readonly type: 'reasoning'; readonly choice: number; readonly text: string }
  | {
      readonly type: 'tool_call';
      readonly choice: number;
      readonly index: number;
      /** Present on the first event of each call. */
      readonly id?: string;
      readonly name?: string;
      readonly arguments_delta: string;
    }
  /** Between two pieces of one answer; no backend says it of itself. */
  | ({ readonly type: 'stream_resumed' } & Readonly<StreamResumed>)
  | { readonly type: 'finish'; readonly choice: number; readonly reason: FinishReason }
  | { readonly type: 'usage'; readonly usage: Usage };

/** What a request may ask of a model beside text. */
export const Capability = z.enum(['tools', 'json_schema', 'images', 'logprobs', 'reasoning']);
export type Capability = z.infer<typeof Capability>;

/** What a model costs and can do. Prices in US dollars per million tokens; `null` where unknown (never 0). */
export const ModelInfo = z.object({
  id: z.string().min(1).max(200),
  backend: z.string(),
  kind: z.enum(['chat', 'embedding']),
  owned_by: z.string(),
  /** Context window in tokens. */
  max_context: z.number().int().positive(),
  /** Inferences it works on at once; absent where that is learnt from what its server refuses. */
  max_concurrency: z.number().int().positive().optional(),
  /** Size of the vector, for embedding models. */
  dimensions: z.number().int().positive().optional(),
  cost_input_per_mtok_usd: z.number().nonnegative().nullable(),
  cost_output_per_mtok_usd: z.number().nonnegative().nullable(),
  /** Of tokens that the provider had in its cache; absent or `null` where that price is not known. */
  cost_cached_input_per_mtok_usd: z.number().nonnegative().nullable().optional(),
  /** Absent where its server does not say: a filter by a capability then lets it pass unless it must be known. */
  capabilities: z.array(Capability).optional(),
  /** Where its text is processed; absent where that is not known, `any` where the provider may choose. */
  residency: Residency.optional(),
  /** Joules per token, read or written, and where the figure is from. */
  energy: z
    .object({ j_per_token: z.number().nonnegative(), source: z.enum(['declared', 'measured']) })
    .optional(),
  /** It runs on the platform's own machines and costs nothing: who names no model gets such a one while one is ready. */
  own: z.literal(true).optional(),
  status: z.enum(['ready', 'loading', 'downloading', 'unavailable']),
  /** Human sentence for a status other than ready (progress, reason). */
  detail: z.string().optional(),
});
export type ModelInfo = z.infer<typeof ModelInfo>;

/** What an alias has in the place of a backend. */
export const ALIAS_BACKEND = 'alias';

/** Result of an embedding call: one vector per input, in order. */
export const EmbeddingsResult = z.object({
  model: z.string(),
  vectors: z.array(z.array(z.number())),
  input_tokens: z.number().int().nonnegative(),
});
export type EmbeddingsResult = z.infer<typeof EmbeddingsResult>;

/** Tokens of a list of messages as the model will see them; `exact` is false for an estimate. */
export const TokenCount = z.object({
  tokens: z.number().int().nonnegative(),
  exact: z.boolean(),
  max_context: z.number().int().positive(),
});
export type TokenCount = z.infer<typeof TokenCount>;

/** Load of one model's queue. */
export const QueueStatus = z.object({
  model: z.string(),
  running: z.number().int().nonnegative(),
  waiting_interactive: z.number().int().nonnegative(),
  waiting_batch: z.number().int().nonnegative(),
  capacity: z.number().int().positive(),
});
export type QueueStatus = z.infer<typeof QueueStatus>;

export const CountTokensRequest = z.object({
  model: z.string().min(1).max(200),
  messages: z.custom<readonly ChatMessage[]>((value) => Array.isArray(value)),
});
export type CountTokensRequest = z.infer<typeof CountTokensRequest>;

export const ReservePlace = z.object({ model: z.string().min(1).max(200) });

/** Room for one inference in the queue of a model, kept until it is used, given back or forgotten after 10 s. */
export interface Place {
  readonly id: string;
  /** Resolves when it was used, given back or forgotten. */
  readonly gone: Promise<void>;
  release(): void;
}

/** A model backend (blueprint: BaseModelBackend). One folder each in `packages/model-backends/src/`. */
export interface ModelBackend {
  readonly name: string;
  /** The server behind it, where there can be several of this backend: `<target>/<model>` asks this one alone. */
  readonly target?: string;
  /** Fields of a request that it makes no use of, which callers are told; absent where the server behind decides. */
  readonly ignores?: readonly (keyof ChatCompletionRequest)[];
  /** Models it serves now; may change while weights arrive. Throws when they cannot be known. */
  models(signal: AbortSignal): Promise<readonly ModelInfo[]>;
  /**
   * `start`, what the model says, a `finish` per choice, `usage`. When the signal fires it ends at once, with a finish
   * and the usage so far where they are known, and throws the signal's reason.
   */
  generate(request: ChatCompletionRequest, options: BackendCallOptions): AsyncIterable<ModelEvent>;
  embed(request: EmbeddingsRequest, options: BackendCallOptions): Promise<EmbeddingsResult>;
  countTokens(request: CountTokensRequest, options: BackendCallOptions): Promise<TokenCount>;
  /** Frees what it holds. What is still being written ends with `unavailable`. */
  close(): Promise<void>;
}

/** What a backend gets beside the request. */
export interface BackendCallOptions {
  readonly signal: AbortSignal;
  readonly deadline_ms: number;
  readonly traceparent: string | undefined;
  /** Gateways that the request passed before this one; absent: none. */
  readonly hops?: number | undefined;
}
