import type { ChatCompletionRequest, ChatMessage, ModelBackend } from '@mcp/contracts';
import { collect } from '@mcp/wire';
import { EventStreamCodec } from '@smithy/core/event-streams';
import { SCRIPT_EMBEDDING, type UnderTest } from '../../../test/under-test.ts';
import { callOptions, serve, type Upstream } from '../../../test/upstreams.ts';

const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8')),
  (text) => Buffer.from(text, 'utf8'),
);
const header = (value: string) => ({ type: 'string' as const, value });
const frame = (name: string, text: string) =>
  codec.encode({
    headers: {
      ':message-type': header('event'),
      ':event-type': header(name),
      ':content-type': header('application/json'),
    },
    body: Buffer.from(text),
  });

const TITAN = 'amazon.titan-embed-text-v2:0';

export const underTest: UnderTest = {
  runs: 'elsewhere',
  env: (url) => ({
    BEDROCK_BASE_URL: url,
    BEDROCK_REGION: 'eu-central-1',
    BEDROCK_MODELS: `chat,${TITAN}`,
    BEDROCK_CREDENTIALS: '{"accessKeyId":"AKIDEXAMPLE","secretAccessKey":"test"}',
  }),
  embedding: TITAN,
  server: bedrockServer,
  list: undefined,
  describe: () => undefined,
  refusal: (_, message) => ({ body: { message } }),
  too_long: 'The model returned the following errors: Input is too long for requested model.',
  stream: {
    type: 'application/vnd.amazon.eventstream',
    begun: frame('contentBlockDelta', '{"contentBlockIndex":0,"delta":{"text":"half"}}'),
    malformed: frame('contentBlockDelta', '<html>'),
    wrong_shape: frame('contentBlockDelta', '[1]'),
  },
};

interface Block {
  readonly text?: string;
  readonly image?: { format: string; source: { bytes: string } };
}
interface Converse {
  readonly messages: readonly { role: 'user' | 'assistant'; content: readonly Block[] }[];
  readonly inferenceConfig: { maxTokens?: number; stopSequences?: string[] };
  readonly toolConfig?: {
    tools: readonly { toolSpec: { name: string; inputSchema: { json: Record<string, unknown> } } }[];
  };
  readonly outputConfig?: { textFormat: { structure: { jsonSchema: { name: string; schema: string } } } };
}

function requestIn(model: string, asked: Converse): ChatCompletionRequest {
  const { maxTokens, stopSequences } = asked.inferenceConfig;
  const format = asked.outputConfig?.textFormat.structure.jsonSchema;
  return {
    model,
    messages: asked.messages.map(({ role, content }): ChatMessage => {
      if (role === 'assistant') return { role, content: content.map(({ text = '' }) => text).join('') };
      const parts = content.map(({ text = '', image }) =>
        image === undefined
          ? { type: 'text' as const, text }
          : {
              type: 'image_url' as const,
              image_url: { url: `data:image/${image.format};base64,${image.source.bytes}` },
            },
      );
      return { role, content: parts };
    }),
    ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
    ...(stopSequences === undefined ? {} : { stop: stopSequences }),
    ...(asked.toolConfig === undefined
      ? {}
      : {
          tools: asked.toolConfig.tools.map(({ toolSpec: { name, inputSchema } }) => ({
            type: 'function' as const,
            function: { name, parameters: inputSchema.json },
          })),
        }),
    ...(format === undefined
      ? {}
      : {
          response_format: {
            type: 'json_schema',
            json_schema: { name: format.name, schema: JSON.parse(format.schema) as Record<string, unknown> },
          },
        }),
  };
}

const REASONS: Readonly<Record<string, string>> = { length: 'max_tokens', tool_calls: 'tool_use' };
const usage = (counted: { input_tokens: number; output_tokens: number } | undefined) => ({
  inputTokens: counted?.input_tokens,
  outputTokens: counted?.output_tokens,
  totalTokens: (counted?.input_tokens ?? 0) + (counted?.output_tokens ?? 0),
});

/** Converse in front of a backend. */
function bedrockServer(backend: ModelBackend): Promise<Upstream> {
  return serve(async (path, body, { response, signal, json, ask }) => {
    const [, name = '', call] = /^\/model\/([^/]+)\/(converse(?:-stream)?|invoke)$/.exec(path) ?? [];
    const model = decodeURIComponent(name);
    if (call === 'invoke') {
      const { inputText } = body as { inputText: string };
      const { vectors, input_tokens } = await backend.embed(
        { model: SCRIPT_EMBEDDING, input: inputText },
        callOptions(signal),
      );
      return json(200, { embedding: vectors[0], inputTextTokenCount: input_tokens });
    }
    if (!(await backend.models(signal)).some(({ id }) => id === model))
      return json(400, { message: 'The provided model identifier is invalid.' });
    const events = ask(backend, requestIn(model, body as Converse));
    if (call === 'converse') {
      const { choices, usage: counted } = await collect(events);
      return json(200, {
        output: { message: { role: 'assistant', content: [{ text: choices[0]?.text }] } },
        stopReason: REASONS[choices[0]?.finish.unified ?? ''] ?? 'end_turn',
        usage: usage(counted),
        metrics: { latencyMs: 1 },
      });
    }
    const write = (event: string, value: object) => response.write(frame(event, JSON.stringify(value)));
    const contentBlockIndex = 0;
    for await (const event of events) {
      if (!response.headersSent) {
        response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' });
        write('messageStart', { role: 'assistant' });
      }
      if (event.type === 'text')
        write('contentBlockDelta', { contentBlockIndex, delta: { text: event.text } });
      if (event.type === 'tool_call') {
        const toolUse = { toolUseId: event.id, name: event.name };
        if (event.id !== undefined) write('contentBlockStart', { contentBlockIndex, start: { toolUse } });
        write('contentBlockDelta', {
          contentBlockIndex,
          delta: { toolUse: { input: event.arguments_delta } },
        });
      }
      if (event.type === 'finish') {
        write('contentBlockStop', { contentBlockIndex });
        write('messageStop', { stopReason: REASONS[event.reason.unified] ?? 'end_turn' });
      }
      if (event.type === 'usage') write('metadata', { usage: usage(event.usage), metrics: { latencyMs: 1 } });
    }
    response.end();
  });
}
