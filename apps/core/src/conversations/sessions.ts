import { randomUUID } from 'node:crypto';
import {
  type CallContext,
  type ChatRequest,
  type ConversationSummary,
  type ModelGatewayApi,
  PlatformError,
} from '@mcp/contracts';
import { type PromptLibrary, sideOf } from '@mcp/conversation';
import { Recorder, type RecorderDeps, type Saying } from '../log/recorder.ts';
import { checkLog, type LogStateDeps } from '../log/state.ts';
import type { Settings, Stored } from '../store/conversations.ts';
import { isFinished, stateOf } from './history.ts';
import { pair } from './response.ts';
import { openingOf, requireReadyModels } from './settings.ts';

/** How long a conversation may grow before a new one has to be begun. */
const MAX_RECORDS = 1000;
const MAX_CHARS = 8_000_000;

export interface SessionDeps {
  readonly models: ModelGatewayApi;
  readonly logs: LogStateDeps;
  readonly prompts: PromptLibrary;
  readonly recorder: RecorderDeps;
  /** Takes room at the model that speaks next, before anything is written. Throws when there is none. */
  takeRoom(model: string): Promise<void>;
}

/** A conversation that is open for this run. */
export interface Session {
  readonly summary: Pick<ConversationSummary, 'id' | 'mode' | 'models' | 'exchanges'>;
  readonly settings: Settings;
  /** Text of the system prompts of modelA and modelB, as they were when the conversation began. */
  readonly systems: readonly [string, string];
  readonly recorder: Recorder;
  readonly trace_id: string;
}

/** Begins a conversation; its first records are durable when this returns. Nothing is stored when the request is refused. */
export async function createSession(
  deps: SessionDeps,
  request: ChatRequest,
  call: CallContext,
): Promise<Session> {
  const opening = await openingOf(request, deps.models, call);
  const { settings } = opening;
  const prompts = [
    await deps.prompts.get(settings.promptA, 'promptA'),
    await deps.prompts.get(settings.promptB, 'promptB'),
  ] as const;
  await deps.takeRoom(opening.models[0]);
  const message = request.message ?? '';
  const trace_id = traceOf(call);
  const { mode, exchanges } = opening;
  const models = [...opening.models];
  const id = randomUUID();
  const recorder = await Recorder.begin(
    deps.recorder,
    {
      summary: {
        id,
        created_at: new Date().toISOString(),
        mode,
        models,
        exchanges,
        title: titleOf(message),
        status: 'running',
        trace_id,
      },
      owner: call.principal.id,
      settings,
    },
    [
      ...prompts.map(
        ({ text, name, sha256 }, i): Saying => ({
          role: 'system',
          content: text,
          trace_id,
          model: models[i] ?? '',
          prompt: { name, sha256 },
        }),
      ),
      { role: 'user', content: message, trace_id },
    ],
  );
  const systems = [prompts[0].text, prompts[1].text] as const;
  return { summary: { id, mode, models, exchanges }, settings, systems, recorder, trace_id };
}

/** Goes on with a conversation: with a new question, or with what an interruption left over. */
export async function resumeSession(
  deps: SessionDeps,
  request: ChatRequest & { readonly conversation_id: string },
  call: CallContext,
): Promise<Session> {
  refuseFixed(request);
  const { stored, verdict } = await checkLog(deps.logs, request.conversation_id, call.principal);
  const { id, mode, models } = stored.summary;
  const done = stateOf(stored.records).turns.length;
  const exchanges =
    request.exchanges === undefined
      ? stored.summary.exchanges
      : Math.max(request.exchanges, request.message === undefined ? done : 0);
  refuseEnded(stored, request, exchanges);
  await requireReadyModels(deps.models, models, call);
  const systems = await systemsOf(deps, stored);
  if (verdict.status === 'broken' && stored.summary.status !== 'running')
    throw new PlatformError(
      'conflict',
      `The log of conversation ${id} does not verify and is left as it is: ${verdict.reason ?? 'it was changed.'} Begin a new conversation.`,
    );
  const next = request.message === undefined ? done : 0;
  if (next < exchanges) await deps.takeRoom(pair(models)[sideOf(next) === 'modelA' ? 0 : 1]);
  const recorder = await Recorder.resume(deps.recorder, stored, exchanges);
  const trace_id = traceOf(call);
  const { message } = request;
  if (message !== undefined)
    await orClose(recorder, () => recorder.append([{ role: 'user', content: message, trace_id }]));
  return {
    summary: { id, mode, models, exchanges },
    settings: changed(stored.settings, request),
    systems,
    recorder,
    trace_id,
  };
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

function refuseFixed(request: ChatRequest): void {
  const fixed = (['modelA', 'modelB', 'promptA', 'promptB', 'mode'] as const).find(
    (field) => request[field] !== undefined,
  );
  if (fixed !== undefined)
    throw new PlatformError(
      'invalid_request',
      `${fixed}: is fixed when a conversation begins. Leave it out, or begin a new conversation without conversation_id.`,
      { param: fixed },
    );
}

function refuseEnded({ summary, records }: Stored, request: ChatRequest, exchanges: number): void {
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

async function systemsOf(deps: SessionDeps, { records, settings }: Stored): Promise<[string, string]> {
  const [a, b] = records.filter(({ role, prompt }) => role === 'system' && prompt !== undefined);
  // A recorded completion has no prompts of its own.
  return [
    a?.content ?? (await deps.prompts.get(settings.promptA, 'promptA')).text,
    b?.content ?? (await deps.prompts.get(settings.promptB, 'promptB')).text,
  ];
}

function changed(settings: Settings, request: ChatRequest): Settings {
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
