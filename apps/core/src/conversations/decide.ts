/** Scores the candidates of a conversation, and makes of it the decision that is recorded. */
import {
  type CallContext,
  type Decision,
  type ExtraTurnTrigger,
  MAX_CANDIDATES,
  PlatformError,
  type RecordedContradiction,
} from '@mcp/contracts';
import {
  arbitrate,
  type Candidate,
  contradictionsOf,
  type FinishedTurn,
  type Verdict,
} from '@mcp/conversation';
import { riskScore } from '@mcp/safety';
import type { CoreKit } from '../kit.ts';
import { type AnswerVectors, EMBED_TIMEOUT_MS } from './answer-vectors.ts';
import { type JudgeDeps, judge } from './judge.ts';
import type { Learner } from './learner.ts';

export interface DecideDeps extends JudgeDeps {
  readonly kit: Pick<CoreKit, 'metrics' | 'tracer' | 'flags' | 'log'>;
  readonly learner: Pick<Learner, 'weigh'>;
}

/** What is to be scored. */
interface Finalists {
  readonly question: string;
  readonly turns: readonly FinishedTurn[];
  readonly vectors: AnswerVectors;
}

/** The candidates, and what the arbitration finds of them. */
export interface Scored {
  readonly candidates: readonly Candidate[];
  /** Undefined when they could not be compared: the arbitration is off, or embedding took too long. */
  readonly verdict: Verdict | undefined;
  readonly duration_ms: number;
}

/**
 * What is decided between: the last of the turns that were asked for of each participant, in the order in which they
 * first spoke, and every extra turn. So an extra turn that makes an answer worse does not take its place.
 */
export function finalists(turns: readonly FinishedTurn[], exchanges: number): FinishedTurn[] {
  const asked = turns.slice(0, exchanges);
  const last = new Map(asked.map((turn) => [turn.participant, turn]));
  return [...last.values(), ...turns.slice(exchanges)].slice(0, MAX_CANDIDATES);
}

/** Embeds the question and the finalists' answers and scores them. Without an embedding model the vectors are missing. */
export async function score(
  deps: Pick<DecideDeps, 'models' | 'terms'> & { readonly kit: Pick<CoreKit, 'flags' | 'log'> },
  { question, turns, vectors: embedded }: Finalists,
  call: CallContext,
): Promise<Scored> {
  const started_ms = performance.now();
  const enabled = deps.kit.flags.enabled('MODEL_ARBITRATION_ENABLED');
  const { vectors, timed_out } =
    turns.length < 2 || !enabled
      ? { vectors: undefined, timed_out: false }
      : await embedded.of([question, ...turns.map(({ content }) => content)]);
  const plain = turns.map(
    (turn, i): Candidate => ({
      participant: turn.participant,
      model: turn.model,
      message_id: turn.message_id,
      before: turns.slice(0, i).filter(({ participant }) => participant === turn.participant).length,
      text: turn.content,
      finish: turn.finish_reason,
      risk: riskScore(turn.content).risk,
      vector: vectors?.[i + 1],
    }),
  );
  if (!enabled || timed_out || plain.length === 0)
    return { candidates: plain, verdict: undefined, duration_ms: performance.now() - started_ms };
  const { terms } = deps;
  const seen = contradictionsOf(plain, {
    question,
    least: terms.thresholds.contradiction,
  });
  const { candidates, contradictions } = deps.kit.flags.enabled('ARBITRATION_JUDGE_ENABLED')
    ? await judge(deps, { question, candidates: plain, contradictions: seen }, call)
    : { candidates: plain, contradictions: seen };
  const verdict = arbitrate({ candidates, question: vectors?.[0], terms, contradictions });
  return { candidates, verdict, duration_ms: performance.now() - started_ms };
}

/** What happened around the scoring. */
export interface Around {
  readonly critique_turn: boolean;
  /** Why the extra turns of this run were taken; in shadow mode, would have been. */
  readonly extra_turns: readonly ExtraTurnTrigger[];
  /** Participants who had not answered by the deadline. */
  readonly missing: readonly string[];
  /** The message that took least time in this run. */
  readonly fastest: string | undefined;
  readonly duration_ms: number;
  /** Names the decision among all. */
  readonly key: string;
}

/** The recorded decision. With the flag off, and in shadow mode, the last answer of the first participant stands. */
export async function decide(deps: DecideDeps, scored: Scored, around: Around): Promise<Decision> {
  const { flags } = deps.kit;
  const first = scored.candidates[0];
  if (first === undefined) throw new PlatformError('internal', 'No model gave an answer to decide on.');
  const decision = !flags.enabled('MODEL_ARBITRATION_ENABLED')
    ? unscored(deps, first, {
        ...around,
        method: 'disabled',
        reason: `Arbitration is switched off (MODEL_ARBITRATION_ENABLED): the last answer of ${first.participant} stands.`,
      })
    : await decided(deps, scored, around);
  const applied = flags.enabled('MODEL_ARBITRATION_SHADOW') ? shadowed(decision, first, around) : decision;
  measure(deps, applied);
  return applied;
}

async function decided(deps: DecideDeps, scored: Scored, around: Around): Promise<Decision> {
  const { candidates } = scored;
  const { missing, critique_turn, extra_turns, duration_ms } = around;
  if (scored.verdict !== undefined && missing.length === 0) {
    const { verdict, learner } = await deps.learner.weigh(scored.verdict, around);
    return {
      ...verdict,
      critique_turn,
      duration_ms,
      ...(extra_turns.length === 0 ? {} : { extra_turns: [...extra_turns] }),
      ...(learner === undefined ? {} : { learner }),
    };
  }
  const fastest = candidates.find(({ message_id }) => message_id === around.fastest) ?? candidates[0];
  if (fastest === undefined) throw new PlatformError('internal', 'No model gave an answer to decide on.');
  const why =
    missing.length === 0
      ? `The answers could not be compared within ${EMBED_TIMEOUT_MS / 1000} s`
      : `${missing.join(', ')} had not answered by the deadline`;
  return unscored(deps, fastest, {
    ...around,
    method: 'fastest-successful',
    reason: `${why}: the fastest whole answer, by ${fastest.model}, stands.`,
  });
}

/** A decision without scores. */
function unscored(
  { terms }: DecideDeps,
  chosen: Candidate,
  how: Around & Pick<Decision, 'method' | 'reason'>,
): Decision {
  const { method, reason, critique_turn, duration_ms, missing, extra_turns } = how;
  return {
    chosen: chosen.participant,
    message_id: chosen.message_id,
    method,
    reason,
    divergence: null,
    safety_delta: null,
    weights: terms.weights,
    candidates: [],
    critique_turn,
    duration_ms: method === 'disabled' ? 0 : duration_ms,
    version: terms.version,
    ...(missing.length === 0 ? {} : { missing: [...missing] }),
    ...(extra_turns.length === 0 ? {} : { extra_turns: [...extra_turns] }),
  };
}

/** The same recorded and not applied: the last answer of the first participant stands. */
function shadowed(decision: Decision, first: Candidate, { extra_turns }: Around): Decision {
  if (decision.method === 'disabled') return decision;
  const { chosen, message_id, method, reason, extra_turns: _, ...rest } = decision;
  return {
    ...rest,
    chosen: first.participant,
    message_id: first.message_id,
    method: 'shadow',
    reason: `Arbitration is only watched (MODEL_ARBITRATION_SHADOW): the last answer of ${first.participant} stands.`,
    shadow: { chosen, message_id, method, reason, extra_turn: extra_turns[0] ?? null },
  };
}

function measure({ kit }: DecideDeps, decision: Decision): void {
  const { metrics } = kit;
  metrics.inc('model_arbitration_total', { status: decision.method });
  metrics.observe('model_arbitration_duration_seconds', {}, decision.duration_ms / 1000);
  if (decision.divergence !== null) metrics.observe('model_arbitration_divergence', {}, decision.divergence);
  for (const { kind } of decision.contradictions ?? [])
    metrics.inc('model_arbitration_contradictions_total', { kind });
  if (!kit.flags.enabled('MODEL_ARBITRATION_DEBUG')) return;
  // What was said stays in the conversation's log: here are the figures alone.
  const { contradictions = [], reason: _, shadow, ...components } = decision;
  const found = contradictions.map(({ kind, strength, against }: RecordedContradiction) => ({
    kind,
    strength,
    against,
  }));
  kit.log.info(
    { arbitration: { ...components, contradictions: found, shadow: shadow?.chosen } },
    'arbitration',
  );
}
