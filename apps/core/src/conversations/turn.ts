import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CallContext,
  type ChatCompletionRequest,
  type ChatMessage,
  type FinishReason,
  type LogprobToken,
  type LogRecord,
  type Participant,
  PlatformError,
  type SafetyVerdict,
  type StreamResumed,
  type Usage,
} from '@mcp/contracts';
import { alternate, ReasoningSplitter } from '@mcp/conversation';
import { countSafety, Findings, type Guard, guardEvents } from '@mcp/safety/guard';
import { backOff, type Span, toPlatformError } from '@mcp/service-kit';
import type { CoreKit } from '../kit.ts';
import { type BudgetDeps, budgetOf, type Fitted } from './budget.ts';
import type { Emit } from './events.ts';

const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 15_000;

/** What a turn needs. */
export type TurnDeps = BudgetDeps & {
  readonly kit: Pick<CoreKit, 'tracer' | 'log'>;
  /** The safety policy. */
  readonly guard: Guard;
};

export interface TurnRequest {
  readonly turn: number;
  /** Id of the step that this turn is. */
  readonly step: string;
  readonly participant: Participant;
  readonly messages: readonly ChatMessage[];
  /** Index of the question in `messages`. */
  readonly question_at: number;
  /** For each message the step that it shows. */
  readonly sources: readonly (string | undefined)[];
  readonly max_tokens_per_turn: number;
  readonly temperature: number | undefined;
  readonly seed: number | undefined;
  /** What of the request is not the same for all turns. */
  readonly asked?: Pick<ChatCompletionRequest, 'response_format' | 'logprobs'>;
  /** Of its span. */
  readonly attributes?: Readonly<Record<string, string>>;
}

/** What a model said in its turn, whole or in part. */
export interface TurnResult {
  readonly message_id: string;
  readonly text: string;
  readonly reasoning: string;
  readonly finish: FinishReason;
  readonly usage: Usage;
  readonly resumed?: readonly StreamResumed[];
  /** Of the tokens of the text, where the server gives them. */
  readonly logprobs: readonly LogprobToken[];
  readonly budget: NonNullable<LogRecord['budget']>;
  /** Steps that the model was shown, and the summary of those that it was not. */
  readonly parents: Fitted['parents'];
  readonly summary: Fitted['summary'];
  /** What was found in it. */
  readonly safety: SafetyVerdict | undefined;
  readonly trace_id: string;
  readonly duration_ms: number;
}

/**
 * Asks one model for its turn and streams it. What fails for a passing reason is tried again, as a new attempt of the
 * same turn, as long as the request has retries left. When the call is aborted the partial turn is the result, with `finish.unified` `cancelled`.
 */
export async function runTurn(
  deps: TurnDeps,
  request: TurnRequest,
  { call, emit }: { call: CallContext; emit: Emit },
): Promise<TurnResult> {
  const { id, model } = request.participant;
  for (let attempt = 1; ; attempt++) {
    const span = deps.kit.tracer.start('conversation.turn', {
      traceparent: call.traceparent,
      attributes: {
        'mcp.turn': request.turn,
        'mcp.participant': id,
        'mcp.attempt': attempt,
        model_name: model,
        ...request.attributes,
      },
    });
    try {
      const result = await attemptTurn(deps, request, {
        call: { ...call, traceparent: span.traceparent },
        emit,
        span,
        attempt,
      });
      span.end();
      deps.kit.metrics.inc('conversation_turns_total', {
        model,
        status: result.finish.unified,
      });
      return result;
    } catch (thrown) {
      const error = toPlatformError(thrown);
      span.end(error);
      deps.kit.metrics.inc('conversation_turns_total', { model, status: error.code });
      const wait_ms = error.retry_after_ms ?? backOff(attempt + 1, { first_ms: FIRST_PAUSE_MS });
      if (
        !error.retryable ||
        call.signal.aborted ||
        Date.now() + wait_ms > call.deadline_ms ||
        wait_ms > MAX_PAUSE_MS ||
        call.retries?.take() !== true
      )
        throw error;
      deps.kit.log.warn(
        { code: error.code, attempt, model, trace_id: span.trace_id },
        'turn failed, trying again',
      );
      await sleep(wait_ms, undefined, { signal: call.signal }).catch(() => {
        throw error;
      });
    }
  }
}

interface Attempt {
  readonly call: CallContext;
  readonly emit: Emit;
  readonly span: Span;
  readonly attempt: number;
}

async function attemptTurn(
  deps: TurnDeps,
  request: TurnRequest,
  { call, emit, span, attempt }: Attempt,
): Promise<TurnResult> {
  const started_ms = performance.now();
  const { turn, step } = request;
  const { id: participant, model } = request.participant;
  const message_id = randomUUID();
  const fitted = await budgetOf(deps, { ...request, model }, call);
  const { budget, parents, summary } = fitted;
  emit({ type: 'message.start', message_id, turn, attempt, step, participant, role: participant, model });
  const splitter = new ReasoningSplitter();
  let text = '';
  let reasoning = '';
  const logprobs: LogprobToken[] = [];
  let written = 0;
  let finish: FinishReason | undefined;
  let usage: Usage | undefined;
  const resumed: StreamResumed[] = [];
  const findings = new Findings();
  const say = (piece: { text: string; reasoning: string }) => {
    reasoning += piece.reasoning;
    if (piece.text === '') return;
    text += piece.text;
    emit({ type: 'delta', message_id, turn, step, participant, text: piece.text });
  };
  try {
    const events = deps.models.generate(modelRequest(request, fitted), call);
    for await (const event of guardEvents(deps.guard, events, findings)) {
      if (event.type === 'text' || event.type === 'reasoning') written++;
      if (event.type === 'text') logprobs.push(...(event.logprobs ?? []));
      if (event.type === 'text') say(splitter.push(event.text));
      else if (event.type === 'reasoning') reasoning += event.text;
      else if (event.type === 'stream_resumed') {
        const { from, to, code } = event;
        resumed.push({ from, to, code });
        span.event('stream_resumed', { from, to, code });
        emit({ type: 'stream_resumed', message_id, turn, step, participant, from, to, code });
      } else if (event.type === 'finish') finish = event.reason;
      else if (event.type === 'usage') usage = event.usage;
    }
  } catch (error) {
    if (!call.signal.aborted) throw error;
  }
  say(splitter.end());
  finish = finishOf(finish, { model, cancelled: call.signal.aborted });
  const safety = findings.verdict;
  const counted = usage ?? { input_tokens: budget.input_tokens, output_tokens: written };
  span.set({
    tokens_in: counted.input_tokens,
    tokens_out: counted.output_tokens,
    'mcp.budget.action': budget.action,
    'mcp.safety.action': safety?.action ?? 'none',
  });
  countSafety(deps.kit.metrics, safety);
  return {
    message_id,
    text,
    reasoning,
    finish,
    usage: counted,
    ...(resumed.length === 0 ? {} : { resumed }),
    logprobs,
    budget,
    parents,
    summary,
    safety,
    trace_id: span.trace_id,
    duration_ms: performance.now() - started_ms,
  };
}

/** What the model is asked: its context, and no longer an answer than the budget leaves room for. */
function modelRequest(
  { participant, turn, max_tokens_per_turn, temperature, seed, asked }: TurnRequest,
  { messages, budget }: Fitted,
): ChatCompletionRequest {
  return {
    ...asked,
    model: participant.model,
    messages: alternate(messages),
    stream: true,
    max_tokens: Math.max(1, Math.min(max_tokens_per_turn, budget.limit_tokens - budget.input_tokens)),
    ...(temperature === undefined ? {} : { temperature }),
    ...(seed === undefined ? {} : { seed: Math.min(seed + turn, Number.MAX_SAFE_INTEGER) }),
  };
}

/** How the turn ended. Throws `upstream_interrupted` when the model stopped of itself before its answer was whole. */
function finishOf(
  reported: FinishReason | undefined,
  { model, cancelled }: { model: string; cancelled: boolean },
): FinishReason {
  if (cancelled) return { unified: 'cancelled', raw: reported?.raw ?? null };
  if (reported === undefined || reported.unified === 'error' || reported.unified === 'cancelled')
    throw new PlatformError(
      'upstream_interrupted',
      `The model ${model} broke off in the middle of its turn. Resume the conversation to try again.`,
    );
  return reported;
}
