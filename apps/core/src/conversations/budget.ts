import {
  type CallContext,
  type ChatMessage,
  type LogRecord,
  type ModelGatewayApi,
  PlatformError,
} from '@mcp/contracts';
import { alternate, type Budgeted, extractSummary, fitBudget, ReasoningSplitter } from '@mcp/conversation';
import type { CoreKit } from '../kit.ts';

const SUMMARY_TOKENS = 160;
/** Characters of what is dropped that a summary is made of, and that stand in for one. */
const SUMMARISED_CHARS = 2400;
/** Left for the answer even when the budget is tight. */
const MIN_ANSWER_TOKENS = 16;

export interface BudgetDeps {
  readonly kit: Pick<CoreKit, 'metrics' | 'flags'>;
  readonly models: ModelGatewayApi;
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
}

/** What a model is asked with, and which steps that is made from. */
export interface Fitted {
  readonly messages: Budgeted['messages'];
  readonly budget: NonNullable<LogRecord['budget']>;
  /** Steps that the messages show, whole or in part. */
  readonly parents: readonly string[];
  /** The summary that stands for messages that were dropped, and the steps that those showed. */
  readonly summary: { readonly content: string; readonly parents: readonly string[] } | undefined;
}

/** Holds MAX_TOKENS: input and answer of the call together, within the model's own context. */
export async function budgetOf(deps: BudgetDeps, request: Unbudgeted, call: CallContext): Promise<Fitted> {
  const { model, messages, question_at, sources, max_tokens_per_turn } = request;
  const measure = (list: readonly ChatMessage[]) =>
    deps.models.countTokens({ model, messages: alternate(list) }, call);
  const whole = await measure(messages);
  const limit_tokens = Math.min(deps.max_tokens, whole.max_context);
  const count = async (list: readonly ChatMessage[]) =>
    list === messages ? whole.tokens : (await measure(list)).tokens;
  const fitted = await fitBudget({
    messages,
    question_at,
    limit_tokens,
    reserve_tokens: Math.max(MIN_ANSWER_TOKENS, Math.min(max_tokens_per_turn, Math.floor(limit_tokens / 2))),
    count,
    summarize: deps.kit.flags.enabled('TOKEN_BUDGET_SUMMARY_ENABLED')
      ? (dropped) => summaryOf(deps, { model, dropped, limit_tokens, count }, call)
      : undefined,
  });
  deps.kit.metrics.inc('token_budget_actions_total', { model, phase: fitted.action });
  const kept = new Set(fitted.kept);
  const shown = (isShown: boolean) =>
    [
      ...new Set(sources.filter((source, at) => source !== undefined && kept.has(at) === isShown)),
    ] as string[];
  const { summary } = fitted;
  return {
    messages: fitted.messages,
    parents: shown(true),
    summary: summary === undefined ? undefined : { content: summary, parents: shown(false) },
    budget: {
      input_tokens: fitted.input_tokens,
      limit_tokens,
      exact: whole.exact,
      action: fitted.action,
      dropped_messages: fitted.dropped_messages,
    },
  };
}

interface Dropped {
  readonly model: string;
  readonly dropped: readonly ChatMessage[];
  readonly limit_tokens: number;
  count(messages: readonly ChatMessage[]): Promise<number>;
}

/** A summary by the model itself, within the same budget; when it cannot, first sentences. */
async function summaryOf(
  deps: BudgetDeps,
  { model, dropped, limit_tokens, count }: Dropped,
  call: CallContext,
): Promise<string> {
  const max_tokens = Math.min(SUMMARY_TOKENS, Math.floor(limit_tokens / 4));
  const splitter = new ReasoningSplitter();
  let summary = '';
  try {
    const { messages } = await fitBudget({
      messages: [
        { role: 'system', content: 'Summarise the text in three sentences.' },
        { role: 'user', content: extractSummary(dropped, SUMMARISED_CHARS) },
      ],
      limit_tokens,
      reserve_tokens: max_tokens,
      count,
    });
    const request = { model, messages: [...messages], stream: true, max_tokens, temperature: 0 };
    for await (const event of deps.models.generate(request, call))
      if (event.type === 'text') summary += splitter.push(event.text).text;
    summary += splitter.end().text;
  } catch (error) {
    if (call.signal.aborted || !(error instanceof PlatformError)) throw error;
  }
  return summary.trim() === '' ? extractSummary(dropped) : summary.trim();
}
