import type { ChatCompletionRequest, ModelBackend, ModelEvent } from '@mcp/contracts';
import type { UnderTest } from '../../../test/under-test.ts';
import { type Answer, callOptions, serve, type Upstream } from '../../../test/upstreams.ts';

export const underTest: UnderTest = {
  runs: 'elsewhere',
  env: (url) => ({ OLLAMA_URL: url }),
  server: ollamaServer,
  list: '/api/tags',
  describe(path) {
    if (path === '/api/tags') return { models: [{ name: 'chat' }] };
    return path === '/api/show' ? { capabilities: ['completion'], model_info: {} } : undefined;
  },
  stream: {
    type: 'application/x-ndjson',
    begun: '{"model":"chat","message":{"role":"assistant","content":"half"},"done":false}\n',
    malformed: '<html>\n',
    wrong_shape: '[1]\n',
  },
  refusal: (_, message) => ({ body: { error: message } }),
};

/** Ollama's own API in front of a backend: newline-delimited JSON. */
function ollamaServer(backend: ModelBackend): Promise<Upstream> {
  return serve(async (path, body, { response, signal, json, ask }) => {
    const models = await backend.models(signal);
    if (path === '/api/tags')
      return json(200, {
        models: models.map(({ id, kind }) => ({
          name: id,
          details: { family: kind === 'embedding' ? 'bert' : 'llama' },
        })),
      });
    const asked = body as OllamaRequest;
    const known = models.find(({ id }) => id === asked.model);
    if (known === undefined) return json(404, { error: `model '${asked.model}' not found` });
    if (path === '/api/show')
      return json(200, {
        capabilities: [known.kind === 'embedding' ? 'embedding' : 'completion'],
        model_info: { 'general.architecture': 'llama', 'llama.context_length': known.max_context },
      });
    if (path === '/api/embed') {
      const { vectors, input_tokens } = await backend.embed(
        { model: asked.model, input: asked.input ?? '' },
        callOptions(signal),
      );
      return json(200, { embeddings: vectors, prompt_eval_count: input_tokens });
    }
    await ollamaChat(asked, (request) => ask(backend, request), response);
  });
}

interface OllamaRequest {
  readonly model: string;
  readonly messages: readonly { role: 'user' | 'assistant' | 'system'; content: string; images?: string[] }[];
  readonly format?: 'json' | Record<string, unknown>;
  readonly tools?: ChatCompletionRequest['tools'];
  readonly input?: string | string[];
  readonly options?: { num_predict?: number; stop?: string[] };
}

async function ollamaChat(
  asked: OllamaRequest,
  ask: (request: ChatCompletionRequest) => AsyncIterable<ModelEvent>,
  response: Answer['response'],
): Promise<void> {
  const { num_predict, stop } = asked.options ?? {};
  const request: ChatCompletionRequest = {
    model: asked.model,
    messages: asked.messages.map(({ images = [], ...message }) =>
      message.role === 'user' && images.length > 0
        ? { role: message.role, content: [{ type: 'text', text: message.content }, ...images.map(pictureOf)] }
        : message,
    ),
    ...(typeof asked.format === 'object'
      ? { response_format: { type: 'json_schema', json_schema: { name: 'output', schema: asked.format } } }
      : {}),
    ...(num_predict === undefined ? {} : { max_tokens: num_predict }),
    ...(stop === undefined ? {} : { stop }),
    ...(asked.tools === undefined ? {} : { tools: asked.tools }),
  };
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  const line = (value: object) => response.write(`${JSON.stringify({ model: asked.model, ...value })}\n`);
  let done_reason = 'stop';
  let usage = { input_tokens: 0, output_tokens: 0 };
  const call = { name: '', json: '' };
  for await (const event of ask(request)) {
    if (event.type === 'tool_call') {
      call.name += event.name ?? '';
      call.json += event.arguments_delta;
    }
    if (event.type === 'text') line({ message: { role: 'assistant', content: event.text }, done: false });
    if (event.type === 'finish') done_reason = event.reason.unified;
    if (event.type === 'usage') usage = event.usage;
  }
  const called = { function: { name: call.name, arguments: JSON.parse(call.json || '{}') } };
  line({
    message: { role: 'assistant', content: '', ...(call.name === '' ? {} : { tool_calls: [called] }) },
    done: true,
    done_reason,
    prompt_eval_count: usage.input_tokens,
    eval_count: usage.output_tokens,
  });
  response.end();
}

const pictureOf = (data: string) => ({
  type: 'image_url' as const,
  image_url: { url: `data:image/png;base64,${data}` },
});
