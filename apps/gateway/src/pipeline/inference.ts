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
import type { Gateway } from '../gateway.ts';
import { aliasEvents, ignoredByAliases, isAlias, toConversation } from './aliases.ts';

/** A conversation between models. All its events pass here, whatever they leave by. */
export async function* converse(
  gateway: Gateway,
  request: ChatRequest,
  call: CallContext,
): AsyncGenerator<ChatEvent> {
  for await (const event of gateway.kit.clients.core.chat(request, call)) {
    if (event.type === 'done') settle(gateway, event.response.usage);
    yield event;
  }
}

interface Completion {
  readonly request: ChatCompletionRequest;
  readonly call: CallContext;
  /** Called before the first event of a model that is a conversation. */
  readonly onConversation: (id: string) => void;
  /** Called before the first event with the fields that the model's backend makes no use of. */
  readonly onIgnored: (fields: readonly string[]) => void;
}

/** A completion of a model, or of an alias for a conversation. All its events pass here. */
export async function* complete(gateway: Gateway, completion: Completion): AsyncGenerator<ModelEvent> {
  const { request, call } = completion;
  if (await isAlias(gateway.graphs, request.model)) {
    completion.onIgnored(ignoredByAliases(request));
    yield* aliasEvents(converse(gateway, toConversation(request), call), completion);
    return;
  }
  for await (const event of gateway.inference().generate(request, call)) {
    if (event.type === 'usage') settle(gateway, event.usage);
    if (event.type === 'start' && event.ignored !== undefined) {
      const { ignored, ...start } = event;
      completion.onIgnored(ignored);
      yield start;
    } else yield event;
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
