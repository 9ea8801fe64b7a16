import type {
  CallContext,
  ChatCompletionRequest,
  ChatEvent,
  ChatRequest,
  EmbeddingsRequest,
  EmbeddingsResult,
  ModelEvent,
  PiiAction,
  PlatformError,
  StreamResumed,
  Usage,
  WatchedChatRequest,
} from '@mcp/contracts';
import {
  assertModerable,
  checkMessages,
  classifyQuestion,
  countSafety,
  type Findings,
  guardEvents,
  moderateQuestion,
} from '@mcp/safety/guard';
import type { PiiSession } from '@mcp/safety/pii';
import type { Gateway } from '../gateway.ts';
import { aliasEvents, ignoredByAliases, isAlias, toConversation } from './aliases.ts';
import { type Fitting, fittedEvents, withWayOut } from './fitting.ts';
import { withValues } from './privacy.ts';
import type { RoutedConversation } from './risk-router.ts';
import { classifiedMeanwhile, screened } from './screening.ts';

export interface Talk {
  readonly request: ChatRequest;
  readonly call: CallContext;
  /** Gets what the safety stages find. */
  readonly findings: Findings;
  /** Called before the first event where requests are routed by risk. */
  readonly onRisk: (header: string) => void;
  /** Called before the first event where personal data is acted on. */
  readonly onPrivacy: (session: PiiSession) => void;
}

/** A conversation between models. All its events pass here, whatever they leave by. Throws `content_filter`. */
export async function* converse(gateway: Gateway, talk: Talk): AsyncGenerator<ChatEvent> {
  const { call, findings } = talk;
  const { request, session } = await gateway.privacy.talk(talk.request, call);
  if (session !== undefined) talk.onPrivacy(session);
  let routed: RoutedConversation | undefined;
  try {
    assertModerable(gateway.guard, call);
    if (request.message !== undefined) {
      const messages = [{ role: 'user' as const, content: request.message }];
      checkMessages(gateway.guard, messages, findings);
      await moderateQuestion(gateway.guard, messages, findings);
      classifyQuestion(gateway.guard, messages, findings);
    }
    routed = gateway.risk?.converse({ request, call, findings });
    if (routed !== undefined) talk.onRisk(routed.header);
    const events = talked(gateway, { request, call, findings }, routed);
    yield* withValues(events, session, (id) => gateway.privacy.keep(session, id, call));
  } finally {
    routed?.end();
    countSafety(gateway.kit.metrics, findings.verdict);
  }
}

interface Asked extends Pick<Talk, 'call' | 'findings'> {
  readonly request: WatchedChatRequest;
}

/** The turns are guarded where they are made: their verdicts come with them. */
async function* talked(
  gateway: Gateway,
  { request, call, findings }: Asked,
  routed: Pick<RoutedConversation, 'terms' | 'note'> | undefined,
): AsyncGenerator<ChatEvent> {
  const asked = findings.verdict;
  const watched: WatchedChatRequest = routed === undefined ? request : { ...request, risk: routed.terms };
  for await (const event of gateway.kit.clients.core.chat(watched, call)) {
    if (event.type === 'done') settle(gateway, event.response.usage);
    if (event.type === 'message.end' && event.safety !== undefined) findings.merge(event.safety);
    routed?.note(event);
    yield event.type === 'start' && asked !== undefined ? { ...event, safety: asked } : event;
  }
}

export interface Completing {
  readonly request: ChatCompletionRequest;
  readonly call: CallContext;
  /** What becomes of personal data; in the request it has been done. */
  readonly privacy: { readonly action: PiiAction; readonly session: PiiSession | undefined };
  /** Gets what the safety stages find. */
  readonly findings: Findings;
  /** Called before the first event of a model that is a conversation. */
  readonly onConversation: (id: string) => void;
  /** Called before the first event with the model that answers. */
  readonly onServed: (model: string) => void;
  /** Called when another model goes on; headers may be gone by then. */
  readonly onResumed: (resumed: StreamResumed) => void;
  /** Called before the first event where requests are routed by risk. */
  readonly onRisk: (header: string) => void;
  /** Called before the first event with the fields that the model's backend makes no use of. */
  readonly onIgnored: (fields: readonly string[]) => void;
  /** Given where the context is to be made to fit; called before the first event. */
  readonly onFitted: ((fitting: Fitting) => void) | undefined;
}

/** A completion of a model, or of an alias for a conversation. All its events pass here. Throws `content_filter`. */
export async function* complete(gateway: Gateway, completion: Completing): AsyncGenerator<ModelEvent> {
  const { call, findings } = completion;
  let ended = false;
  const settled = () => ended;
  try {
    assertModerable(gateway.guard, call);
    const wanted = await screened(gateway, completion, findings);
    await moderateQuestion(gateway.guard, wanted.messages, findings);
    const routed = gateway.risk?.route({ request: wanted, call, findings });
    if (routed !== undefined) completion.onRisk(routed.header);
    const request = routed?.request ?? wanted;
    if (await isAlias(gateway.graphs, request.model)) {
      completion.onIgnored(ignoredByAliases(request));
      classifyQuestion(gateway.guard, request.messages, findings);
      const talk = { ...toConversation(request), pii: completion.privacy.action };
      const events = talked(gateway, { request: talk, call, findings }, routed);
      const answer = aliasEvents(events, { ...completion, request });
      yield* restored(completion, routed?.watch(answer) ?? answer);
      return;
    }
    const careful = routed?.careful === true ? { ...call, careful: true } : call;
    const { onFitted } = completion;
    const asked =
      onFitted === undefined
        ? gateway.inference().generate(request, careful)
        : fittedEvents(gateway, { request, call: careful, onFitted });
    const events = classifiedMeanwhile(gateway, { events: asked, request, call, findings, settled });
    const watched = replaced(completion, routed?.watch(events) ?? events);
    const guarded = guardEvents(gateway.guard, watched, findings);
    for await (const event of restored(completion, guarded)) {
      if (event.type === 'usage') settle(gateway, event.usage);
      else if (event.type === 'stream_resumed') completion.onResumed(event);
      yield event.type === 'start' ? startOf(event, completion) : event;
    }
  } catch (error) {
    throw completion.onFitted === undefined ? withWayOut(error) : error;
  } finally {
    ended = true;
    countSafety(gateway.kit.metrics, findings.verdict);
  }
}

type Private = Pick<Completing, 'privacy' | 'request'>;
type Events = AsyncIterable<ModelEvent>;

/** Without personal data that may not be told, before anybody else looks at it. */
function replaced({ privacy: { action, session }, request }: Private, events: Events): Events {
  return session === undefined || action === 'tokenize'
    ? events
    : session.events(events, { json: isJson(request) });
}

/** With the values whose names the model was shown, after everybody else has looked at it. */
function restored({ privacy: { action, session }, request }: Private, events: Events): Events {
  return session === undefined || action !== 'tokenize'
    ? events
    : session.events(events, { json: isJson(request) });
}

function isJson({ response_format }: ChatCompletionRequest): boolean {
  return response_format !== undefined && response_format.type !== 'text';
}

type Start = Extract<ModelEvent, { type: 'start' }>;

/** The start as clients see it; what is said beside it goes into headers. */
function startOf(event: Start, completion: Completing): Start {
  completion.onServed(event.served_by ?? event.model);
  if (event.ignored === undefined && event.served_by === undefined) return event;
  const { ignored, served_by: _, ...start } = event;
  if (ignored !== undefined) completion.onIgnored(ignored);
  return start;
}

/** Embeddings of texts. */
export async function embed(
  gateway: Gateway,
  request: EmbeddingsRequest,
  call: CallContext,
): Promise<EmbeddingsResult> {
  const result = await gateway.inference().embed(request, call);
  settle(gateway, { input_tokens: result.input_tokens, output_tokens: 0 });
  return result;
}

/** The one place where what models used is settled. */
function settle({ stats }: Gateway, usage: Usage): void {
  stats.addTokens(usage);
}

interface Outcome {
  readonly duration_ms: number;
  /** The status that a client of HTTP saw or would have seen. */
  readonly status: number;
  readonly error: PlatformError | undefined;
  /** Its route, for metrics. */
  readonly endpoint: string;
}

/** Counts a request to models that has ended, whatever it came by. */
export function conclude(gateway: Gateway, { duration_ms, status, error, endpoint }: Outcome): void {
  if (status !== 401 && status !== 403) gateway.stats.add(duration_ms, (error?.status ?? status) >= 500);
  if (status === 499) gateway.kit.metrics.inc('gateway_stream_disconnects_total', { endpoint });
}
