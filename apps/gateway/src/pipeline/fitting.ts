/** Makes the context of a plain completion fit its model, where the caller asks for it. */
import {
  type CallContext,
  type ChatCompletionRequest,
  type ChatMessage,
  type ModelEvent,
  PlatformError,
} from '@mcp/contracts';
import {
  type Budgeted,
  contextVectors,
  type ForecastSettings,
  fitBudget,
  forecast,
  inputOf,
  isTooLong,
  MAX_REFITS,
  type ModelHelp,
  summaryOf,
  tightness,
} from '@mcp/conversation';
import type { Gateway } from '../gateway.ts';

/** What was done to a context. */
export interface Fitting {
  readonly action: Budgeted['action'];
  readonly input_tokens: number;
  readonly max_context_tokens: number;
  readonly dropped_messages: number;
}

/** Left for an answer whose length is not limited. */
const ANSWER_TOKENS = 256;
/** Nothing is looked back on: a single completion has the largest margin, where its count is no exact one. */
const SETTINGS: ForecastSettings = { turns: 1, alpha: 1, beta: 1, margin_min: 0.2, margin_max: 0.2 };

/** The name by which callers ask for it. */
export const CONTEXT_HEADER = 'x-mcp-context';

interface Asked {
  readonly request: ChatCompletionRequest;
  readonly call: CallContext;
  /** Called before the first event. */
  readonly onFitted: (fitting: Fitting) => void;
}

/** The answer to a context that was made to fit; what is refused as too long all the same is fitted tighter. */
export async function* fittedEvents(
  gateway: Gateway,
  { request, call, onFitted }: Asked,
): AsyncGenerator<ModelEvent> {
  const { model } = request;
  for (let refits = 0; ; refits++) {
    const fitted = await fit(gateway, { request, call, tighter: tightness(refits) });
    let begun = false;
    try {
      for await (const event of gateway.inference().generate(fitted.request, call)) {
        if (!begun) {
          begun = true;
          gateway.kit.metrics.inc('token_budget_actions_total', {
            model: gateway.models.label(model),
            phase: fitted.fitting.action,
          });
          onFitted(fitted.fitting);
        }
        if (event.type === 'usage' && !fitted.exact) fitted.learn(event.usage.input_tokens);
        yield event;
      }
      return;
    } catch (error) {
      if (begun || !isTooLong(error) || refits === MAX_REFITS) throw error;
      gateway.kit.log.warn({ request_id: call.request_id }, 'the context was refused as too long');
    }
  }
}

interface Fitted {
  readonly request: ChatCompletionRequest;
  readonly fitting: Fitting;
  readonly exact: boolean;
  /** Takes in what the model reports of its input. */
  learn(input_tokens: number): void;
}

async function fit(
  { inference, calibrations, kit }: Gateway,
  { request, call, tighter }: Omit<Asked, 'onFitted'> & { readonly tighter: number },
): Promise<Fitted> {
  const { model, messages } = request;
  const models = inference();
  const measure = (list: readonly ChatMessage[]) => models.countTokens({ model, messages: list }, call);
  const whole = await measure(messages);
  const asked = request.max_completion_tokens ?? request.max_tokens ?? undefined;
  const expected = forecast({
    uses: [],
    settings: SETTINGS,
    exact: whole.exact,
    counted_tokens: whole.tokens,
    prior: calibrations.of(model, messages, whole.tokens),
    most_output_tokens: asked ?? ANSWER_TOKENS,
  });
  const beside = await besideOf(request, measure);
  const counts = new Map([[messages as readonly ChatMessage[], whole.tokens]]);
  const count = async (list: readonly ChatMessage[]) => {
    const tokens = counts.get(list) ?? (await measure(list)).tokens;
    counts.set(list, tokens);
    const { at_most } = inputOf(expected, tokens, calibrations.of(model, list, tokens));
    return Math.ceil((at_most + beside) * tighter);
  };
  const limit_tokens = whole.max_context;
  const help: ModelHelp = {
    models,
    onNoVectors: (err) => kit.log.warn({ err, request_id: call.request_id }, 'no embeddings of the context'),
  };
  const question_at = messages.findLastIndex(({ role }) => role === 'user');
  const fitted = await fitBudget({
    messages,
    ...(question_at === -1 ? {} : { question_at }),
    limit_tokens,
    reserve_tokens: Math.min(expected.reserve_tokens, Math.floor(limit_tokens / 2)),
    count,
    param: 'messages',
    embed: (texts) => contextVectors(help, texts, call),
    summarize: (dropped) => summaryOf(help, { model, dropped, limit_tokens, count }, call),
  });
  const room = Math.max(1, limit_tokens - fitted.input_tokens);
  const counted_tokens = counts.get(fitted.messages) ?? whole.tokens;
  return {
    request: { ...withRoom(request, room), messages: joinedUp(fitted) },
    exact: whole.exact,
    fitting: {
      action: fitted.action,
      input_tokens: fitted.input_tokens,
      max_context_tokens: limit_tokens,
      dropped_messages: fitted.dropped_messages,
    },
    learn: (input_tokens) =>
      calibrations.learn(model, fitted.messages, {
        counted_tokens,
        input_tokens: Math.max(1, input_tokens - beside),
      }),
  };
}

/** Texts of one role that came to stand beside one another are one message: many templates refuse two in a row. */
function joinedUp({ messages, kept }: Budgeted): ChatMessage[] {
  const out: ChatMessage[] = [];
  for (const [i, message] of messages.entries()) {
    const last = out.at(-1);
    const apart = kept[i] !== (kept[i - 1] ?? -1) + 1;
    const joined = apart && last !== undefined ? joinedText(last, message) : undefined;
    if (joined === undefined) out.push(message);
    else out[out.length - 1] = joined;
  }
  return out;
}

function joinedText(a: ChatMessage, b: ChatMessage): ChatMessage | undefined {
  if (typeof a.content !== 'string' || typeof b.content !== 'string') return undefined;
  const content = `${a.content}\n\n${b.content}`;
  if (a.role === 'user' && b.role === 'user') return { ...a, content };
  if (a.role !== 'assistant' || b.role !== 'assistant' || a.tool_calls !== undefined) return undefined;
  return { ...b, content };
}

/** Tokens of what the model is shown beside the messages: tools and the schema of its answer. */
async function besideOf(
  { tools, response_format }: ChatCompletionRequest,
  measure: (list: readonly ChatMessage[]) => Promise<{ readonly tokens: number }>,
): Promise<number> {
  if (tools === undefined && response_format === undefined) return 0;
  const content = JSON.stringify({ tools, response_format });
  return (await measure([{ role: 'user', content }])).tokens;
}

/** No longer an answer is asked for than there is room: many servers refuse what does not fit together with it. */
function withRoom(request: ChatCompletionRequest, room: number): ChatCompletionRequest {
  const { max_completion_tokens, max_tokens } = request;
  return {
    ...request,
    ...(max_completion_tokens == null
      ? {}
      : { max_completion_tokens: Math.min(max_completion_tokens, room) }),
    ...(max_tokens == null ? {} : { max_tokens: Math.min(max_tokens, room) }),
  };
}

/** The refusal of a context that is too long, with the way out that there is here. */
export function withWayOut(error: unknown): unknown {
  if (!isTooLong(error)) return error;
  const { code, message, param, cause } = error;
  return new PlatformError(
    code,
    `${message} Or ask for what is worth least to be left out: header ${CONTEXT_HEADER}: fit.`,
    { ...(param === undefined ? {} : { param }), cause },
  );
}
