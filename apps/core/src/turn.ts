import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CallContext,
  type ChatMessage,
  type FinishReason,
  type LogRecord,
  type ModelGatewayApi,
  PlatformError,
  type Side,
  type Usage,
} from '@mcp/contracts';
import { type Budgeted, extractSummary, fitBudget, ReasoningSplitter } from '@mcp/conversation';
import { type ServiceKit, type Span, toPlatformError } from '@mcp/service-kit';
import type { Emit } from './events.ts';

const MAX_ATTEMPTS = 3;
const SUMMARY_TOKENS = 160;
/** Left for the answer even when the budget is tight. */
const MIN_ANSWER_TOKENS = 16;

export interface TurnDeps {
  readonly kit: Pick<ServiceKit, 'metrics' | 'tracer' | 'flags' | 'log'>;
  readonly models: ModelGatewayApi;
  /** MAX_TOKENS of the blueprint: input and output of one model call together. */
  readonly max_tokens: number;
}

export interface TurnRequest {
  readonly turn: number;
  readonly side: Side;
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly max_tokens_per_turn: number;
  readonly temperature: number | undefined;
  readonly seed: number | undefined;
}

/** What a model said in its turn, whole or in part. */
export interface TurnResult {
  readonly message_id: string;
  readonly text: string;
  readonly reasoning: string;
  readonly finish: FinishReason;
  readonly usage: Usage;
  readonly budget: NonNullable<LogRecord['budget']>;
  readonly trace_id: string;
  readonly duration_ms: number;
}

/**
 * Asks one model for its turn and streams it. What fails for a passing reason is tried again, as a new attempt of the
 * same turn. When the call is aborted the partial turn is the result, with `finish.unified` `cancelled`.
 */
export async function takeTurn(
  deps: TurnDeps,
  request: TurnRequest,
  call: CallContext,
  emit: Emit,
): Promise<TurnResult> {
  for (let attempt = 1; ; attempt++) {
    const span = deps.kit.tracer.start('conversation.turn', {
      traceparent: call.traceparent,
      attributes: {
        'mcp.turn': request.turn,
        'mcp.side': request.side,
        'mcp.attempt': attempt,
        model_name: request.model,
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
        model: request.model,
        status: result.finish.unified,
      });
      return result;
    } catch (thrown) {
      const error = toPlatformError(thrown);
      span.end(error);
      deps.kit.metrics.inc('conversation_turns_total', { model: request.model, status: error.code });
      const wait_ms = error.retry_after_ms ?? 250 * 2 ** attempt;
      if (
        attempt >= MAX_ATTEMPTS ||
        !error.retryable ||
        call.signal.aborted ||
        Date.now() + wait_ms > call.deadline_ms ||
        wait_ms > 15_000
      )
        throw error;
      deps.kit.log.warn(
        { code: error.code, attempt, model: request.model, trace_id: span.trace_id },
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
  const { turn, model } = request;
  const message_id = randomUUID();
  const fitted = await budgetOf(deps, request, call);
  const budget = fitted.budget;
  emit({ type: 'message.start', message_id, turn, attempt, role: request.side, model });
  const splitter = new ReasoningSplitter();
  let text = '';
  let reasoning = '';
  let written = 0;
  let finish: FinishReason = { unified: 'cancelled', raw: null };
  let usage: Usage | undefined;
  const say = (piece: { text: string; reasoning: string }) => {
    reasoning += piece.reasoning;
    if (piece.text === '') return;
    text += piece.text;
    emit({ type: 'delta', message_id, turn, text: piece.text });
  };
  try {
    const events = deps.models.generate(
      {
        model,
        messages: [...fitted.messages],
        stream: true,
        max_tokens: Math.max(
          1,
          Math.min(request.max_tokens_per_turn, budget.limit_tokens - budget.input_tokens),
        ),
        ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
        ...(request.seed === undefined ? {} : { seed: request.seed + turn }),
      },
      call,
    );
    for await (const event of events) {
      if (event.type === 'text' || event.type === 'reasoning') written++;
      if (event.type === 'text') say(splitter.push(event.text));
      else if (event.type === 'reasoning') reasoning += event.text;
      else if (event.type === 'finish') finish = event.reason;
      else if (event.type === 'usage') usage = event.usage;
    }
  } catch (error) {
    if (!call.signal.aborted) throw error;
  }
  say(splitter.end());
  if (call.signal.aborted) finish = { unified: 'cancelled', raw: finish.raw };
  const counted = usage ?? { input_tokens: budget.input_tokens, output_tokens: written };
  span.set({
    tokens_in: counted.input_tokens,
    tokens_out: counted.output_tokens,
    'mcp.budget.action': budget.action,
  });
  return {
    message_id,
    text,
    reasoning,
    finish,
    usage: counted,
    budget,
    trace_id: span.trace_id,
    duration_ms: performance.now() - started_ms,
  };
}

/** Holds MAX_TOKENS: input and answer of the call together, within the model's own context. */
async function budgetOf(
  deps: TurnDeps,
  request: TurnRequest,
  call: CallContext,
): Promise<{ messages: Budgeted['messages']; budget: TurnResult['budget'] }> {
  let exact = true;
  let limit_tokens = deps.max_tokens;
  const count = async (messages: readonly ChatMessage[]) => {
    const counted = await deps.models.countTokens({ model: request.model, messages: [...messages] }, call);
    exact &&= counted.exact;
    limit_tokens = Math.min(limit_tokens, counted.max_context);
    return counted.tokens;
  };
  await count(request.messages);
  const reserve_tokens = Math.max(
    MIN_ANSWER_TOKENS,
    Math.min(request.max_tokens_per_turn, Math.floor(limit_tokens / 2)),
  );
  const summarize = deps.kit.flags.enabled('TOKEN_BUDGET_SUMMARY_ENABLED')
    ? (dropped: readonly ChatMessage[]) => summaryOf(deps, request.model, dropped, call)
    : undefined;
  const fitted = await fitBudget({
    messages: request.messages,
    limit_tokens,
    reserve_tokens,
    count,
    summarize,
  });
  deps.kit.metrics.inc('token_budget_actions_total', { model: request.model, phase: fitted.action });
  return {
    messages: fitted.messages,
    budget: {
      input_tokens: fitted.input_tokens,
      limit_tokens,
      exact,
      action: fitted.action,
      dropped_messages: fitted.dropped_messages,
    },
  };
}

/** A summary by the model itself; when it cannot, first sentences. */
async function summaryOf(
  deps: TurnDeps,
  model: string,
  dropped: readonly ChatMessage[],
  call: CallContext,
): Promise<string> {
  const extract = extractSummary(dropped, 2400);
  let summary = '';
  try {
    const events = deps.models.generate(
      {
        model,
        messages: [
          { role: 'system', content: 'Summarise the text in three sentences.' },
          { role: 'user', content: extract },
        ],
        stream: true,
        max_tokens: SUMMARY_TOKENS,
        temperature: 0,
      },
      call,
    );
    for await (const event of events) if (event.type === 'text') summary += event.text;
  } catch (error) {
    if (call.signal.aborted || !(error instanceof PlatformError)) throw error;
  }
  return summary.trim() === '' ? extractSummary(dropped) : summary.trim();
}
