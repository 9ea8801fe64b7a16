import {
  type CallContext,
  type ChatEvent,
  type ChatResponse,
  type Participant,
  type Place,
  PlatformError,
  TurnMode,
  type WatchedChatRequest,
} from '@mcp/contracts';
import { participantAt, planTurn, stateOf } from '@mcp/conversation';
import { EventQueue, RetryBudget, toPlatformError } from '@mcp/service-kit';
import { runGraph } from '../graphs/run.ts';
import { AnswerVectors } from './answer-vectors.ts';
import { type AskedTurn, decideAndRecord, type ExtraTurn } from './arbitration.ts';
import { Candidates, candidateDeadline } from './candidates.ts';
import type { DecideDeps } from './decide.ts';
import type { EventLog } from './event-log.ts';
import { type Emit, EVENTS_PER_RECORD, outlet } from './events.ts';
import { keepQuoting } from './quoting.ts';
import { modelsOf, responseOf, riskOf, stepsOfTurn } from './response.ts';
import type { Runs } from './runs.ts';
import { createSession, resumeSession, type Session, type SessionDeps } from './sessions.ts';
import { runTurn, type TurnDeps, type TurnResult } from './turn.ts';

/**
 * The one file where the order of steps of a conversation is written:
 * open → for each turn: plan → budget → ask → record → … → arbitrate (→ extra turns) → record the decision → done.
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

/** What every turn is given beside its session. */
interface TurnRun extends Run {
  /** What the arbitration will compare. */
  readonly vectors: AnswerVectors;
}

/**
 * Holds a conversation and streams its events. Throws only before the first event; later failures are an `error`
 * event. The run does not depend on being read: when the reader leaves, the model stops and what was said is kept, or
 * it goes on to its end, as the request says.
 */
export async function* converse(
  deps: ConversationDeps,
  request: WatchedChatRequest,
  call: CallContext,
): AsyncGenerator<ChatEvent> {
  const queue = new EventQueue<ChatEvent>();
  const out = outlet(queue);
  const budgeted = { ...call, retries: call.retries ?? new RetryBudget() };
  const { leave } = deps.runs.start(budgeted, request.on_disconnect ?? 'cancel', (inner, handle) => {
    const onOpen = ({ summary, recorder }: Session) => {
      handle.name(summary.id);
      const first = request.conversation_id === undefined ? 0 : recorder.records.length * EVENTS_PER_RECORD;
      out.begin(first, deps.log.writer(summary.id, Date.now(), recorder.key));
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
async function run(deps: ConversationDeps, request: WatchedChatRequest, step: Run): Promise<void> {
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
  step.emit({
    type: 'start',
    conversation_id: id,
    trace_id,
    mode,
    participants,
    models,
    exchanges,
    ...riskOf(session.watch?.verdict),
  });
  try {
    session.watch?.assertAllowed();
    if (session.settings.graph === undefined) await takeTurns(deps, session, step);
    else await runGraph(deps, { session, graph: session.settings.graph }, step);
    await finish(deps, session, { ...step, status: 'completed' });
  } catch (error) {
    await breakOff(deps, session, { ...step, error });
  }
}

/** The turns that are left, and the decision. */
async function takeTurns(deps: ConversationDeps, session: Session, step: Run): Promise<void> {
  const { participants, exchanges } = session.summary;
  const vectors = new AnswerVectors(deps, step.call);
  const compared = isCompared(deps, session);
  const run = { ...step, vectors, emit: compared ? heardBy(vectors, session, step.emit) : step.emit };
  if (compared) vectors.expect(stateOf(session.recorder.records).question.content);
  const missing = await takeFirstTurns(deps, session, run);
  const { turns } = stateOf(session.recorder.records);
  for (let turn = turns.length; turn < exchanges && missing.length === 0; turn++)
    await takeTurn(deps, session, { ...run, turn, participant: participantAt(participants, turn) });
  await decideAndRecord(deps, session, {
    ...run,
    missing,
    takeExtraTurn: (extra, call) => takeExtraTurn(deps, session, { ...run, call, extra }),
  });
}

/** Whether there will be answers to compare. */
function isCompared({ kit }: ConversationDeps, { summary }: Session): boolean {
  const several = summary.exchanges > 1 && summary.participants.length > 1;
  return several && kit.flags.enabled('MODEL_ARBITRATION_ENABLED');
}

/** Whether a turn is one of the last, between which is decided; earlier ones are drafts. */
function isFinal({ summary }: Session, turn: number): boolean {
  return turn >= summary.exchanges - summary.participants.length;
}

/** Events on their way out, the answers among them heard. */
function heardBy(vectors: AnswerVectors, session: Session, emit: Emit): Emit {
  return (event) => {
    if (event.type === 'delta' && isFinal(session, event.turn)) vectors.hear(event);
    emit(event);
  };
}

/** Loads or creates the conversation. */
function open(deps: SessionDeps, request: WatchedChatRequest, call: CallContext): Promise<Session> {
  const { conversation_id } = request;
  return conversation_id === undefined
    ? createSession(deps, request, call)
    : resumeSession(deps, { ...request, conversation_id }, call);
}

/** A turn that is to be taken. */
interface Slot {
  readonly turn: number;
  readonly participant: Participant;
  /** Undefined: one of those that were asked for. */
  readonly extra?: AskedTurn | undefined;
}

interface Asked {
  readonly slot: Slot;
  readonly step: string;
  readonly result: TurnResult;
}

/** One turn: plan, ask, record, and only then say that it is over. Throws when it was cut short; the part is recorded. */
async function takeTurn(deps: ConversationDeps, session: Session, run: TurnRun & Slot): Promise<void> {
  run.call.signal.throwIfAborted();
  const { finish } = await keepTurn(session, run, await askTurn(deps, session, run));
  if (finish.unified === 'cancelled') throw run.call.signal.reason;
}

function takeExtraTurn(
  deps: ConversationDeps,
  session: Session,
  { extra, ...run }: TurnRun & { readonly extra: ExtraTurn },
): Promise<void> {
  const turn = stateOf(session.recorder.records).turns.length;
  if (extra.kind === 'quoting') return keepQuoting(deps.guard, session, { turn, ...extra, emit: run.emit });
  const participant = session.summary.participants.find(({ id }) => id === extra.participant);
  if (participant === undefined) throw new PlatformError('internal', 'An extra turn has no participant.');
  return takeTurn(deps, session, { ...run, turn, participant, extra });
}

/**
 * The first turns of mode `answer`, which see nothing of each other, at the same time. They are recorded in their order.
 * Returns who had not answered by the deadline when another had.
 */
async function takeFirstTurns(deps: ConversationDeps, session: Session, run: TurnRun): Promise<string[]> {
  const { mode, participants, exchanges } = session.summary;
  const said = new Set(stateOf(session.recorder.records).turns.map(({ participant }) => participant));
  const slots = participants
    .slice(0, mode === 'answer' ? exchanges : 0)
    .map((participant, turn): Slot => ({ participant, turn }))
    .filter(({ participant }) => !said.has(participant.id));
  if (slots.length === 0) return [];
  const { call } = run;
  const candidates = new Candidates(call.signal, {
    deadline_ms: candidateDeadline(deps.terms, call),
    isWhole: ({ result }: Asked) => result.finish.unified !== 'cancelled',
  });
  const missing: string[] = [];
  let failure: unknown;
  try {
    const asked = slots.map((slot, at) =>
      candidates.ask((signal) =>
        // Room was taken for the first of them alone.
        askTurn(deps, session, {
          ...run,
          ...slot,
          call: { ...call, signal, place: at === 0 ? call.place : undefined },
        }),
      ),
    );
    for (const [at, one] of asked.entries()) {
      const { answer, error, late } = await one;
      if (answer !== undefined) await keepTurn(session, run, answer);
      else if (!late) failure ??= error;
      if (late) missing.push(slots[at]?.participant.id ?? '');
    }
  } finally {
    await candidates.close();
  }
  call.signal.throwIfAborted();
  if (failure !== undefined) throw failure;
  return missing;
}

/** Plans a turn and asks its model. */
async function askTurn(deps: ConversationDeps, session: Session, run: TurnRun & Slot): Promise<Asked> {
  const { turn, participant, extra, call, emit } = run;
  const { summary, settings, systems, recorder } = session;
  const { earlier, question, turns } = stateOf(recorder.records);
  const context = planTurn({
    mode: TurnMode.parse(summary.mode),
    participants: summary.participants.map(({ id }) => id),
    participant: participant.id,
    system: systems.get(participant.id) ?? { step: undefined, content: '' },
    earlier,
    question,
    past: turns,
    task: extra?.task,
    digest: extra?.digest,
    brief: extra?.brief,
  });
  const { temperature, seed } = settings;
  const max_tokens_per_turn = Math.min(settings.max_tokens_per_turn, extra?.max_tokens ?? Infinity);
  const step = recorder.newStepId();
  const { records } = recorder;
  const { watch, privacy } = session;
  const request = {
    turn,
    step,
    participant,
    ...context,
    records,
    max_tokens_per_turn,
    temperature,
    seed,
    watch,
    privacy,
  };
  const result = await runTurn(deps, request, { call, emit });
  if (isCompared(deps, session) && isFinal(session, turn)) run.vectors.expect(result.text);
  return { slot: run, step, result };
}

/** Records a turn, and only then says that it is over. */
async function keepTurn(
  { recorder, watch }: Session,
  { speed, emit }: Pick<Run, 'speed' | 'emit'>,
  { slot, step, result }: Asked,
): Promise<TurnResult> {
  const { participant, turn, extra } = slot;
  speed.set(result.message_id, result.duration_ms);
  const { newStepId } = recorder;
  const kind = extra === undefined ? 'turn' : 'critique';
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
    ...riskOf(result.risk),
  });
  watch?.assertAllowed();
  return result;
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
