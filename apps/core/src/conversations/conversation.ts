import {
  type CallContext,
  type ChatEvent,
  type ChatRequest,
  type ChatResponse,
  type Place,
  PlatformError,
  TurnMode,
} from '@mcp/contracts';
import { participantAt, planTurn, stateOf, wantsCritique } from '@mcp/conversation';
import { EventQueue, RetryBudget, toPlatformError } from '@mcp/service-kit';
import { runGraph } from '../graphs/run.ts';
import { type DecideDeps, decide, finalists, type Prepared, prepare } from './decide.ts';
import type { EventLog } from './event-log.ts';
import { type Emit, EVENTS_PER_RECORD, outlet } from './events.ts';
import { modelsOf, responseOf, stepsOfTurn } from './response.ts';
import type { Runs } from './runs.ts';
import { createSession, resumeSession, type Session, type SessionDeps } from './sessions.ts';
import { runTurn, type TurnDeps } from './turn.ts';

/**
 * The one file where the order of steps of a conversation is written:
 * open → for each turn: plan → budget → ask → record → … → arbitrate (→ critique) → record the decision → done.
 * Of a graph of agents, between open and done: `graphs/run.ts`.
 */
export interface ConversationDeps extends TurnDeps, DecideDeps, Omit<SessionDeps, 'takeRoom'> {
  readonly kit: TurnDeps['kit'];
  readonly runs: Runs;
  readonly log: EventLog;
}

/** What every step of a run is given beside its session. */
interface Run {
  readonly call: CallContext;
  readonly emit: Emit;
  /** How long each message took, in ms. */
  readonly speed: Map<string, number>;
  /** Once the conversation is open: others can follow and cancel it from here on. */
  readonly onOpen: (session: Session) => void;
}

/**
 * Holds a conversation and streams its events. Throws only before the first event; later failures are an `error`
 * event. The run does not depend on being read: when the reader leaves, the model stops and what was said is kept, or
 * it goes on to its end, as the request says.
 */
export async function* converse(
  deps: ConversationDeps,
  request: ChatRequest,
  call: CallContext,
): AsyncGenerator<ChatEvent> {
  const queue = new EventQueue<ChatEvent>();
  const out = outlet(queue);
  const budgeted = { ...call, retries: call.retries ?? new RetryBudget() };
  const { leave } = deps.runs.start(budgeted, request.on_disconnect ?? 'cancel', (inner, handle) => {
    const onOpen = ({ summary, recorder }: Session) => {
      handle.name(summary.id);
      const first = request.conversation_id === undefined ? 0 : recorder.records.length * EVENTS_PER_RECORD;
      out.begin(first, deps.log.writer(summary.id, Date.now()));
    };
    return run(deps, request, { call: inner, emit: out.emit, speed: new Map(), onOpen }).then(
      () => queue.end(),
      (error: unknown) => queue.fail(error),
    );
  });
  try {
    yield* queue;
  } finally {
    out.leave();
    await leave(new PlatformError('cancelled', 'The client left before the conversation was over.'));
  }
}

/** Holds the conversation with room for its first turn, which is taken before anything is written. */
async function run(deps: ConversationDeps, request: ChatRequest, step: Run): Promise<void> {
  let place: Place | undefined;
  const takeRoom = async (model: string) => {
    place = await deps.models.reserve(model, step.call);
  };
  try {
    const session = await open({ ...deps, takeRoom }, request, step.call);
    await hold(deps, session, { ...step, call: { ...step.call, place: place?.id } });
  } finally {
    place?.release();
  }
}

async function hold(deps: ConversationDeps, session: Session, step: Run): Promise<void> {
  const { id, mode, participants, exchanges } = session.summary;
  const { trace_id } = session;
  step.onOpen(session);
  const models = modelsOf(participants);
  step.emit({ type: 'start', conversation_id: id, trace_id, mode, participants, models, exchanges });
  try {
    if (session.settings.graph === undefined) await takeTurns(deps, session, step);
    else await runGraph(deps, { session, graph: session.settings.graph }, step);
    await finish(deps, session, { ...step, status: 'completed' });
  } catch (error) {
    await breakOff(deps, session, { ...step, error });
  }
}

/** The turns that are left, and the decision. */
async function takeTurns(deps: ConversationDeps, session: Session, step: Run): Promise<void> {
  const { exchanges } = session.summary;
  for (let turn = stateOf(session.recorder.records).turns.length; turn < exchanges; turn++)
    await takeTurn(deps, session, { ...step, turn, kind: 'turn' });
  await decideAndRecord(deps, session, step);
}

/** Loads or creates the conversation. */
function open(deps: SessionDeps, request: ChatRequest, call: CallContext): Promise<Session> {
  const { conversation_id } = request;
  return conversation_id === undefined
    ? createSession(deps, request, call)
    : resumeSession(deps, { ...request, conversation_id }, call);
}

/** One turn: plan, ask, record, and only then say that it is over. Throws when it was cut short; the part is recorded. */
async function takeTurn(
  deps: ConversationDeps,
  session: Session,
  run: Run & { readonly turn: number; readonly kind: 'turn' | 'critique' },
): Promise<void> {
  const { turn, kind, call, emit } = run;
  call.signal.throwIfAborted();
  const { summary, settings, systems, recorder } = session;
  const participant = participantAt(summary.participants, kind === 'critique' ? 0 : turn);
  const { earlier, question, turns } = stateOf(recorder.records);
  const context = planTurn({
    mode: TurnMode.parse(summary.mode),
    participants: summary.participants.map(({ id }) => id),
    participant: participant.id,
    system: systems.get(participant.id) ?? { step: undefined, content: '' },
    earlier,
    question,
    past: turns,
    critique: kind === 'critique',
  });
  const { max_tokens_per_turn, temperature, seed } = settings;
  const step = recorder.newStepId();
  const result = await runTurn(
    deps,
    { turn, step, participant, ...context, max_tokens_per_turn, temperature, seed },
    { call, emit },
  );
  run.speed.set(result.message_id, result.duration_ms);
  const { newStepId } = recorder;
  await recorder.append(stepsOfTurn(result, { id: step, kind, participant, newStepId }));
  emit({
    type: 'message.end',
    message_id: result.message_id,
    turn,
    step,
    participant: participant.id,
    finish_reason: result.finish,
    usage: result.usage,
    content: result.text,
    ...(result.safety === undefined ? {} : { safety: result.safety }),
  });
  if (result.finish.unified === 'cancelled') throw call.signal.reason;
}

/** Arbitrates, after one more turn where the answers diverge, and records the decision. */
async function decideAndRecord(deps: ConversationDeps, session: Session, run: Run): Promise<void> {
  const span = deps.kit.tracer.start('conversation.arbitrate', { traceparent: run.call.traceparent });
  const inner = { ...run, call: { ...run.call, traceparent: span.traceparent } };
  try {
    let prepared = await score(deps, session, inner.call);
    if (criticises(deps, session, prepared)) {
      const turn = stateOf(session.recorder.records).turns.length;
      await takeTurn(deps, session, { ...inner, turn, kind: 'critique' });
      prepared = await score(deps, session, inner.call);
    }
    const { question, turns } = stateOf(session.recorder.records);
    const last = finalists(turns);
    const decision = decide(deps, prepared, {
      critique_turn: turns.length > session.summary.exchanges,
      fastest: fastest(last, run.speed),
    });
    span.set({
      arbitration_decision: decision.chosen,
      'mcp.arbitration.method': decision.method,
      ...(decision.divergence === null ? {} : { model_arbitration_divergence: decision.divergence }),
    });
    const { recorder, trace_id } = session;
    const step = recorder.newStepId();
    const parents = [question.step, ...last.map((one) => one.step)];
    await recorder.append([
      { step, kind: 'decision', parents, content: decision.reason, trace_id, decision },
    ]);
    run.emit({ type: 'decision', step, decision });
  } catch (error) {
    span.end(error);
    throw error;
  } finally {
    span.end();
  }
}

async function score(deps: ConversationDeps, session: Session, call: CallContext): Promise<Prepared> {
  const prepared = await prepare(deps, stateOf(session.recorder.records), call);
  // Without this a cancel would look like a missing embedding model.
  call.signal.throwIfAborted();
  return prepared;
}

/** One critique turn at most, counted over interruptions. */
function criticises(deps: ConversationDeps, session: Session, prepared: Prepared): boolean {
  const { flags } = deps.kit;
  return (
    flags.enabled('MODEL_ARBITRATION_ENABLED') &&
    flags.enabled('ARBITRATION_CRITIQUE_ENABLED') &&
    stateOf(session.recorder.records).turns.length <= session.summary.exchanges &&
    wantsCritique(prepared.candidates)
  );
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

async function finish(
  deps: ConversationDeps,
  session: Session,
  { emit, call, status }: Run & { readonly status: ChatResponse['status'] },
): Promise<void> {
  await session.recorder.close(status);
  deps.kit.log.info(
    { conversation_id: session.summary.id, status, trace_id: session.trace_id, request_id: call.request_id },
    'conversation over',
  );
  emit({
    type: 'done',
    response: responseOf(
      { ...session.summary, trace_id: session.trace_id, records: session.recorder.records },
      status,
    ),
  });
}

/** A client's cancel ends a conversation in peace; anything else is a failure. Finished turns stay either way. */
async function breakOff(
  deps: ConversationDeps,
  session: Session,
  step: Run & { readonly error: unknown },
): Promise<void> {
  const { signal } = step.call;
  const error = toPlatformError(signal.reason instanceof PlatformError ? signal.reason : step.error);
  const left = signal.aborted && (error.code === 'cancelled' || !(signal.reason instanceof PlatformError));
  if (!left) return fail(deps, session, { ...step, error });
  try {
    await finish(deps, session, { ...step, status: 'cancelled' });
  } catch (thrown) {
    await fail(deps, session, { ...step, error: toPlatformError(thrown) });
  }
}

/** The client learns what happened and how to go on. */
async function fail(
  deps: ConversationDeps,
  session: Session,
  { emit, error }: Run & { readonly error: PlatformError },
): Promise<void> {
  const { id } = session.summary;
  deps.kit.log.error(
    { conversation_id: id, code: error.code, err: error.cause ?? error, trace_id: session.trace_id },
    'conversation interrupted',
  );
  await session.recorder
    .close('interrupted')
    .catch((err: unknown) =>
      deps.kit.log.error({ err, conversation_id: id }, 'the interruption itself could not be stored'),
    );
  emit({
    type: 'error',
    code: error.code,
    message: error.message,
    retryable: error.retryable,
    conversation_id: id,
    trace_id: session.trace_id,
    retry_after_ms: error.retry_after_ms ?? null,
  });
}
