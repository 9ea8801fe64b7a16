/** Watches a conversation for risk, and says how careful its next step has to be. */
import {
  type ChatMessage,
  type ConversationRisk,
  type LogprobToken,
  type LogRecord,
  type Participant,
  PlatformError,
  type RecordedContradiction,
  RiskRoute,
  type RiskVerdict,
  type SafetyVerdict,
} from '@mcp/contracts';
import { type Candidate, cosine } from '@mcp/conversation';
import {
  answerSignals,
  assess,
  disagreementOf,
  LiveVolatility,
  redactedMessages,
  routeOf,
  type Signals,
} from '@mcp/safety/routing';

/** The route of a conversation never becomes less careful while a question is being answered. */
export class RiskWatch {
  readonly #terms: ConversationRisk;
  #verdict: RiskVerdict;

  constructor(terms: ConversationRisk) {
    this.#terms = terms;
    this.#verdict = { risk: 0, route: 'plain', reasons: [] };
    this.#take(terms.signals);
  }

  /** The latest. */
  get verdict(): RiskVerdict {
    return this.#verdict;
  }

  /** What an interrupted run of the same question came to holds for what is left of it. */
  goOnFrom(records: readonly LogRecord[]): void {
    const from = records.findLastIndex(({ role }) => role === 'user');
    for (const { risk } of records.slice(Math.max(0, from)))
      if (risk !== undefined) this.#verdict = { ...this.#verdict, route: stricter(this.#verdict, risk) };
  }

  /** Whether another turn is to check the answers. */
  get checks(): boolean {
    const { route } = this.#verdict;
    return route === 'critic' || route === 'sandbox';
  }

  /** Throws `content_filter` where the conversation must not go on. */
  assertAllowed(): void {
    const { risk, route, reasons } = this.#verdict;
    if (route !== 'refuse') return;
    const why = reasons.map(({ signal, share }) => `${signal} ${share.toFixed(2)}`).join(', ');
    throw new PlatformError(
      'content_filter',
      `The conversation was ended: its risk rose to ${risk.toFixed(2)} (${why}). Begin a new one; an operator sets the threshold with MCP_RISK_THRESHOLDS.`,
    );
  }

  /** Whether no cheaper model may stand in for the one that is asked. */
  get careful(): boolean {
    return this.#verdict.route !== 'plain';
  }

  /** Who is asked. */
  participant(asked: Participant): Participant {
    const { baseline_model } = this.#terms;
    const replaced = this.#verdict.route === 'baseline' && baseline_model !== undefined;
    return replaced ? { ...asked, model: baseline_model } : asked;
  }

  /** What the model is shown. */
  messages(messages: readonly ChatMessage[]): readonly ChatMessage[] {
    return this.#verdict.route === 'sandbox' ? redactedMessages(messages) : messages;
  }

  /** Probabilities of tokens cost a model of our own time: they are asked for where there is doubt already. */
  wantsLogprobs(own: boolean): boolean {
    return !own || this.careful;
  }

  /** A turn that comes. */
  turn(): TurnWatch {
    const live = new LiveVolatility();
    let volatility = 0;
    const refused = () =>
      routeOf(assess({ ...this.#terms.signals, volatility }).risk, this.#terms.thresholds) === 'refuse';
    return {
      push(tokens) {
        volatility = Math.max(volatility, live.push(tokens));
        return refused();
      },
      end: ({ text, safety }) => this.#take({ ...answerSignals(text, safety), volatility }),
    };
  }

  /**
   * Answers that are compared. As alike as the arbitration takes for the same (`1 − divergence` its threshold) counts as
   * the same; a contradiction makes them unlike by its strength.
   */
  compared(
    candidates: readonly Candidate[],
    contradictions: readonly RecordedContradiction[],
    { divergence }: { readonly divergence: number },
  ): RiskVerdict {
    const likeness = (one: number, other: number) => {
      const [a, b] = [candidates[one], candidates[other]];
      if (a === undefined || b === undefined) return 1;
      const near =
        a.vector === undefined || b.vector === undefined
          ? 1
          : cosine(a.vector, b.vector) / Math.max(0.01, 1 - divergence);
      const against = contradictions.filter(({ between }) => {
        const roles = between.map(({ role }) => role);
        return roles.includes(a.participant) && roles.includes(b.participant);
      });
      return Math.min(1, Math.max(0, near)) * (1 - Math.max(0, ...against.map(({ strength }) => strength)));
    };
    return this.#take({ disagreement: disagreementOf(candidates.length, likeness) });
  }

  /** Takes signals on top of those of the question. */
  #take(found: Signals): RiskVerdict {
    const signals: Record<string, number> = { ...this.#terms.signals };
    for (const [signal, value] of Object.entries(found))
      signals[signal] = Math.max(signals[signal] ?? 0, value);
    const assessment = assess(signals);
    const route = this.#effective(routeOf(assessment.risk, this.#terms.thresholds));
    this.#verdict = { ...assessment, route: stricter(this.#verdict, { route }) };
    return this.#verdict;
  }

  /** Where there is no safer model, what is doubtful is checked. */
  #effective(route: RiskRoute): RiskRoute {
    return route === 'baseline' && this.#terms.baseline_model === undefined ? 'critic' : route;
  }
}

/** One turn while it comes. */
export interface TurnWatch {
  /** True: it must not go on. */
  push(tokens: readonly LogprobToken[]): boolean;
  end(said: { readonly text: string; readonly safety: SafetyVerdict | undefined }): RiskVerdict;
}

function stricter(one: Pick<RiskVerdict, 'route'>, other: Pick<RiskVerdict, 'route'>): RiskRoute {
  const place = ({ route }: Pick<RiskVerdict, 'route'>) => RiskRoute.options.indexOf(route);
  return place(one) >= place(other) ? one.route : other.route;
}
