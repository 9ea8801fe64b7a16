import type {
  CallContext,
  ChatCompletionRequest,
  ChatEvent,
  ChatRequest,
  EmbeddingsRequest,
  EmbeddingsResult,
  ModelEvent,
  PlatformError,
  Usage,
} from '@mcp/contracts';
import { checkMessages, countSafety, type Findings, guardEvents } from '@mcp/safety/guard';
import type { Gateway } from '../gateway.ts';
import { aliasEvents, ignoredByAliases, isAlias, toConversation } from './aliases.ts';

interface Talk {
  readonly request: ChatRequest;
  readonly call: CallContext;
  /** Gets what the safety stages find. */
  readonly findings: Findings;
}

/** A conversation between models. All its events pass here, whatever they leave by. Throws `content_filter`. */
export async function* converse(gateway: Gateway, talk: Talk): AsyncGenerator<ChatEvent> {
  const { request, findings } = talk;
  try {
    if (request.message !== undefined)
      checkMessages(gateway.guard, [{ role: 'user', content: request.message }], findings);
    yield* talked(gateway, talk);
  } finally {
    countSafety(gateway.kit.metrics, findings.verdict);
  }
}

/** The turns are guarded where they are made: their verdicts come with them. */
async function* talked(gateway: Gateway, { request, call, findings }: Talk): AsyncGenerator<ChatEvent> {
  const asked = findings.verdict;
  for await (const event of gateway.kit.clients.core.chat(request, call)) {
    if (event.type === 'done') settle(gateway, event.response.usage);
    if (event.type === 'message.end' && event.safety !== undefined) findings.merge(event.safety);
    yield event.type === 'start' && asked !== undefined ? { ...event, safety: asked } : event;
  }
}

interface Completion {
  readonly request: ChatCompletionRequest;
  readonly call: CallContext;
  /** Gets what the safety stages find. */
  readonly findings: Findings;
  /** Called before the first event of a model that is a conversation. */
  readonly onConversation: (id: string) => void;
  /** Called before the first event with the fields that the model's backend makes no use of. */
  readonly onIgnored: (fields: readonly string[]) => void;
}

/** A completion of a model, or of an alias for a conversation. All its events pass here. Throws `content_filter`. */
export async function* complete(gateway: Gateway, completion: Completion): AsyncGenerator<ModelEvent> {
  const { request, call, findings } = completion;
  try {
    checkMessages(gateway.guard, request.messages, findings);
    if (await isAlias(gateway.graphs, request.model)) {
      completion.onIgnored(ignoredByAliases(request));
      const talk = { request: toConversation(request), call, findings };
      yield* aliasEvents(talked(gateway, talk), completion);
      return;
    }
    const events = gateway.inference().generate(request, call);
    for await (const event of guardEvents(gateway.guard, events, findings)) {
      if (event.type === 'usage') settle(gateway, event.usage);
      if (event.type === 'start' && event.ignored !== undefined) {
        const { ignored, ...start } = event;
        completion.onIgnored(ignored);
        yield start;
      } else yield event;
    }
  } finally {
    countSafety(gateway.kit.metrics, findings.verdict);
  }
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
