import { createServer, type ServerResponse } from 'node:http';

/** An OpenAI-compatible upstream that answers from memory: JSON at once, or 64 SSE frames at a pace in ms (argument 2). */
const FRAMES = 64;
const port = Number(process.argv[2]);
const pace_ms = Number(process.argv[3] ?? 0);

const usage = { prompt_tokens: 12, completion_tokens: FRAMES, total_tokens: 12 + FRAMES };
const base = { id: 'chatcmpl-mock', created: 1_700_000_000, model: 'mock' };
const json = Buffer.from(
  JSON.stringify({
    ...base,
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: 'All is well with the mock upstream today. '.repeat(6) },
        finish_reason: 'stop',
      },
    ],
    usage,
  }),
);
const frame = (delta: object, finish_reason: string | null) =>
  `data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
const frames = [
  frame({ role: 'assistant', content: '' }, null),
  ...Array.from({ length: FRAMES - 2 }, (_, i) => frame({ content: ` word${i}` }, null)),
  frame({}, 'stop'),
].map((text) => Buffer.from(text));
const usageFrame = Buffer.from(
  `data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices: [], usage })}\n\n`,
);
const end = Buffer.from('data: [DONE]\n\n');
const models = Buffer.from(
  JSON.stringify({
    object: 'list',
    data: [{ id: 'mock', object: 'model', created: 1_700_000_000, owned_by: 'mock' }],
  }),
);

async function stream(response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const piece of frames) {
    if (response.destroyed) return;
    response.write(piece);
    await new Promise<void>((done) => (pace_ms > 0 ? setTimeout(done, pace_ms) : setImmediate(done)));
  }
  response.write(usageFrame);
  response.end(end);
}

createServer((request, response) => {
  request.socket.setNoDelay(true);
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'application/json' }).end(models);
    return;
  }
  let body = '';
  request.on('data', (chunk: Buffer) => {
    body += chunk.toString();
  });
  request.on('end', () => {
    if (body.includes('"stream":true')) void stream(response);
    else
      response
        .writeHead(200, { 'content-type': 'application/json', 'content-length': json.length })
        .end(json);
  });
}).listen(port, '127.0.0.1');
