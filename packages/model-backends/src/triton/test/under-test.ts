import type { ModelBackend } from '@mcp/contracts';
import type { UnderTest } from '../../../test/under-test.ts';
import { callOptions, serve, type Upstream } from '../../../test/upstreams.ts';
import { CHAT, EMBEDDING, turnsIn } from './models.ts';

export { overGrpc } from './over-grpc.ts';

const described = (path: string, models: readonly string[]): unknown => {
  if (path === '/v2/repository/index') return models.map((name) => ({ name, version: '1', state: 'READY' }));
  if (path === '/v2/models/chat') return CHAT;
  return path === `/v2/models/${encodeURIComponent(EMBEDDING.name)}` ? EMBEDDING : undefined;
};

export const underTest: UnderTest = {
  runs: 'elsewhere',
  env: (url) => ({ TRITON_URL: url }),
  server: tritonServer,
  list: '/v2/repository/index',
  describe: (path) => described(path, ['chat']),
  refusal: (_, message) => ({ body: { error: message } }),
  stream: {
    type: 'text/event-stream',
    begun:
      'data: {"model_name":"chat","model_version":"1","text_output":"half","num_input_tokens":3,"num_output_tokens":1,"finish_reason":"None"}\n\n',
    malformed: 'data: <html>\n\n',
    wrong_shape: 'data: [1]\n\n',
  },
};

interface Generate {
  readonly text_input: string;
  readonly sampling_parameters: string;
}

/** KServe v2 with Triton's generate extension in front of a backend. */
function tritonServer(backend: ModelBackend): Promise<Upstream> {
  return serve(async (path, body, { response, signal, json, ask }) => {
    const models = await backend.models(signal);
    const said = described(
      path,
      models.map(({ id }) => id),
    );
    if (said !== undefined) return json(200, said);
    const [, name = '', call = ''] = /^\/v2\/models\/([^/]+)\/(\w+)$/.exec(path) ?? [];
    const model = decodeURIComponent(name);
    if (!models.some(({ id }) => id === model))
      return json(400, { error: `Request for unknown model: '${model}' is not found` });
    if (call === 'infer') {
      const { inputs } = body as { inputs: [{ data: string[] }] };
      const { vectors } = await backend.embed({ model, input: inputs[0].data }, callOptions(signal));
      const shape = [vectors.length, vectors[0]?.length ?? 0];
      const output = { name: 'embedding', datatype: 'FP32', shape, data: vectors.flat() };
      return json(200, { model_name: model, outputs: [output] });
    }
    const asked = body as Generate;
    const sampling = JSON.parse(asked.sampling_parameters) as object;
    const line = (text_output: string, more: object = {}) => ({
      model_name: model,
      model_version: '1',
      text_output,
      finish_reason: 'None',
      ...more,
    });
    const events = ask(backend, { model, messages: turnsIn(asked.text_input), ...sampling });
    let text = '';
    let last = {};
    for await (const event of events) {
      if (event.type === 'finish') last = { ...last, finish_reason: event.reason.unified };
      if (event.type === 'usage')
        last = {
          ...last,
          num_input_tokens: event.usage.input_tokens,
          num_output_tokens: event.usage.output_tokens,
        };
      if (event.type !== 'text') continue;
      text += event.text;
      if (call === 'generate_stream') {
        if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(`data: ${JSON.stringify(line(event.text))}\n\n`);
      }
    }
    if (call === 'generate') return json(200, line(text, last));
    response.end(`data: ${JSON.stringify(line('', last))}\n\n`);
  });
}
