import type { ChatCompletionRequest, ChatMessage, ModelBackend } from '@mcp/contracts';
import { collect } from '@mcp/wire';
import type { UnderTest } from '../../../test/under-test.ts';
import { callOptions, serve, type Upstream } from '../../../test/upstreams.ts';

const STATUS: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};
const METHOD = /^\/v1\/projects\/p\/locations\/europe-west4\/publishers\/google\/models\/([^:]+):(\w+)/;

export const underTest: UnderTest = {
  runs: 'elsewhere',
  env: (url) => ({
    VERTEX_BASE_URL: url,
    VERTEX_PROJECT: 'p',
    VERTEX_LOCATION: 'europe-west4',
    VERTEX_API_KEY: 'test',
    VERTEX_MODELS: 'chat,scripted/embed',
  }),
  server: vertexServer,
  list: undefined,
  describe: () => undefined,
  refusal: (status, message) => ({
    body: { error: { code: status, message, status: STATUS[status] ?? 'UNKNOWN' } },
  }),
  too_long: 'The input token count (1048600) exceeds the maximum number of tokens allowed (1048576).',
  stream: {
    type: 'text/event-stream',
    begun:
      'data: {"candidates":[{"content":{"role":"model","parts":[{"text":"half"}]}}],"modelVersion":"chat","responseId":"r"}\n\n',
    malformed: 'data: <html>\n\n',
    wrong_shape: 'data: [1]\n\n',
  },
};

interface Part {
  readonly text?: string;
  readonly inlineData?: { mimeType: string; data: string };
  readonly functionCall?: { name: string; args: object };
  readonly functionResponse?: { name: string; response: object };
}
interface Generate {
  readonly contents: readonly { role: 'user' | 'model'; parts: readonly Part[] }[];
  readonly systemInstruction?: { parts: readonly Part[] };
  readonly tools?: readonly [
    { functionDeclarations: readonly { name: string; parametersJsonSchema?: Record<string, unknown> }[] },
  ];
  readonly generationConfig?: {
    maxOutputTokens?: number;
    stopSequences?: string[];
    candidateCount?: number;
    responseJsonSchema?: Record<string, unknown>;
    responseLogprobs?: boolean;
    logprobs?: number;
  };
}

const textIn = (parts: readonly Part[]) => parts.map(({ text }) => text ?? '').join('');

function messagesIn({ contents, systemInstruction }: Generate): ChatMessage[] {
  const system = textIn(systemInstruction?.parts ?? []);
  return [
    ...(system === '' ? [] : [{ role: 'system' as const, content: system }]),
    ...contents.map(({ role, parts }): ChatMessage => {
      if (role === 'model') return { role: 'assistant', content: textIn(parts) };
      const content = parts.map(({ text = '', inlineData: image }) =>
        image === undefined
          ? { type: 'text' as const, text }
          : {
              type: 'image_url' as const,
              image_url: { url: `data:${image.mimeType};base64,${image.data}` },
            },
      );
      return { role: 'user', content };
    }),
  ];
}

function requestIn(model: string, asked: Generate): ChatCompletionRequest {
  const { maxOutputTokens, stopSequences, candidateCount, responseJsonSchema, responseLogprobs } =
    asked.generationConfig ?? {};
  const declared = asked.tools?.[0].functionDeclarations;
  return {
    model,
    messages: messagesIn(asked),
    ...(maxOutputTokens === undefined ? {} : { max_tokens: maxOutputTokens }),
    ...(stopSequences === undefined ? {} : { stop: stopSequences }),
    ...(candidateCount === undefined ? {} : { n: candidateCount }),
    ...(responseLogprobs === undefined ? {} : { logprobs: responseLogprobs }),
    ...(responseJsonSchema === undefined
      ? {}
      : {
          response_format: {
            type: 'json_schema',
            json_schema: { name: 'output', schema: responseJsonSchema },
          },
        }),
    ...(declared === undefined
      ? {}
      : {
          tools: declared.map(({ name, parametersJsonSchema: parameters }) => ({
            type: 'function' as const,
            function: { name, ...(parameters === undefined ? {} : { parameters }) },
          })),
        }),
  };
}

const REASONS: Readonly<Record<string, string>> = { length: 'MAX_TOKENS', content_filter: 'SAFETY' };

/** generateContent in front of a backend. */
function vertexServer(backend: ModelBackend): Promise<Upstream> {
  return serve(async (path, body, { response, signal, json, ask }) => {
    const [, name = '', method] = METHOD.exec(path) ?? [];
    const model = decodeURIComponent(name);
    const asked = body as Generate;
    if (!(await backend.models(signal)).some(({ id }) => id === model))
      return json(404, {
        error: { code: 404, message: `Publisher Model \`${model}\` was not found.`, status: 'NOT_FOUND' },
      });
    if (method === 'countTokens') {
      const counted = await backend.countTokens({ model, messages: messagesIn(asked) }, callOptions(signal));
      return json(200, { totalTokens: counted.tokens });
    }
    if (method === 'predict') {
      const { instances } = body as { instances: { content: string }[] };
      const input = instances.map(({ content }) => content);
      const { vectors } = await backend.embed({ model, input }, callOptions(signal));
      return json(200, {
        predictions: vectors.map((values) => ({
          embeddings: { values, statistics: { token_count: 1, truncated: false } },
        })),
      });
    }
    const events = ask(backend, requestIn(model, asked));
    const part = (index: number, parts: readonly Part[], more: object = {}) => ({
      candidates: [{ index, content: { role: 'model', parts }, ...more }],
    });
    if (method === 'streamGenerateContent') {
      // A call comes whole.
      let call = { name: '', json: '' };
      for await (const event of events) {
        if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' });
        if (event.type === 'text')
          response.write(`data: ${JSON.stringify(part(event.choice, [{ text: event.text }]))}\n\n`);
        if (event.type === 'tool_call') {
          call = { name: event.name ?? call.name, json: call.json + event.arguments_delta };
          continue;
        }
        if (event.type === 'finish') {
          if (call.name !== '') {
            const functionCall = { name: call.name, args: JSON.parse(call.json) as object };
            response.write(`data: ${JSON.stringify(part(event.choice, [{ functionCall }]))}\n\n`);
          }
          const finishReason = REASONS[event.reason.unified] ?? 'STOP';
          response.write(`data: ${JSON.stringify(part(event.choice, [], { finishReason }))}\n\n`);
        }
        if (event.type === 'usage')
          response.write(`data: ${JSON.stringify({ usageMetadata: usage(event.usage) })}\n\n`);
      }
      return void response.end();
    }
    const whole = await collect(events);
    json(200, {
      candidates: whole.choices.map(({ index, text, finish }) => ({
        ...part(index, [{ text }]).candidates[0],
        finishReason: REASONS[finish.unified] ?? 'STOP',
      })),
      usageMetadata: usage(whole.usage),
    });
  });
}

const usage = (counted: { input_tokens: number; output_tokens: number } | undefined) => ({
  promptTokenCount: counted?.input_tokens,
  candidatesTokenCount: counted?.output_tokens,
});
