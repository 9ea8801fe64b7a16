/** The end of a conversation: score the answers, take extra turns where they are worth it, record the decision. */
import type { CallContext, ExtraTurnTrigger } from '@mcp/contracts';
import { digestOf, extraTaskOf, extraTurnFor, type Said, stateOf } from '@mcp/conversation';
import { type DecideDeps, decide, finalists, type Scored, score } from './decide.ts';
import type { Emit } from './events.ts';
import { riskOf } from './response.ts';
import type { Session } from './sessions.ts';

/** A turn beyond those that were asked for. */
export interface ExtraTurn {
  /** Whose turn it is. */
  readonly participant: string;
  readonly task: string;
  /** What it goes on from instead of all turns so far. */
  readonly digest: Said | undefined;
}

export interface ArbitrationRun {
  readonly call: CallContext;
  readonly emit: Emit;
  /** How long each message took, in ms. */
  readonly speed: ReadonlyMap<string, number>;
  /** Participants who had not answered by the deadline. */
  readonly missing: readonly string[];
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
    const last = finalists(turns);
    const decision = decide(deps, scored, {
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
    const scored = await score(deps, stateOf(session.recorder.records), run.call);
    duration_ms += scored.duration_ms;
    // Without this a cancel would look like a missing embedding model.
    run.call.signal.throwIfAborted();
    if (scored.verdict !== undefined)
      session.watch?.compared(scored.candidates, scored.verdict.contradictions ?? [], deps.terms.thresholds);
    session.watch?.assertAllowed();
    const trigger = wanted(deps, session, { scored, run, extra_turns });
    if (trigger !== undefined) extra_turns.push(trigger);
    if (trigger === undefined || shadow) return { scored, extra_turns, duration_ms };
    deps.kit.metrics.inc('model_arbitration_extra_turns_total', { reason: trigger });
    await run.takeExtraTurn(await extraTurnOf(session, scored, trigger), run.call);
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
  });
  if (trigger === undefined && taken === 0 && session.watch?.checks === true) return 'risk';
  // The extended loop is not begun where its turn would hardly be over in time.
  const longest_ms = Math.max(0, ...run.speed.values());
  return trigger === 'low-composite' && Date.now() + longest_ms > run.call.deadline_ms ? undefined : trigger;
}

async function extraTurnOf(
  { summary, recorder, trace_id }: Session,
  { verdict, candidates }: Scored,
  trigger: ExtraTurnTrigger,
): Promise<ExtraTurn> {
  const task = extraTaskOf(trigger, verdict?.contradictions ?? []);
  const [first] = summary.participants;
  const participant = first?.id ?? '';
  if (trigger !== 'low-composite' || verdict === undefined) return { participant, task, digest: undefined };
  const content = digestOf(verdict, new Map(candidates.map(({ message_id, text }) => [message_id, text])));
  const step = recorder.newStepId();
  const parents = finalists(stateOf(recorder.records).turns).map((turn) => turn.step);
  await recorder.append([{ step, kind: 'summary', parents, participant: verdict.chosen, content, trace_id }]);
  return { participant: verdict.chosen, task, digest: { step, content } };
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
