import { randomUUID } from 'node:crypto';
import {
  type CallContext,
  type ChatEvent,
  type ChatRequest,
  type ChatResponse,
  type ConversationStatus,
  type ConversationSummary,
  type Decision,
  PlatformError,
} from '@mcp/contracts';
import { type PromptLibrary, planTurn, sideOf, wantsCritique } from '@mcp/conversation';
import type { LogHeader } from '@mcp/provenance';
import { EventQueue, toPlatformError } from '@mcp/service-kit';
import { type DecideDeps, decide, finalists, prepare } from './decide.ts';
import { type Emit, emitter } from './events.ts';
import { answerOf, pastOf, type Standing, standingOf } from './history.ts';
import { Recorder, type RecorderDeps, type Saying } from './recorder.ts';
import { openingOf } from './settings.ts';
import type { ConversationStore, Settings } from './store/conversations.ts';
import { type TurnDeps, type TurnResult, takeTurn } from './turn.ts';

/**
 * The one file where the order of steps of a conversation is written:
 * open → for each turn: plan → budget → ask → record → … → arbitrate (→ critique) → record the decision → done.
 */
export interface ConversationDeps extends TurnDeps, DecideDeps {
  readonly kit: TurnDeps['kit'];
  readonly store: ConversationStore;
  readonly prompts: PromptLibrary;
  readonly recorder: RecorderDeps;
}

/** A conversation that is open for this run. */
interface Session {
  readonly summary: Pick<ConversationSummary, 'id' | 'mode' | 'models' | 'exchanges'>;
  readonly settings: Settings;
  readonly recorder: Recorder;
  readonly trace_id: string;
}

/**
 * Holds a conversation and streams its events. Throws only before the first event; later failures are an `error`
 * event. The run does not depend on being read: when the reader leaves, the model stops and what was said is kept.
 */
export async function* converse(
  deps: ConversationDeps,
  request: ChatRequest,
  call: CallContext,
): AsyncGenerator<ChatEvent> {
  const queue = new EventQueue<ChatEvent>();
  const left = new AbortController();
  const signal = AbortSignal.any([call.signal, left.signal]);
  const work = run(deps, request, { ...call, signal }, emitter(queue)).then(
    () => queue.end(),
    (error: unknown) => queue.fail(error),
  );
  try {
    yield* queue;
  } finally {
    left.abort(new PlatformError('cancelled', 'The client left before the conversation was over.'));
    await work;
  }
}

async function run(
  deps: ConversationDeps,
  request: ChatRequest,
  call: CallContext,
  emit: Emit,
): Promise<void> {
  const session = await open(deps, request, call);
  const { id, mode, models, exchanges } = session.summary;
  emit({
    type: 'start',
    conversation_id: id,
    trace_id: session.trace_id,
    mode,
    models: pair(models),
    exchanges,
  });
  try {
    const speed = new Map<string, number>();
    for (let turn = standingOf(session.recorder.records).turns.length; turn < exchanges; turn++) {
      const whole = await speak(deps, session, { turn, critique: false, call, emit, speed });
      if (!whole) return finish(deps, session, 'cancelled', { emit, call });
    }
    const decision = await settle(deps, session, { call, emit, speed });
    if (decision === undefined) return finish(deps, session, 'cancelled', { emit, call });
    emit({ type: 'decision', decision });
    await finish(deps, session, 'completed', { emit, call });
  } catch (thrown) {
    await fail(deps, session, thrown, emit);
  }
}

/** Loads or creates the conversation; its first records are durable when this returns. */
async function open(deps: ConversationDeps, request: ChatRequest, call: CallContext): Promise<Session> {
  const { conversation_id } = request;
  return conversation_id === undefined
    ? create(deps, request, call)
    : resume(deps, { ...request, conversation_id }, call);
}

async function create(deps: ConversationDeps, request: ChatRequest, call: CallContext): Promise<Session> {
  const opening = await openingOf(request, deps.models, call);
  const message = request.message ?? '';
  const trace_id = traceOf(call);
  const id = randomUUID();
  const created_at = new Date().toISOString();
  const header: LogHeader = {
    id,
    version: 1,
    created_at,
    owner: call.principal.id,
    mode: opening.mode,
    models: [...opening.models],
  };
  const recorder = new Recorder(deps.recorder, header, []);
  const first = recorder.chain([
    ...(await systemSayings(deps, opening, trace_id)),
    { role: 'user', content: message, trace_id },
  ]);
  const summary = {
    id,
    created_at,
    mode: opening.mode,
    models: [...opening.models],
    title: titleOf(message),
    status: 'running' as const,
    exchanges: opening.exchanges,
    trace_id,
  };
  await deps.store.create({ summary, owner: call.principal.id, settings: opening.settings, records: first });
  recorder.adopt(first);
  await recorder.seal();
  return { summary, settings: opening.settings, recorder, trace_id };
}

async function resume(
  deps: ConversationDeps,
  request: ChatRequest & { conversation_id: string },
  call: CallContext,
): Promise<Session> {
  const fixed = (['modelA', 'modelB', 'promptA', 'promptB', 'mode'] as const).find(
    (field) => request[field] !== undefined,
  );
  if (fixed !== undefined)
    throw new PlatformError(
      'invalid_request',
      `${fixed}: is fixed when a conversation begins. Leave it out, or begin a new conversation without conversation_id.`,
      { param: fixed },
    );
  const stored = await deps.store.get(request.conversation_id, call.principal);
  const standing = standingOf(stored.records);
  const exchanges = request.exchanges ?? stored.summary.exchanges;
  if (
    request.message === undefined &&
    standing.decision !== undefined &&
    standing.turns.length >= exchanges
  ) {
    throw new PlatformError(
      'conflict',
      `The conversation ${request.conversation_id} is finished. Send a message to go on with it.`,
      { param: 'message' },
    );
  }
  await deps.store.claim(request.conversation_id, exchanges);
  const { id, created_at, mode, models } = stored.summary;
  const recorder = new Recorder(
    deps.recorder,
    { id, version: 1, created_at, owner: stored.owner, mode, models },
    stored.records,
  );
  const trace_id = traceOf(call);
  const settings: Settings = {
    ...stored.settings,
    ...(request.max_tokens_per_turn === undefined
      ? {}
      : { max_tokens_per_turn: request.max_tokens_per_turn }),
  };
  if (request.message !== undefined)
    await recorder.append([{ role: 'user', content: request.message, trace_id }], 'running');
  return { summary: { id, mode, models, exchanges }, settings, recorder, trace_id };
}

interface Speaking {
  readonly turn: number;
  readonly critique: boolean;
  readonly call: CallContext;
  readonly emit: Emit;
  /** How long each message took, in ms. */
  readonly speed: Map<string, number>;
}

/** One turn: plan, ask, record, and only then say that it is over. False when it was cut short. */
async function speak(deps: ConversationDeps, session: Session, speaking: Speaking): Promise<boolean> {
  const { turn, call, emit, critique } = speaking;
  const side = critique ? 'modelA' : sideOf(turn);
  const model = session.summary.models[side === 'modelA' ? 0 : 1] ?? session.summary.models[0] ?? '';
  const standing = standingOf(session.recorder.records);
  const prompt = await deps.prompts.get(
    side === 'modelA' ? session.settings.promptA : session.settings.promptB,
    side === 'modelA' ? 'promptA' : 'promptB',
  );
  const messages = planTurn({
    mode: session.summary.mode,
    side,
    system: prompt.text,
    earlier: standing.earlier,
    question: standing.question,
    past: pastOf(standing.turns),
    critique,
  });
  const { max_tokens_per_turn, temperature, seed } = session.settings;
  const result = await takeTurn(
    deps,
    { turn, side, model, messages, max_tokens_per_turn, temperature, seed },
    call,
    emit,
  );
  speaking.speed.set(result.message_id, result.duration_ms);
  const cut = result.finish.unified === 'cancelled';
  await session.recorder.append(
    [sayingOf(result, { role: side, model })],
    cut ? statusOfCut(call) : 'running',
  );
  emit({
    type: 'message.end',
    message_id: result.message_id,
    turn,
    finish_reason: result.finish,
    usage: result.usage,
    content: result.text,
  });
  if (cut && statusOfCut(call) === 'interrupted') throw toPlatformError(call.signal.reason);
  return !cut;
}

/** Arbitrates, after one more turn where the two diverge, and records the decision. Undefined when cancelled on the way. */
async function settle(
  deps: ConversationDeps,
  session: Session,
  { call, emit, speed }: Omit<Speaking, 'turn' | 'critique'>,
): Promise<Decision | undefined> {
  const span = deps.kit.tracer.start('conversation.arbitrate', { traceparent: call.traceparent });
  const inner = { ...call, traceparent: span.traceparent };
  try {
    let standing = standingOf(session.recorder.records);
    let prepared = await prepare(deps, standing.question, standing.turns, inner);
    const critique_turn =
      deps.kit.flags.enabled('MODEL_ARBITRATION_ENABLED') &&
      deps.kit.flags.enabled('ARBITRATION_CRITIQUE_ENABLED') &&
      wantsCritique(prepared.candidates);
    if (critique_turn) {
      if (
        !(await speak(deps, session, {
          turn: standing.turns.length,
          critique: true,
          call: inner,
          emit,
          speed,
        }))
      )
        return undefined;
      standing = standingOf(session.recorder.records);
      prepared = await prepare(deps, standing.question, standing.turns, inner);
    }
    const fastest = finalists(standing.turns).sort(
      (a, b) =>
        (speed.get(a.message_id) ?? Number.POSITIVE_INFINITY) -
        (speed.get(b.message_id) ?? Number.POSITIVE_INFINITY),
    )[0];
    const decision = decide(deps, prepared, { critique_turn, fastest: fastest?.message_id });
    span.set({
      arbitration_decision: decision.chosen,
      'mcp.arbitration.method': decision.method,
      ...(decision.divergence === null ? {} : { model_arbitration_divergence: decision.divergence }),
    });
    await session.recorder.append(
      [{ role: 'decision', content: decision.reason, trace_id: session.trace_id, decision }],
      'completed',
    );
    return decision;
  } catch (error) {
    span.end(error);
    throw error;
  } finally {
    span.end();
  }
}

async function finish(
  deps: ConversationDeps,
  session: Session,
  status: ChatResponse['status'],
  { emit, call }: { emit: Emit; call: CallContext },
): Promise<void> {
  await deps.store.append(session.summary.id, [], status);
  deps.kit.log.info(
    { conversation_id: session.summary.id, status, trace_id: session.trace_id, request_id: call.request_id },
    'conversation over',
  );
  emit({ type: 'done', response: responseOf(session, standingOf(session.recorder.records), status) });
}

/** A failure after the beginning: finished turns stay, the client learns how to go on. */
async function fail(deps: ConversationDeps, session: Session, thrown: unknown, emit: Emit): Promise<void> {
  const error = toPlatformError(thrown);
  const { id } = session.summary;
  deps.kit.log.error(
    { conversation_id: id, code: error.code, err: error.cause ?? error, trace_id: session.trace_id },
    'conversation interrupted',
  );
  await deps.store
    .append(id, [], 'interrupted')
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

function responseOf(session: Session, standing: Standing, status: ChatResponse['status']): ChatResponse {
  const none = { input_tokens: 0, output_tokens: 0 };
  return {
    id: session.summary.id,
    trace_id: session.trace_id,
    mode: session.summary.mode,
    models: pair(session.summary.models),
    messages: standing.turns.map((turn, i) => ({
      message_id: turn.message_id,
      turn: i,
      role: turn.role,
      model: turn.model,
      content: turn.content,
      finish_reason: turn.finish_reason ?? { unified: 'other', raw: null },
      usage: turn.usage ?? none,
    })),
    answer: answerOf(standing.turns, standing.decision),
    decision: standing.decision ?? null,
    usage: standing.turns.reduce(
      (sum, { usage = none }) => ({
        input_tokens: sum.input_tokens + usage.input_tokens,
        output_tokens: sum.output_tokens + usage.output_tokens,
      }),
      none,
    ),
    status,
  };
}

async function systemSayings(
  deps: ConversationDeps,
  opening: { settings: Settings; models: readonly [string, string] },
  trace_id: string,
): Promise<Saying[]> {
  const a = await deps.prompts.get(opening.settings.promptA, 'promptA');
  const b = await deps.prompts.get(opening.settings.promptB, 'promptB');
  return [a, b].map((prompt, i) => ({
    role: 'system' as const,
    content: prompt.text,
    trace_id,
    model: opening.models[i] ?? '',
    prompt: { name: prompt.name, sha256: prompt.sha256 },
  }));
}

function sayingOf(result: TurnResult, who: { role: 'modelA' | 'modelB'; model: string }): Saying {
  return {
    ...who,
    content: result.text,
    trace_id: result.trace_id,
    message_id: result.message_id,
    finish_reason: result.finish,
    usage: result.usage,
    budget: result.budget,
    ...(result.reasoning === '' ? {} : { reasoning: result.reasoning }),
  };
}

/** A deadline interrupts, a client cancels. */
function statusOfCut(call: CallContext): ConversationStatus {
  const reason: unknown = call.signal.reason;
  return reason instanceof PlatformError && reason.code !== 'cancelled' ? 'interrupted' : 'cancelled';
}

function traceOf(call: CallContext): string {
  return call.traceparent?.split('-')[1] ?? '0'.repeat(32);
}

function titleOf(message: string): string {
  const line = message.trim().replace(/\s+/g, ' ');
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}

function pair(models: readonly string[]): [string, string] {
  const [a = '', b = a] = models;
  return [a, b];
}
