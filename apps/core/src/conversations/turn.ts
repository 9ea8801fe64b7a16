import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CallContext,
  type ChatMessage,
  type FinishReason,
  type LogprobToken,
  type LogRecord,
  PlatformError,
  type RiskVerdict,
  type SafetyVerdict,
  type StreamResumed,
  type Usage,
} from '@mcp/contracts';
import { errorOf, isTooLong, MAX_REFITS, tightness } from '@mcp/conversation';
import { countSafety, type Guard } from '@mcp/safety/guard';
import { backOff, type Span, toPlatformError } from '@mcp/service-kit';
import type { CoreKit } from '../kit.ts';
import { type Answer, type Asked, answerOf } from './answer.ts';
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

export interface TurnRequest extends Asked {
  readonly messages: readonly ChatMessage[];
  /** Index of the question in `messages`. */
  readonly question_at: number;
  /** For each message the step that it shows. */
  readonly sources: readonly (string | undefined)[];
}

/** What a model said in its turn, whole or in part. */
export interface TurnResult {
  readonly message_id: string;
  /** That was asked. */
  readonly model: string;
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
  /** Where conversations are routed by risk. */
  readonly risk: RiskVerdict | undefined;
  readonly trace_id: string;
  readonly duration_ms: number;
}

/**
 * Asks one model for its turn and streams it. What fails for a passing reason is tried again, as a new attempt of the
 * same turn, as long as the request has retries left. When the call is aborted the partial turn is the result, with `finish.unified` `cancelled`.
 */
export async function runTurn(
  deps: TurnDeps,
  asked: TurnRequest,
  { call: given, emit }: { call: CallContext; emit: Emit },
): Promise<TurnResult> {
  const request = await routed(deps, asked, given);
  const { id, model } = request.participant;
  // Room was taken at the model that would have been asked.
  const place = model === asked.participant.model ? given.place : undefined;
  const call = asked.watch === undefined ? given : { ...given, place, careful: asked.watch.careful };
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

/** What is asked by the risk that is known before a turn. */
async function routed({ models }: TurnDeps, request: TurnRequest, call: CallContext): Promise<TurnRequest> {
  const { watch } = request;
  if (watch === undefined) return request;
  const participant = watch.participant(request.participant);
  const messages = watch.messages(request.messages);
  const { capabilities, own } = await models.model(participant.model, call);
  const told = capabilities?.includes('logprobs') === true && watch.wantsLogprobs(own === true);
  const asked = told ? { ...request.asked, logprobs: true } : request.asked;
  return { ...request, participant, messages, ...(asked === undefined ? {} : { asked }) };
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
  const start = () =>
    emit({ type: 'message.start', message_id, turn, attempt, step, participant, role: participant, model });
  const { fitted, answer } = await answered(deps, { ...request, message_id }, { call, emit, span, start });
  const { budget, parents, summary } = fitted;
  const { usage: reported, output_tokens, safety, risk, resumed } = answer;
  const counted = reported ?? { input_tokens: budget.input_tokens, output_tokens };
  const finish = finishOf(answer, { model, cancelled: call.signal.aborted });
  if (reported !== undefined) learn(deps, model, { ...fitted, usage: reported });
  span.set({
    tokens_in: counted.input_tokens,
    tokens_out: counted.output_tokens,
    'mcp.budget.action': budget.action,
    'mcp.safety.action': safety?.action ?? 'none',
  });
  countSafety(deps.kit.metrics, safety);
  return {
    message_id,
    model,
    text: answer.text,
    reasoning: answer.reasoning,
    finish,
    usage: counted,
    ...(resumed.length === 0 ? {} : { resumed }),
    logprobs: answer.logprobs,
    budget: answer.truncated ? { ...budget, answer_truncated: true } : budget,
    parents,
    summary,
    safety,
    risk,
    trace_id: span.trace_id,
    duration_ms: performance.now() - started_ms,
  };
}

/** As its context was fitted, and what came of it; where the model refuses the context as too long, one that is tighter. */
async function answered(
  deps: TurnDeps,
  request: TurnRequest & { readonly message_id: string },
  { call, emit, span, start }: Omit<Attempt, 'attempt'> & { readonly start: () => void },
): Promise<{ readonly fitted: Fitted; readonly answer: Answer }> {
  const { model } = request.participant;
  for (let refits = 0; ; refits++) {
    const fitted = await budgetOf(deps, { ...request, model, tighter: tightness(refits) }, call);
    if (refits === 0) start();
    try {
      return { fitted, answer: await answerOf(deps, { ...request, fitted }, { call, emit, span }) };
    } catch (error) {
      if (!isTooLong(error) || fitted.budget.exact || refits === MAX_REFITS) throw error;
      deps.kit.log.warn({ model, trace_id: span.trace_id }, 'the context was refused as too long');
    }
  }
}

/** How far the forecast was off is measured; what a count was off is taken into the next one. */
function learn(
  { kit, calibrations }: TurnDeps,
  model: string,
  { messages, budget, usage }: Pick<Fitted, 'messages' | 'budget'> & { readonly usage: Usage },
): void {
  const { input_tokens, forecast_tokens, counted_tokens = input_tokens } = budget;
  const off = errorOf({ ...usage, forecast_tokens });
  if (off !== undefined) kit.metrics.observe('token_budget_forecast_error_ratio', { model }, off);
  if (!budget.exact)
    calibrations.learn(model, messages, { counted_tokens, input_tokens: usage.input_tokens });
}

/** How the turn ended. Throws `upstream_interrupted` when the model stopped of itself before its answer was whole. */
function finishOf(
  { finish: reported }: Pick<Answer, 'finish'>,
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
