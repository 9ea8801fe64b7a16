/** The end of a conversation: score the answers, take extra turns where they are worth it, record the decision. */
import type { CallContext, ExtraTurnTrigger } from '@mcp/contracts';
import {
  digestOf,
  extendedTaskOf,
  extraTurnFor,
  type FinishedTurn,
  quotingAnswer,
  RISK_TASK,
  refinementOf,
  type Said,
  stateOf,
  undecidedOf,
} from '@mcp/conversation';
import type { AnswerVectors } from './answer-vectors.ts';
import { type DecideDeps, decide, finalists, type Scored, score } from './decide.ts';
import type { Emit } from './events.ts';
import { riskOf } from './response.ts';
import type { Session } from './sessions.ts';

/** A turn of a model beyond those that were asked for. */
export interface AskedTurn {
  readonly kind: 'asked';
  /** Whose turn it is. */
  readonly participant: string;
  readonly task?: string;
  /** What it goes on from instead of all turns so far. */
  readonly digest?: Said;
  /** All that it is shown. */
  readonly brief?: readonly Said[];
  readonly max_tokens?: number;
}

/** A turn beyond those that were asked for: of a model, or an answer that the platform makes of what there is. */
export type ExtraTurn =
  | AskedTurn
  | {
      readonly kind: 'quoting';
      readonly answer: FinishedTurn;
      readonly text: string;
      readonly parents: readonly string[];
    };

export interface ArbitrationRun {
  readonly call: CallContext;
  readonly emit: Emit;
  /** How long each message took, in ms. */
  readonly speed: ReadonlyMap<string, number>;
  /** Participants who had not answered by the deadline. */
  readonly missing: readonly string[];
  readonly vectors: AnswerVectors;
  takeExtraTurn(extra: ExtraTurn, call: CallContext): Promise<void>;
}

/** Arbitrates, after extra turns where they are worth it, and records the decision. */
export async function decideAndRecord(
  deps: DecideDeps,
  session: Session,
  run: ArbitrationRun,
): Promise<void> {
  const span = deps.kit.tracer.start('conversation.arbitrate', { traceparent: run.call.traceparent });
  const inner = { ...run, call: { ...run.call, traceparent: span.traceparent } };
  try {
    const { scored, extra_turns, duration_ms } = await settle(deps, session, inner);
    const { question, turns } = stateOf(session.recorder.records);
    const last = finalists(turns, session.summary.exchanges);
    const decision = await decide(deps, scored, {
      key: `${session.summary.id} ${session.recorder.records.length}`,
      critique_turn: turns.length > session.summary.exchanges,
      extra_turns,
      missing: run.missing,
      fastest: fastest(last, run.speed),
      duration_ms,
    });
    span.set({
      arbitration_decision: decision.chosen,
      'mcp.arbitration.method': decision.method,
      'mcp.arbitration.contradictions': decision.contradictions?.length ?? 0,
      ...(decision.divergence === null ? {} : { model_arbitration_divergence: decision.divergence }),
    });
    const { recorder, trace_id } = session;
    const step = recorder.newStepId();
    const risk = riskOf(session.watch?.verdict);
    const parents = [question.step, ...last.map((one) => one.step)];
    await recorder.append([
      { step, kind: 'decision', parents, content: decision.reason, trace_id, decision, ...risk },
    ]);
    run.emit({ type: 'decision', step, decision, ...risk });
  } catch (error) {
    span.end(error);
    throw error;
  } finally {
    span.end();
  }
}

interface Settled {
  readonly scored: Scored;
  readonly extra_turns: readonly ExtraTurnTrigger[];
  readonly duration_ms: number;
}

/** Scores, and takes extra turns until none is wanted. In shadow mode the first that is wanted is only noted. */
async function settle(deps: DecideDeps, session: Session, run: ArbitrationRun): Promise<Settled> {
  const shadow = deps.kit.flags.enabled('MODEL_ARBITRATION_SHADOW');
  const extra_turns: ExtraTurnTrigger[] = [];
  let duration_ms = 0;
  for (;;) {
    const { question, turns } = stateOf(session.recorder.records);
    const finals = finalists(turns, session.summary.exchanges);
    const scored = await score(
      deps,
      { question: question.content, turns: finals, vectors: run.vectors },
      run.call,
    );
    duration_ms += scored.duration_ms;
    // Without this a cancel would look like a missing embedding model.
    run.call.signal.throwIfAborted();
    if (scored.verdict !== undefined)
      session.watch?.compared(scored.candidates, scored.verdict.contradictions ?? [], deps.terms.thresholds);
    session.watch?.assertAllowed();
    const trigger = wanted(deps, session, { scored, run, extra_turns });
    const extra = trigger && (await extraTurnOf(deps, session, { scored, trigger, shadow }));
    if (trigger === undefined || extra === undefined) return { scored, extra_turns, duration_ms };
    extra_turns.push(trigger);
    if (shadow) return { scored, extra_turns, duration_ms };
    deps.kit.metrics.inc('model_arbitration_extra_turns_total', { reason: trigger });
    await run.takeExtraTurn(extra, run.call);
  }
}

function wanted(
  deps: DecideDeps,
  session: Session,
  { scored, run, extra_turns }: Pick<Settled, 'scored' | 'extra_turns'> & { readonly run: ArbitrationRun },
): ExtraTurnTrigger | undefined {
  const { verdict } = scored;
  const taken = Math.max(0, stateOf(session.recorder.records).turns.length - session.summary.exchanges);
  // Who is not waited for at the deadline is not asked once more either.
  if (verdict === undefined || run.missing.length > 0) return undefined;
  const trigger = extraTurnFor({
    verdict,
    terms: deps.terms,
    taken,
    // Why those of an earlier run were taken is not on record: they count.
    extended: taken - extra_turns.filter((one) => one !== 'low-composite').length,
    critique: deps.kit.flags.enabled('ARBITRATION_CRITIQUE_ENABLED'),
    quoted: extra_turns.includes('undecided'),
    texts: scored.candidates.map(({ text }) => text),
  });
  const rest = trigger === undefined || trigger === 'undecided';
  if (rest && taken === 0 && session.watch?.checks === true) return 'risk';
  // The extended loop is not begun where its turn would hardly be over in time.
  const longest_ms = Math.max(0, ...run.speed.values());
  return trigger === 'low-composite' && Date.now() + longest_ms > run.call.deadline_ms ? undefined : trigger;
}

interface Wanted {
  readonly scored: Scored;
  readonly trigger: ExtraTurnTrigger;
  readonly shadow: boolean;
}

/** The extra turn that is wanted; undefined where there is none to take after all. */
async function extraTurnOf(
  { terms }: DecideDeps,
  session: Session,
  { scored: { verdict, candidates }, trigger, shadow }: Wanted,
): Promise<ExtraTurn | undefined> {
  if (verdict === undefined) return undefined;
  const { question, turns } = stateOf(session.recorder.records);
  const texts = new Map(candidates.map(({ message_id, text }) => [message_id, text]));
  switch (trigger) {
    case 'undecided': {
      const answer = turns.find(({ message_id }) => message_id === verdict.message_id);
      const text = quotingAnswer(verdict, terms, answer?.content ?? '');
      if (answer === undefined || text === undefined) return undefined;
      const sides = undecidedOf(verdict).flatMap(({ between }) =>
        between.map(({ message_id }) => message_id),
      );
      const quoted = turns.filter(({ message_id }) => sides.includes(message_id)).map(({ step }) => step);
      const parents = sides.includes(undefined) ? [question.step, ...quoted] : quoted;
      return { kind: 'quoting', answer, text, parents };
    }
    case 'divergence':
    case 'contradiction': {
      const { asked, told } = refinementOf({ trigger, verdict, terms, question: question.content, texts });
      const step = turns.find(({ message_id }) => message_id === verdict.message_id)?.step ?? question.step;
      const brief = [
        { step: question.step, content: asked },
        { step, content: told },
      ];
      return askedTurn(verdict.chosen, { brief, max_tokens: terms.refinement.max_output_tokens });
    }
    case 'risk':
      return askedTurn(verdict.chosen, { task: RISK_TASK });
    case 'low-composite': {
      const task = extendedTaskOf(verdict.contradictions ?? []);
      const digest = { step: '', content: digestOf(verdict, texts) };
      if (!shadow) digest.step = await recordDigest(session, verdict.chosen, digest.content);
      return askedTurn(verdict.chosen, { task, digest });
    }
    default:
      return trigger satisfies never;
  }
}

function askedTurn(participant: string, told: Omit<AskedTurn, 'kind' | 'participant'>): ExtraTurn {
  return { kind: 'asked', participant, ...told };
}

async function recordDigest(
  { recorder, summary, trace_id }: Session,
  participant: string,
  content: string,
): Promise<string> {
  const step = recorder.newStepId();
  const last = finalists(stateOf(recorder.records).turns, summary.exchanges);
  const parents = last.map((turn) => turn.step);
  await recorder.append([{ step, kind: 'summary', parents, participant, content, trace_id }]);
  return step;
}

/** The message that took least time; undefined when none was said in this run. */
function fastest(
  candidates: readonly { readonly message_id: string }[],
  speed: ReadonlyMap<string, number>,
): string | undefined {
  let best: { readonly id: string; readonly ms: number } | undefined;
  for (const { message_id } of candidates) {
    const ms = speed.get(message_id);
    if (ms !== undefined && (best === undefined || ms < best.ms)) best = { id: message_id, ms };
  }
  return best?.id;
}
