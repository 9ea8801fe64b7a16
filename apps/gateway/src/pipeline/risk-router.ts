/** Routes completions by their risk: as they are, by a safer model, with a second model that checks, without tools, or not at all. */
import {
  type CallContext,
  type ChatCompletionRequest,
  type ChatEvent,
  type ChatMessage,
  type ChatRequest,
  type ConversationRisk,
  type ModelEvent,
  PlatformError,
  RiskRoute,
  type RiskVerdict,
  textOf,
} from '@mcp/contracts';
import type { Findings } from '@mcp/safety/guard';
import {
  AnomalyHistory,
  type Assessment,
  assess,
  LiveVolatility,
  questionSignals,
  redactedMessages,
  routeOf,
  type Signals,
  type Thresholds,
  withoutHistory,
} from '@mcp/safety/routing';
import type { GatewayKit } from '../kit.ts';
import { toConversation } from './aliases.ts';

/** The conversation in which a second model checks the first. */
const CRITIC = 'mcp/cross-check';

interface RiskRouterOptions {
  readonly kit: Pick<GatewayKit, 'metrics' | 'log'>;
  readonly thresholds: {
    readonly default: Thresholds;
    readonly callers: Readonly<Record<string, Thresholds>>;
  };
  /** Answers what is doubtful instead of the model that was asked. */
  readonly baseline: string | undefined;
}

interface Asked {
  readonly request: ChatCompletionRequest;
  readonly call: CallContext;
  readonly findings: Findings;
}

/** A request on its route. */
export interface Routed {
  readonly request: ChatCompletionRequest;
  /** The value of `x-mcp-risk`. */
  readonly header: string;
  /** The route is not the plain one. */
  readonly careful: boolean;
  /** How a conversation is to be watched that answers it. */
  readonly terms: ConversationRisk;
  /** Takes in what a conversation that answers it tells. */
  note(event: ChatEvent): void;
  /** The events of the answer, watched for risk that only shows in them. */
  watch(events: AsyncIterable<ModelEvent>): AsyncIterable<ModelEvent>;
}

/** A conversation on its route. */
export interface RoutedConversation extends Pick<Routed, 'header' | 'terms' | 'note'> {
  /** Once it is over. */
  end(): void;
}

/** What one request came to. */
interface Outcome {
  readonly caller: string;
  readonly signals: Signals;
  risk: number;
  route: RiskRoute;
}

export class RiskRouter {
  readonly #options: RiskRouterOptions;
  readonly #history = new AnomalyHistory();

  constructor(options: RiskRouterOptions) {
    this.#options = options;
  }

  /** Throws `content_filter` where the risk is too high for any route. */
  route({ request, call, findings }: Asked): Routed {
    const asked = request.messages.findLast(({ role }) => role === 'user');
    const signals = this.#signals(asked === undefined ? '' : plainText(asked), { call, findings });
    const assessment = assess(signals);
    const wanted = routeOf(assessment.risk, this.#thresholds(call.principal.id));
    const { route, request: routed } = this.#take(wanted, request);
    const { outcome, header } = this.#begin(call, { ...assessment, route, signals });
    return {
      request: routed,
      header,
      careful: route !== 'plain',
      terms: this.#terms(outcome),
      note: (event) => raise(outcome, riskIn(event)),
      watch: (events) => this.#watch(events, outcome),
    };
  }

  /** The same for a conversation, whose turns are watched where they are made. */
  converse({ request, call, findings }: Omit<Asked, 'request'> & { readonly request: ChatRequest }) {
    const signals = this.#signals(request.message ?? '', { call, findings });
    const assessment = assess(signals);
    const wanted = routeOf(assessment.risk, this.#thresholds(call.principal.id));
    const route = wanted === 'baseline' && this.#options.baseline === undefined ? 'critic' : wanted;
    const { outcome, header } = this.#begin(call, { ...assessment, route, signals });
    return {
      header,
      terms: this.#terms(outcome),
      note: (event) => raise(outcome, riskIn(event)),
      end: () => this.#end(outcome),
    } satisfies RoutedConversation;
  }

  /** Logs the route, and throws where it is none. */
  #begin(
    call: CallContext,
    { signals, ...verdict }: RiskVerdict & { readonly signals: Signals },
  ): { readonly outcome: Outcome; readonly header: string } {
    const { risk, route } = verdict;
    const outcome = { caller: call.principal.id, signals, risk, route };
    const header = headerOf(verdict, route);
    this.#options.kit.log.info({ request_id: call.request_id, ...verdict }, 'risk of a request');
    if (route !== 'refuse') return { outcome, header };
    this.#end(outcome);
    throw new PlatformError(
      'content_filter',
      `messages: the risk of this request is too high (${header}). Send less of it at once; an operator sets the threshold with MCP_RISK_THRESHOLDS.`,
      { param: 'messages' },
    );
  }

  #terms({ caller, signals }: Outcome): ConversationRisk {
    const { baseline } = this.#options;
    const thresholds = this.#thresholds(caller);
    return {
      signals,
      thresholds,
      ...(baseline === undefined ? {} : { baseline_model: baseline }),
    };
  }

  #signals(text: string, { call, findings }: Omit<Asked, 'request'>): Signals {
    const history = this.#history.density(call.principal.id);
    return { ...questionSignals(text, findings.verdict), history };
  }

  #thresholds(caller: string): Thresholds {
    const { thresholds } = this.#options;
    return (
      (Object.hasOwn(thresholds.callers, caller) ? thresholds.callers[caller] : undefined) ??
      thresholds.default
    );
  }

  /** The route that is wanted, or the next more careful one where this request cannot take it. */
  #take(
    route: RiskRoute,
    request: ChatCompletionRequest,
  ): { readonly route: RiskRoute; readonly request: ChatCompletionRequest } {
    const { baseline } = this.#options;
    switch (route) {
      case 'plain':
      case 'refuse':
        return { route, request };
      case 'baseline':
        return baseline === undefined
          ? this.#take('critic', request)
          : { route, request: { ...request, model: baseline } };
      case 'critic': {
        const checked = { ...request, model: CRITIC };
        return canConverse(checked) ? { route, request: checked } : this.#take('sandbox', request);
      }
      case 'sandbox':
        return { route, request: sandboxed(request) };
      default:
        return route satisfies never;
    }
  }

  async *#watch(events: AsyncIterable<ModelEvent>, outcome: Outcome): AsyncGenerator<ModelEvent> {
    const thresholds = this.#thresholds(outcome.caller);
    const live = new LiveVolatility();
    try {
      for await (const event of events) {
        if (event.type === 'text' && event.logprobs !== undefined) {
          const volatility = live.push(event.logprobs);
          outcome.risk = Math.max(outcome.risk, assess({ ...outcome.signals, volatility }).risk);
          if (routeOf(outcome.risk, thresholds) === 'refuse') {
            yield { type: 'finish', choice: event.choice, reason: { unified: 'content_filter', raw: null } };
            return;
          }
        }
        yield event;
      }
    } finally {
      this.#end(outcome);
    }
  }

  #end({ caller, risk, route, signals }: Outcome): void {
    this.#options.kit.metrics.observe('request_risk', { phase: route }, risk);
    const own = withoutHistory(risk, signals);
    this.#history.note(caller, own >= this.#thresholds(caller).baseline ? own : 0);
  }
}

/** What a conversation tells of its risk. */
function riskIn(event: ChatEvent): RiskVerdict | undefined {
  return 'risk' in event ? event.risk : undefined;
}

/** The highest risk of a request counts, and its most careful route. */
function raise(outcome: Outcome, verdict: RiskVerdict | undefined): void {
  if (verdict === undefined) return;
  outcome.risk = Math.max(outcome.risk, verdict.risk);
  const places = [outcome.route, verdict.route].map((route) => RiskRoute.options.indexOf(route));
  outcome.route = RiskRoute.options[Math.max(...places)] ?? outcome.route;
}

function headerOf({ risk, reasons }: Assessment, route: RiskRoute): string {
  const shares = reasons.map(({ signal, share }) => `; ${signal}=${share.toFixed(2)}`);
  return `${risk.toFixed(2)}; route=${route}${shares.join('')}`;
}

function canConverse(request: ChatCompletionRequest): boolean {
  try {
    toConversation(request);
    return true;
  } catch (error) {
    if (error instanceof PlatformError) return false;
    throw error;
  }
}

/** Without tools, and with the personal data in it redacted. */
function sandboxed(request: ChatCompletionRequest): ChatCompletionRequest {
  const { tools: _tools, tool_choice: _choice, parallel_tool_calls: _parallel, ...rest } = request;
  return { ...rest, messages: redactedMessages(request.messages) };
}

function plainText({ content }: ChatMessage): string {
  return textOf(content, { picture: () => '' });
}
