import type { AnthropicMessagesRequest, ModelBackend } from '@mcp/contracts';
import {
  anthropicEncoder,
  anthropicMessages,
  collect,
  encodeAnthropicMessage,
  fromAnthropic,
} from '@mcp/wire';
import type { UnderTest } from '../../../test/under-test.ts';
import { callOptions, serve, type Upstream } from '../../../test/upstreams.ts';

const frame = (type: string, fields: object) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;

/** Types of errors by their status, as documented. */
const TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

const modelRow = (id: string) => ({
  type: 'model',
  id,
  display_name: id,
  created_at: '2026-07-24T00:00:00Z',
  max_input_tokens: 200_000,
  max_tokens: 64_000,
  capabilities: {
    image_input: { supported: true },
    structured_outputs: { supported: true },
    thinking: { supported: true, types: {} },
  },
});
const listOf = (ids: readonly string[]) => ({
  data: ids.map(modelRow),
  has_more: false,
  first_id: ids[0],
  last_id: ids.at(-1),
});

export const underTest: UnderTest = {
  runs: 'elsewhere',
  env: (url) => ({ ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: 'sk-ant-test' }),
  server: anthropicServer,
  list: '/v1/models?limit=1000',
  describe: (path) => (path.startsWith('/v1/models') ? listOf(['chat']) : undefined),
  refusal: (status, message) => ({
    body: {
      type: 'error',
      error: { type: TYPES[status] ?? 'api_error', message },
      request_id: 'req_011CSHoEeqs5C35K2UUqR7Fy',
    },
  }),
  too_long: 'prompt is too long: 215340 tokens > 200000 maximum',
  stream: {
    type: 'text/event-stream',
    begun:
      frame('message_start', {
        message: {
          id: 'msg_1',
          type: 'message',
          role: 'assistant',
          content: [],
          model: 'chat',
          stop_reason: null,
          stop_sequence: null,
          usage: { input_tokens: 25, output_tokens: 1 },
        },
      }) +
      frame('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }) +
      frame('ping', {}) +
      frame('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'half' } }),
    malformed: 'event: message_start\ndata: <html>\n\n',
    wrong_shape: 'event: message_start\ndata: [1]\n\n',
  },
};

/** The Messages API in front of a backend. */
function anthropicServer(backend: ModelBackend): Promise<Upstream> {
  return serve(async (path, body, { response, signal, json, ask }) => {
    if (path.startsWith('/v1/models')) {
      const models = await backend.models(signal);
      return json(200, listOf(models.filter(({ kind }) => kind === 'chat').map(({ id }) => id)));
    }
    const asked = body as AnthropicMessagesRequest;
    if (path === '/v1/messages/count_tokens') {
      const counting = { model: asked.model, messages: anthropicMessages(asked) };
      const { tokens } = await backend.countTokens(counting, callOptions(signal));
      return json(200, { input_tokens: tokens });
    }
    const events = ask(backend, fromAnthropic(asked));
    if (asked.stream !== true)
      return json(200, encodeAnthropicMessage(await collect(events), { thinking: true }));
    const { encode, end } = anthropicEncoder({ thinking: true });
    for await (const event of events) {
      if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(encode(event));
    }
    response.end(end());
  });
}
