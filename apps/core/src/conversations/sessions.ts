import { randomUUID } from 'node:crypto';
import {
  type CallContext,
  type ConversationSummary,
  type LogRecord,
  type ModelGatewayApi,
  PlatformError,
  type WatchedChatRequest,
} from '@mcp/contracts';
import { type FinishedTurn, isFinished, participantAt, stateOf, stepsOf } from '@mcp/conversation';
import type { PiiSession } from '@mcp/safety/pii';
import type { GraphLibrary } from '../graphs/library.ts';
import { nextNode } from '../graphs/outcomes.ts';
import { type NewStep, Recorder, type RecorderDeps, taggedAs } from '../log/recorder.ts';
import { checkLog, type LogStateDeps } from '../log/state.ts';
import type { Stored } from '../store/conversations.ts';
import type { Settings } from '../store/rows.ts';
import type { AnswerPrivacy } from './answer-privacy.ts';
import type { Prompt, PromptLibrary } from './prompts.ts';
import { RiskWatch } from './risk-watch.ts';
import { FIRST_PROMPT, openingOf, refuseExchanges, requireReadyModels } from './settings.ts';

/** How long a conversation may grow before a new one has to be begun. */
const MAX_RECORDS = 1000;
const MAX_CHARS = 8_000_000;

export interface SessionDeps {
  readonly models: ModelGatewayApi;
  readonly logs: LogStateDeps;
  readonly prompts: PromptLibrary;
  readonly graphs: GraphLibrary;
  readonly recorder: RecorderDeps;
  /** What is done about personal data in what models say. */
  readonly privacy: AnswerPrivacy;
  /** Takes room at the model that speaks next, before anything is written. Throws when there is none. */
  takeRoom(model: string): Promise<void>;
}

/** A system prompt, and the step that it is; one that is not on record is none. */
interface SystemPrompt {
  readonly step: string | undefined;
  readonly content: string;
}

/** A conversation that is open for this run. */
export interface Session {
  readonly summary: Pick<ConversationSummary, 'id' | 'mode' | 'participants' | 'exchanges'>;
  readonly settings: Settings;
  /** The system prompt of each participant by its id, as it was when the conversation began. */
  readonly systems: ReadonlyMap<string, SystemPrompt>;
  readonly recorder: Recorder;
  readonly trace_id: string;
  /** Undefined: conversations are not routed by risk. */
  readonly watch: RiskWatch | undefined;
  /** Undefined: what models say is kept as they say it. */
  readonly privacy: PiiSession | undefined;
}

/** Begins a conversation; its first records are durable when this returns. Nothing is stored when the request is refused. */
export async function createSession(
  deps: SessionDeps,
  request: WatchedChatRequest,
  call: CallContext,
): Promise<Session> {
  const opening = await openingOf(request, deps, call);
  const { mode, exchanges, settings, fields } = opening;
  const participants = [...opening.participants];
  const prompts: Prompt[] = [];
  for (const [at, { prompt }] of opening.participants.entries())
    prompts.push(await deps.prompts.get(prompt, fields[at]?.prompt ?? 'prompt'));
  await takeRoomFor(deps, { participants, settings }, []);
  const message = request.message ?? '';
  const watch = watchOf(request);
  const trace_id = traceOf(call);
  const id = randomUUID();
  const created_at = new Date().toISOString();
  const title = titleOf(message);
  const recorder = await Recorder.begin(
    taggedAs(deps.recorder, request.pii),
    {
      summary: { id, created_at, mode, participants, exchanges, title, status: 'running', trace_id },
      owner: call.principal.id,
      settings,
    },
    (newStepId) => [
      ...prompts.map(({ text, name, sha256 }, at): NewStep => {
        const { id: participant, model } = participantAt(participants, at);
        const prompt = { name, sha256 };
        const step = { step: newStepId(), kind: 'system' as const, parents: [], participant };
        return { ...step, content: text, trace_id, model, prompt };
      }),
      questionStep(newStepId(), { message, trace_id, watch }),
    ],
  );
  const summary = { id, mode, participants, exchanges };
  const privacy = deps.privacy(request.pii, recorder.records);
  return { summary, settings, systems: systemsIn(recorder.records), recorder, trace_id, watch, privacy };
}

/** Goes on with a conversation: with a new question, or with what an interruption left over. */
export async function resumeSession(
  deps: SessionDeps,
  request: WatchedChatRequest & { readonly conversation_id: string },
  call: CallContext,
): Promise<Session> {
  refuseFixed(request);
  const { stored, verdict } = await checkLog(deps.logs, request.conversation_id, call.principal);
  const { id, mode, participants } = stored.summary;
  const done = stateOf(stored.records).turns.length;
  const { settings } = stored;
  if (settings.graph !== undefined) refuseExchanges(mode, request);
  const exchanges =
    request.exchanges === undefined
      ? stored.summary.exchanges
      : Math.max(request.exchanges, request.message === undefined ? done : 0);
  refuseEnded(stored, request, exchanges);
  await requireReadyModels(deps.models, participants, call);
  const systems = await systemsOf(deps, stored);
  if (verdict.status === 'broken' && stored.summary.status !== 'running')
    throw new PlatformError(
      'conflict',
      `The log of conversation ${id} does not verify and is left as it is: ${verdict.reason ?? 'it was changed.'} Begin a new conversation.`,
    );
  const past = request.message === undefined ? stateOf(stored.records).turns : [];
  if (settings.graph !== undefined || past.length < exchanges)
    await takeRoomFor(deps, { participants, settings }, past);
  const recorder = await Recorder.resume(taggedAs(deps.recorder, request.pii), stored, exchanges);
  const trace_id = traceOf(call);
  const { message } = request;
  const watch = watchOf(request);
  if (message === undefined) watch?.goOnFrom(stored.records);
  else
    await orClose(recorder, () =>
      recorder.append([questionStep(recorder.newStepId(), { message, trace_id, watch })]),
    );
  return {
    summary: { id, mode, participants, exchanges },
    settings: changed(settings, request),
    systems,
    recorder,
    trace_id,
    watch,
    privacy: deps.privacy(request.pii, recorder.records),
  };
}

function watchOf({ risk }: WatchedChatRequest): RiskWatch | undefined {
  return risk === undefined ? undefined : new RiskWatch(risk);
}

function questionStep(
  step: string,
  { message, trace_id, watch }: Pick<Session, 'trace_id' | 'watch'> & { readonly message: string },
): NewStep {
  const risk = watch?.verdict;
  return {
    step,
    kind: 'question',
    parents: [],
    content: message,
    trace_id,
    ...(risk === undefined ? {} : { risk }),
  };
}

/** Takes room at the model that speaks next, after these turns on the question. */
async function takeRoomFor(
  { takeRoom }: SessionDeps,
  { participants, settings: { graph } }: Pick<Session['summary'], 'participants'> & Pick<Session, 'settings'>,
  past: readonly FinishedTurn[],
): Promise<void> {
  if (graph === undefined) return takeRoom(participantAt(participants, past.length).model);
  const next = participants.find(({ id }) => id === nextNode(graph, past));
  if (next !== undefined) await takeRoom(next.model);
}

/** A conversation that cannot be opened after all does not stay running. */
async function orClose(recorder: Recorder, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    await recorder.close('interrupted').catch(() => undefined);
    throw error;
  }
}

function refuseFixed(request: WatchedChatRequest): void {
  const fixed = (['participants', 'modelA', 'modelB', 'promptA', 'promptB', 'mode'] as const).find(
    (field) => request[field] !== undefined,
  );
  if (fixed !== undefined)
    throw new PlatformError(
      'invalid_request',
      `${fixed}: ${fixed === 'participants' ? 'are' : 'is'} fixed when a conversation begins. Leave it out, or begin a new conversation without conversation_id.`,
      { param: fixed },
    );
}

function refuseEnded({ summary, records }: Stored, request: WatchedChatRequest, exchanges: number): void {
  const { id } = summary;
  if (request.message === undefined && summary.status !== 'running' && isFinished(records, exchanges))
    throw new PlatformError(
      'conflict',
      `The conversation ${id} is finished. Send a message to go on with it.`,
      { param: 'message' },
    );
  const chars = records.reduce(
    (sum, { content, reasoning = '' }) => sum + content.length + reasoning.length,
    0,
  );
  if (records.length >= MAX_RECORDS || chars >= MAX_CHARS)
    throw new PlatformError(
      'conflict',
      `The conversation ${id} has ${records.length} records with ${chars} characters; it may grow to ${MAX_RECORDS} records or ${MAX_CHARS} characters. Begin a new one.`,
    );
}

async function systemsOf(deps: SessionDeps, { summary, records }: Stored): Promise<Session['systems']> {
  const systems = systemsIn(records);
  for (const { id, prompt } of summary.participants) {
    if (systems.has(id)) continue;
    // A recorded completion has no prompts of its own.
    const { text } = await deps.prompts.get(prompt ?? FIRST_PROMPT, id);
    systems.set(id, { step: undefined, content: text });
  }
  return systems;
}

/** The system prompts that are on record. */
function systemsIn(records: readonly LogRecord[]): Map<string, SystemPrompt> {
  const systems = new Map<string, SystemPrompt>();
  for (const [at, { id, kind, participant }] of stepsOf(records).entries())
    if (kind === 'system' && participant !== undefined)
      systems.set(participant, { step: id, content: records[at]?.content ?? '' });
  return systems;
}

function changed(settings: Settings, request: WatchedChatRequest): Settings {
  const { max_tokens_per_turn, temperature, seed } = request;
  return {
    ...settings,
    ...(max_tokens_per_turn === undefined ? {} : { max_tokens_per_turn }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(seed === undefined ? {} : { seed }),
  };
}

/** The trace a call belongs to, or zeros. */
export function traceOf(call: CallContext): string {
  return call.traceparent?.split('-')[1] ?? '0'.repeat(32);
}

/** First 80 characters on one line, without what a database or a terminal takes amiss. */
export function titleOf(message: string): string {
  const line = message
    .slice(0, 2000)
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim();
  const chars = [...line];
  return chars.length > 80 ? `${chars.slice(0, 79).join('')}…` : line;
}
