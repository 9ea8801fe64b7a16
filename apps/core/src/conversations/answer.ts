import type {
  CallContext,
  ChatCompletionRequest,
  FinishReason,
  LogprobToken,
  LogRecord,
  ModelEvent,
  Participant,
  RiskVerdict,
  SafetyVerdict,
  StreamResumed,
  Usage,
} from '@mcp/contracts';
import { AnswerLimit, alternate, ReasoningSplitter, tokensPerChar } from '@mcp/conversation';
import { assertModerable, Findings, type Guard, guardEvents } from '@mcp/safety/guard';
import type { PiiSession } from '@mcp/safety/pii';
import type { Span } from '@mcp/service-kit';
import type { BudgetDeps, Fitted } from './budget.ts';
import type { Emit } from './events.ts';
import type { RiskWatch } from './risk-watch.ts';

/** The model did not say why it ended: the token budget ended it. */
const ENDED: FinishReason = { unified: 'length', raw: 'token_budget' };

/** It was ended because its risk rose too high. */
const CUT: FinishReason = { unified: 'content_filter', raw: 'risk' };

/** What a model said, whole or in part. */
export interface Answer {
  readonly text: string;
  readonly reasoning: string;
  readonly finish: FinishReason | undefined;
  /** What the model reported. */
  readonly usage: Usage | undefined;
  /** What was seen being written. */
  readonly output_tokens: number;
  /** It was ended before it outgrew its room. */
  readonly truncated: boolean;
  /** What the safety stages found in it. */
  readonly safety: SafetyVerdict | undefined;
  /** Where conversations are routed by risk. */
  readonly risk: RiskVerdict | undefined;
  /** Of the tokens of the text, where the server gives them. */
  readonly logprobs: readonly LogprobToken[];
  /** Where another model went on with it. */
  readonly resumed: readonly StreamResumed[];
}

/** Who is asked in which turn, and how. */
export interface Asked {
  readonly turn: number;
  /** Id of the step that this turn is. */
  readonly step: string;
  readonly participant: Participant;
  readonly max_tokens_per_turn: number;
  /** The conversation so far. */
  readonly records: readonly LogRecord[];
  readonly temperature: number | undefined;
  readonly seed: number | undefined;
  /** What of the request is not the same for all turns. */
  readonly asked?: Pick<ChatCompletionRequest, 'response_format' | 'logprobs'>;
  /** Where conversations are routed by risk. */
  readonly watch?: RiskWatch | undefined;
  /** Where what models say is kept without personal data. */
  readonly privacy?: PiiSession | undefined;
  /** Of its span. */
  readonly attributes?: Readonly<Record<string, string>>;
}

interface Ask extends Asked {
  readonly fitted: Fitted;
  readonly message_id: string;
}

/** Asks the model and streams its answer, which ends at a sentence where the token budget leaves too little room. */
export async function answerOf(
  deps: Pick<BudgetDeps, 'kit' | 'models'> & { readonly guard: Guard },
  ask: Ask,
  { call, emit, span }: { readonly call: CallContext; readonly emit: Emit; readonly span: Span },
): Promise<Answer> {
  const { fitted, turn, step, message_id } = ask;
  const { id: participant, model } = ask.participant;
  const which = { message_id, turn, step, participant };
  const splitter = new ReasoningSplitter();
  const limit = limitOf(ask);
  const watched = ask.watch?.turn();
  const findings = new Findings();
  const resumed: StreamResumed[] = [];
  const logprobs: LogprobToken[] = [];
  let text = '';
  let reasoning = '';
  let written = 0;
  let finish: FinishReason | undefined;
  let usage: Usage | undefined;
  const say = (piece: string) => {
    if (piece === '') return;
    text += piece;
    emit({ type: 'delta', ...which, text: piece });
  };
  const take = (event: ModelEvent) => {
    if (event.type === 'finish') finish = event.reason;
    else if (event.type === 'usage') usage = event.usage;
    else if (event.type === 'stream_resumed') {
      const { from, to, code } = event;
      resumed.push({ from, to, code });
      span.event('stream_resumed', { from, to, code });
      emit({ type: 'stream_resumed', ...which, from, to, code });
    }
    if (event.type !== 'text' && event.type !== 'reasoning') return;
    written++;
    if (event.type === 'text') logprobs.push(...(event.logprobs ?? []));
    const split = event.type === 'text' ? splitter.push(event.text) : { text: '', reasoning: event.text };
    reasoning += split.reasoning;
    say(limit === undefined ? split.text : limit.take(event.text, split.text));
  };
  try {
    assertModerable(deps.guard, call);
    const request = requestOf(ask);
    const said = deps.models.generate(request, call);
    const json = (request.response_format?.type ?? 'text') !== 'text';
    const events = ask.privacy?.events(said, { json }) ?? said;
    for await (const event of guardEvents(deps.guard, events, findings)) {
      take(event);
      if (event.type === 'text' && watched?.push(event.logprobs ?? []) === true) finish = CUT;
      if (limit?.over === true || finish === CUT) break;
    }
  } catch (error) {
    if (!call.signal.aborted) throw error;
  }
  const rest = splitter.end();
  reasoning += rest.reasoning;
  const truncated = limit !== undefined && (limit.over || finish?.unified === 'length');
  say(truncated ? limit.restOfCut() : `${limit?.rest() ?? ''}${rest.text}`);
  const output_tokens = usage?.output_tokens ?? limit?.written_tokens ?? written;
  if (truncated) {
    finish ??= ENDED;
    const { input_tokens, limit_tokens } = fitted.budget;
    emit({ type: 'truncated', ...which, input_tokens, output_tokens, limit_tokens });
    deps.kit.metrics.inc('token_budget_answers_ended_total', { model });
  }
  const safety = findings.verdict;
  const risk = watched?.end({ text, safety });
  return { text, reasoning, finish, usage, output_tokens, truncated, logprobs, resumed, safety, risk };
}

/** Where the budget leaves less than was asked for, the answer is watched. */
function limitOf({ fitted, max_tokens_per_turn, participant, records }: Ask): AnswerLimit | undefined {
  const { answer_tokens: room_tokens, budget, messages } = fitted;
  if (room_tokens >= max_tokens_per_turn) return undefined;
  const chars = messages.reduce((sum, { content }) => sum + (content?.length ?? 0), 0);
  const input = { tokens: budget.input_tokens, chars };
  return new AnswerLimit({ room_tokens, tokens_per_char: tokensPerChar(records, participant.model, input) });
}

/** What the model is asked: its context, and no longer an answer than the budget leaves room for. */
function requestOf({ participant, turn, fitted, temperature, seed, asked }: Ask): ChatCompletionRequest {
  return {
    ...asked,
    model: participant.model,
    messages: alternate(fitted.messages),
    stream: true,
    max_tokens: fitted.answer_tokens,
    ...(temperature === undefined ? {} : { temperature }),
    ...(seed === undefined ? {} : { seed: Math.min(seed + turn, Number.MAX_SAFE_INTEGER) }),
  };
}
