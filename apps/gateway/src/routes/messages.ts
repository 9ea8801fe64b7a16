import {
  AnthropicCountTokensRequest,
  AnthropicMessagesRequest,
  AnthropicQuery,
  type ModelEvent,
} from '@mcp/contracts';
import { type KitContext, type KitEnv, parseQuery, streamEvents, toAnthropicError } from '@mcp/service-kit';
import {
  type AnthropicOptions,
  anthropicEncoder,
  anthropicMessages,
  type Completion,
  encodeAnthropicMessage,
  fromAnthropic,
} from '@mcp/wire';
import type { Hono } from 'hono';
import type { Gateway } from '../gateway.ts';
import { modelCoalescing } from '../transports/coalescing.ts';
import { completionEvents, inferenceBody, noteOverhead, wholeAnswer } from '../transports/completion.ts';
import { guard, guardInference } from '../transports/http.ts';
import { SSE } from '../transports/sse.ts';

/** Anthropic's Messages API, for every model and alias of the platform. */
export function messageRoutes(app: Hono<KitEnv>, gateway: Gateway): void {
  app.post(
    '/v1/messages',
    guardInference(
      gateway,
      async (c, call) => {
        parseQuery(c, AnthropicQuery);
        const request = await inferenceBody(gateway, c, AnthropicMessagesRequest);
        const state = c.get('state');
        state.headers['request-id'] = state.request_id;
        const asked = { request: fromAnthropic(request), call, format: 'messages' as const };
        const events = completionEvents(gateway, c, asked);
        const options = { thinking: request.thinking !== undefined && request.thinking.type !== 'disabled' };
        if (request.stream === true) return streamed(gateway, c, { events, options });
        const encode = (completion: Completion) => encodeAnthropicMessage(completion, options);
        return wholeAnswer(c, events, encode);
      },
      { query: true },
    ),
  );
  app.post(
    '/v1/messages/count_tokens',
    guard(gateway, { scope: 'chat', query: true, body: true }, async (c, call) => {
      parseQuery(c, AnthropicQuery);
      const request = await inferenceBody(gateway, c, AnthropicCountTokensRequest);
      const { model } = request;
      const { tokens } = await gateway
        .inference()
        .countTokens({ model, messages: anthropicMessages(request) }, call);
      return c.json({ input_tokens: tokens });
    }),
  );
}

function streamed(
  gateway: Gateway,
  c: KitContext,
  { events, options }: { events: AsyncIterable<ModelEvent>; options: AnthropicOptions },
): Promise<Response> {
  const { encode, end } = anthropicEncoder(options);
  noteOverhead(c);
  return streamEvents(c, events, {
    ...SSE,
    coalescing: modelCoalescing(gateway),
    encode,
    onEnd: end,
    onError: (error) => `event: error\ndata: ${JSON.stringify(toAnthropicError(error))}\n\n`,
  });
}
