import { once } from 'node:events';
import { stacks } from '@mcp/stacks';
import { createParser } from 'eventsource-parser';
import { Pool } from 'undici';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { chunk, type Hit, startProvider } from './provider.ts';
import { type Shipped, startShipped } from './shipped.ts';

const STREAMS = 1000;
const FRAMES = 16;
/** Streams begun at once: client, services and provider are all in this one process. */
const AT_ONCE = 100;
const SHORT_CALLS = 50;

/** Says its first word, and the others when all are there. */
function gate() {
  const open = Promise.withResolvers<void>();
  return {
    open: () => open.resolve(),
    async answer({ response }: Hit): Promise<void> {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chunk({ content: '0 ' }));
      await open.promise;
      for (let word = 1; word < FRAMES; word++)
        if (!response.write(chunk({ content: `${word} ` }))) await once(response, 'drain');
      response.end(`${chunk({}, 'stop')}data: [DONE]\n\n`);
    },
  };
}

/** As many keys as the limit of one of them asks for. */
async function keysFor({ urls, key }: Shipped, per_key: number): Promise<string[]> {
  const keys: string[] = [];
  while (keys.length * per_key < STREAMS) {
    const made = await fetch(`${urls.gateway}/admin/keys`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: `load ${keys.length}`, scopes: ['chat'] }),
    });
    keys.push(z.object({ key: z.string() }).parse(await made.json()).key);
  }
  return keys;
}

/** Begins a stream; resolves with its first word, and how to read what is said in all. */
async function begin(pool: Pool, key: string, model: string) {
  const { statusCode, body } = await pool.request({
    method: 'POST',
    path: '/v1/chat/completions',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'count' }] }),
  });
  if (statusCode !== 200) throw new Error(`answered ${statusCode}: ${await body.text()}`);
  let text = '';
  let ended = false;
  const parser = createParser({
    onEvent({ data }) {
      if (data === '[DONE]') ended = true;
      else text += /"content":"(\d+ )"/.exec(data)?.[1] ?? '';
    },
  });
  const chunks = body[Symbol.asyncIterator]();
  const read = async () => {
    const next = await chunks.next();
    if (next.done !== true) parser.feed(String(next.value));
    return next.done !== true;
  };
  while (text === '' && (await read()));
  return async () => {
    while (await read());
    return { text, ended };
  };
}

const WORDS = Array.from({ length: FRAMES }, (_, word) => `${word} `).join('');

it.each([
  ['local', 'from the gateway itself', {}],
  // A model with another to stand in for it is asked by the model-gateway.
  ['prod', 'over the model-gateway', { MODEL_FALLBACKS: '{"m":["other"]}' }],
] as const)(
  `with the limits of %s ${STREAMS} streams are open at once %s, none loses a frame, short calls are answered meanwhile`,
  async (name, _, operator) => {
    const stack = stacks[name];
    if (stack === undefined) throw new Error(`there is no stack ${name}`);
    const provider = await startProvider();
    onTestFinished(() => provider.close());
    const { open, answer } = gate();
    provider.answer = answer;
    const shipped = await startShipped({
      stack,
      services: ['model-gateway', 'gateway'],
      operator: { MODEL_BACKENDS: 'openai', OPENAI_BASE_URL: provider.url, ...operator },
    });
    onTestFinished(() => shipped.stop());
    await expect.poll(async () => (await fetch(`${shipped.urls.gateway}/readyz`)).status).toBe(200);
    const keys = await keysFor(shipped, stack.limits.max_parallel_requests);
    const pool = new Pool(shipped.urls.gateway);
    onTestFinished(() => pool.destroy());
    const streams: Awaited<ReturnType<typeof begin>>[] = [];
    while (streams.length < STREAMS)
      streams.push(
        ...(await Promise.all(
          Array.from({ length: AT_ONCE }, (__, at) =>
            begin(pool, keys[(streams.length + at) % keys.length] ?? '', 'm'),
          ),
        )),
      );
    expect(provider.most).toBe(STREAMS);
    const short = ['/healthz', '/readyz', '/v1/models'].flatMap((path) => Array(SHORT_CALLS).fill(path));
    const answers = await Promise.all(
      short.map((path) =>
        fetch(`${shipped.urls.gateway}${path}`, { headers: { authorization: `Bearer ${shipped.key}` } }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(short.length).fill(200));
    open();
    const said = await Promise.all(streams.map((rest) => rest()));
    expect(said.filter(({ text, ended }) => text !== WORDS || !ended)).toEqual([]);
  },
  300_000,
);
