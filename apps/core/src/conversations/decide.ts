import { type CallContext, type Decision, type ModelGatewayApi, PlatformError } from '@mcp/contracts';
import {
  arbitrate,
  type Candidate,
  type ConversationState,
  DEFAULT_WEIGHTS,
  type FinishedTurn,
} from '@mcp/conversation';
import { riskScore } from '@mcp/safety';
import { callScope } from '@mcp/service-kit';
import type { CoreKit } from '../kit.ts';

/** Embedding for the arbitration may take this long; then the fastest whole answer is taken. */
const EMBED_TIMEOUT_MS = 5000;
/** Characters of a text that are embedded: small embedding models read some 500 tokens. */
const EMBED_CHARS = 1200;

export interface DecideDeps {
  readonly kit: Pick<CoreKit, 'metrics' | 'tracer' | 'flags' | 'log'>;
  readonly models: ModelGatewayApi;
}

/** Candidates with what the arbitration needs of them. */
export interface Prepared {
  readonly candidates: readonly Candidate[];
  readonly question: readonly number[] | undefined;
  /** Embedding took too long. */
  readonly timed_out: boolean;
  readonly duration_ms: number;
}

/** The last whole turn of each participant, in the order in which they first spoke. */
export function finalists(turns: readonly FinishedTurn[]): FinishedTurn[] {
  return [...new Map(turns.map((turn) => [turn.participant, turn])).values()];
}

/** Embeds the question and the finalists' answers and scores their risk. Without an embedding model the vectors are missing. */
export async function prepare(
  deps: DecideDeps,
  { question, turns }: Pick<ConversationState, 'question' | 'turns'>,
  call: CallContext,
): Promise<Prepared> {
  const started_ms = performance.now();
  const last = finalists(turns);
  const { vectors, timed_out } =
    last.length < 2
      ? { vectors: undefined, timed_out: false }
      : await embed(deps, [question.content, ...last.map(({ content }) => content)], call);
  const candidates = last.map(
    (turn, i): Candidate => ({
      participant: turn.participant,
      model: turn.model,
      message_id: turn.message_id,
      text: turn.content,
      finish: turn.finish_reason,
      risk: riskScore(turn.content).risk,
      vector: vectors?.[i + 1],
    }),
  );
  return { candidates, question: vectors?.[0], timed_out, duration_ms: performance.now() - started_ms };
}

/** The recorded decision. With the flag off the last answer of the first participant stands and nothing is scored. */
export function decide(
  deps: DecideDeps,
  prepared: Prepared,
  options: { critique_turn: boolean; fastest: string | undefined },
): Decision {
  const started_ms = performance.now();
  const plain = {
    divergence: null,
    safety_delta: null,
    weights: DEFAULT_WEIGHTS,
    candidates: [],
    critique_turn: options.critique_turn,
  };
  const first = prepared.candidates[0];
  if (first === undefined) throw new PlatformError('internal', 'No model gave an answer to decide on.');
  let decision: Decision;
  if (!deps.kit.flags.enabled('MODEL_ARBITRATION_ENABLED')) {
    decision = {
      ...plain,
      chosen: first.participant,
      message_id: first.message_id,
      method: 'disabled',
      reason: `Arbitration is switched off (MODEL_ARBITRATION_ENABLED): the last answer of ${first.participant} stands.`,
      duration_ms: 0,
    };
  } else if (prepared.timed_out) {
    const fastest = prepared.candidates.find(({ message_id }) => message_id === options.fastest) ?? first;
    decision = {
      ...plain,
      chosen: fastest.participant,
      message_id: fastest.message_id,
      method: 'fastest-successful',
      reason: `The answers could not be compared within ${EMBED_TIMEOUT_MS / 1000} s: the fastest whole answer, by ${fastest.model}, stands.`,
      duration_ms: prepared.duration_ms,
    };
  } else {
    decision = arbitrate({
      candidates: prepared.candidates,
      question: prepared.question,
      critique_turn: options.critique_turn,
      duration_ms: 0,
    });
    decision = { ...decision, duration_ms: prepared.duration_ms + performance.now() - started_ms };
  }
  deps.kit.metrics.inc('model_arbitration_total', { status: decision.method });
  deps.kit.metrics.observe('model_arbitration_duration_seconds', {}, decision.duration_ms / 1000);
  if (decision.divergence !== null)
    deps.kit.metrics.observe('model_arbitration_divergence', {}, decision.divergence);
  return decision;
}

async function embed(
  deps: DecideDeps,
  texts: readonly string[],
  call: CallContext,
): Promise<{ vectors: readonly (readonly number[])[] | undefined; timed_out: boolean }> {
  if (!deps.kit.flags.enabled('MODEL_ARBITRATION_ENABLED')) return { vectors: undefined, timed_out: false };
  const deadline_ms = Math.min(call.deadline_ms, Date.now() + EMBED_TIMEOUT_MS);
  const scope = callScope(call.signal, deadline_ms);
  try {
    const bounded = { ...call, signal: scope.signal, deadline_ms };
    const model = (await deps.models.models(bounded)).find(
      ({ kind, status }) => kind === 'embedding' && status === 'ready',
    );
    if (model === undefined) return { vectors: undefined, timed_out: false };
    const { vectors } = await deps.models.embed(
      {
        model: model.id,
        input: texts.map((text) => text.slice(0, EMBED_CHARS).toWellFormed().trim() || '-'),
      },
      bounded,
    );
    return { vectors, timed_out: false };
  } catch (error) {
    deps.kit.log.warn({ err: error, request_id: call.request_id }, 'no embeddings for the arbitration');
    return {
      vectors: undefined,
      timed_out: error instanceof PlatformError && error.code === 'deadline_exceeded',
    };
  } finally {
    scope.dispose();
  }
}
