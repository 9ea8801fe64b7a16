import type { CallContext, ChatMessage, LogRecord, ModelGatewayApi } from '@mcp/contracts';
import {
  alternate,
  type Budgeted,
  type Calibrations,
  contextVectors,
  type Forecast,
  type ForecastSettings,
  fitBudget,
  forecast,
  inputOf,
  type ModelHelp,
  summaryOf,
  usesOf,
} from '@mcp/conversation';
import type { CoreKit } from '../kit.ts';

/** Left for the answer even when the budget is tight. */
const MIN_ANSWER_TOKENS = 16;

export interface BudgetDeps {
  readonly kit: Pick<CoreKit, 'config' | 'metrics' | 'flags' | 'log'>;
  readonly models: ModelGatewayApi;
  readonly calibrations: Calibrations;
  /** MAX_TOKENS of the blueprint: input and output of one model call together. */
  readonly max_tokens: number;
}

/** A context to fit for a model. */
export interface Unbudgeted {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  /** Index of the question in `messages`. */
  readonly question_at: number;
  /** For each message the step that it shows. */
  readonly sources: readonly (string | undefined)[];
  readonly max_tokens_per_turn: number;
  /** The conversation so far, from which it is forecast what the call will take. */
  readonly records: readonly LogRecord[];
}

/** What a model is asked with, and which steps that is made from. */
export interface Fitted {
  readonly messages: Budgeted['messages'];
  readonly budget: NonNullable<LogRecord['budget']>;
  /** Tokens that the answer may have: no more than was asked for, and than the limit leaves. */
  readonly answer_tokens: number;
  /** Steps that the messages show, whole or in part. */
  readonly parents: readonly string[];
  /** The summary that stands for what was left out, and the steps that it is of, in whole or in part. */
  readonly summary: { readonly content: string; readonly parents: readonly string[] } | undefined;
}

/**
 * Holds MAX_TOKENS: input and answer of the call together, within the model's own context. Where the model refused a
 * context as too long, the next one is `tighter`: its tokens are taken for so many times as many.
 */
export async function budgetOf(
  deps: BudgetDeps,
  request: Unbudgeted & { readonly tighter: number },
  call: CallContext,
): Promise<Fitted> {
  const { model, messages, question_at, sources, max_tokens_per_turn } = request;
  const measure = (list: readonly ChatMessage[]) =>
    deps.models.countTokens({ model, messages: alternate(list) }, call);
  const whole = await measure(messages);
  const limit_tokens = Math.min(deps.max_tokens, whole.max_context);
  const expected = expect(deps, request, whole);
  const counts = new Map<readonly ChatMessage[], { tokens: number; exact: boolean }>([[messages, whole]]);
  const inputFor = (list: readonly ChatMessage[], tokens: number) =>
    inputOf(expected, tokens, deps.calibrations.of(model, list, tokens));
  const count = async (list: readonly ChatMessage[]) => {
    const counted = counts.get(list) ?? (await measure(list));
    counts.set(list, counted);
    return Math.ceil(inputFor(list, counted.tokens).at_most * request.tighter);
  };
  const help: ModelHelp = {
    models: deps.models,
    onNoVectors: (err) =>
      deps.kit.log.warn({ err, request_id: call.request_id }, 'no embeddings of the context'),
  };
  const fitted = await fitBudget({
    messages,
    question_at,
    limit_tokens,
    reserve_tokens: Math.max(
      MIN_ANSWER_TOKENS,
      Math.min(expected.reserve_tokens, Math.floor(limit_tokens / 2)),
    ),
    count,
    embed: (texts) => contextVectors(help, texts, call),
    summarize: deps.kit.flags.enabled('TOKEN_BUDGET_SUMMARY_ENABLED')
      ? (dropped) => summaryOf(help, { model, dropped, limit_tokens, count }, call)
      : undefined,
  });
  deps.kit.metrics.inc('token_budget_actions_total', { model, phase: fitted.action });
  const stepsOf = (indexes: readonly number[]) => [...new Set(indexes.flatMap((at) => sources[at] ?? []))];
  const { summary } = fitted;
  const counted = counts.get(fitted.messages) ?? whole;
  const input_tokens = inputFor(fitted.messages, counted.tokens).tokens;
  return {
    messages: fitted.messages,
    answer_tokens: Math.max(1, Math.min(max_tokens_per_turn, limit_tokens - fitted.input_tokens)),
    parents: stepsOf(fitted.kept),
    summary: summary === undefined ? undefined : { content: summary, parents: stepsOf(fitted.summarized) },
    budget: {
      input_tokens,
      limit_tokens,
      exact: counted.exact && input_tokens === counted.tokens,
      action: fitted.action,
      dropped_messages: fitted.dropped_messages,
      margin: expected.margin,
      ...(expected.uses === 0 ? {} : { forecast_tokens: input_tokens + expected.expected_output_tokens }),
      ...(input_tokens === counted.tokens ? {} : { counted_tokens: counted.tokens }),
    },
  };
}

/** What the call will take, by the calls before it in this conversation. */
function expect(
  deps: BudgetDeps,
  { model, messages, records, max_tokens_per_turn }: Unbudgeted,
  { tokens, exact }: { readonly tokens: number; readonly exact: boolean },
): Forecast {
  const { config, flags } = deps.kit;
  const settings: ForecastSettings = {
    turns: config.MCP_BUDGET_TURNS,
    alpha: config.MCP_BUDGET_ALPHA,
    beta: config.MCP_BUDGET_BETA,
    margin_min: config.MCP_BUDGET_MARGIN_MIN,
    margin_max: config.MCP_BUDGET_MARGIN_MAX,
  };
  const expected = forecast({
    uses: usesOf(records, model, settings.turns),
    settings,
    exact,
    counted_tokens: tokens,
    prior: deps.calibrations.of(model, messages, tokens),
    most_output_tokens: max_tokens_per_turn,
  });
  return flags.enabled('TOKEN_BUDGET_FORECAST_ENABLED')
    ? expected
    : { ...expected, reserve_tokens: max_tokens_per_turn };
}
