/** Routes completions by their risk: as they are, by a safer model, with a second model that checks, without tools, or not at all. */
import {
  type CallContext,
  type ChatCompletionRequest,
  type ChatMessage,
  type ModelEvent,
  PlatformError,
  textOf,
} from '@mcp/contracts';
import { piiTags, redactPii } from '@mcp/safety';
import { type Findings, injectionScore } from '@mcp/safety/guard';
import { findingsRisk } from '@mcp/safety/risk';
import {
  AnomalyHistory,
  type Assessment,
  assess,
  dataClass,
  type Route,
  routeOf,
  type Signals,
  type Thresholds,
  tokenVolatility,
} from '@mcp/safety/routing';
import type { GatewayKit } from '../kit.ts';
import { toConversation } from './aliases.ts';

/** Tokens whose probabilities count at once while an answer comes. */
const LIVE_TOKENS = 64;
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
  /** The events of the answer, watched for risk that only shows in them. */
  watch(events: AsyncIterable<ModelEvent>): AsyncIterable<ModelEvent>;
}

export class RiskRouter {
  readonly #options: RiskRouterOptions;
  readonly #history = new AnomalyHistory();

  constructor(options: RiskRouterOptions) {
    this.#options = options;
  }

  /** Throws `content_filter` where the risk is too high for any route. */
  route({ request, call, findings }: Asked): Routed {
    const caller = call.principal.id;
    const signals = this.#signals(request, caller, findings);
    const assessment = assess(signals);
    const wanted = routeOf(assessment.risk, this.#thresholds(caller));
    const { route, request: routed } = this.#take(wanted, request);
    const header = headerOf(assessment, route);
    this.#options.kit.log.info({ request_id: call.request_id, ...assessment, route }, 'risk of a request');
    if (route === 'refuse') {
      this.#end({ caller, risk: assessment.risk, route });
      throw new PlatformError(
        'content_filter',
        `messages: the risk of this request is too high (${header}). Send less of it at once; an operator sets the threshold with MCP_RISK_THRESHOLDS.`,
        { param: 'messages' },
      );
    }
    return { request: routed, header, watch: (events) => this.#watch(events, { caller, signals, route }) };
  }

  /** Answers of one conversation that disagree are remembered with who asked. */
  noteDivergence(caller: string, divergence: number): void {
    const { risk } = assess({ disagreement: Math.min(1, divergence) });
    if (risk > 0) this.#history.note(caller, risk);
  }

  #signals(request: ChatCompletionRequest, caller: string, findings: Findings): Signals {
    const asked = request.messages.findLast(({ role }) => role === 'user');
    const text = asked === undefined ? '' : plainText(asked);
    const found = findings.verdict?.findings ?? [];
    return {
      injection: Math.max(injectionScore(text), ...found.map(({ score }) => score ?? 0)),
      content: findingsRisk(found.filter(({ stage }) => stage === 'rules')),
      data: dataClass(piiTags(text)),
      history: this.#history.density(caller),
    };
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
    route: Route,
    request: ChatCompletionRequest,
  ): { readonly route: Route; readonly request: ChatCompletionRequest } {
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

  async *#watch(
    events: AsyncIterable<ModelEvent>,
    { caller, signals, route }: { caller: string; signals: Signals; route: Route },
  ): AsyncGenerator<ModelEvent> {
    const thresholds = this.#thresholds(caller);
    const recent: number[] = [];
    let { risk } = assess(signals);
    try {
      for await (const event of events) {
        if (event.type === 'text' && event.logprobs !== undefined) {
          recent.push(...event.logprobs.map(({ logprob }) => logprob));
          recent.splice(0, recent.length - LIVE_TOKENS);
          const volatility = recent.length < LIVE_TOKENS ? 0 : tokenVolatility(recent);
          risk = Math.max(risk, assess({ ...signals, volatility }).risk);
          if (routeOf(risk, thresholds) === 'refuse') {
            yield { type: 'finish', choice: event.choice, reason: { unified: 'content_filter', raw: null } };
            return;
          }
        }
        yield event;
      }
    } finally {
      this.#end({ caller, risk, route });
    }
  }

  #end({ caller, risk, route }: { caller: string; risk: number; route: Route }): void {
    this.#options.kit.metrics.observe('request_risk', { phase: route }, risk);
    if (risk >= this.#thresholds(caller).baseline) this.#history.note(caller, risk);
  }
}

function headerOf({ risk, reasons }: Assessment, route: Route): string {
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
  return { ...rest, messages: request.messages.map(redactMessage) };
}

function redactMessage(message: ChatMessage): ChatMessage {
  switch (message.role) {
    case 'user':
      return typeof message.content === 'string'
        ? { ...message, content: redactPii(message.content) }
        : {
            ...message,
            content: message.content.map((part) =>
              part.type === 'text' ? { ...part, text: redactPii(part.text) } : part,
            ),
          };
    case 'tool':
      return { ...message, content: redactPii(plainText(message)) };
    case 'system':
    case 'developer':
    case 'assistant':
      return message;
    default:
      return message satisfies never;
  }
}

function plainText({ content }: ChatMessage): string {
  return textOf(content, { picture: () => '' });
}
