import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  type ChatCompletionRequest,
  type ModelBackend,
  type ModelEvent,
  PlatformError,
} from '@mcp/contracts';
import { createBackends } from '@mcp/model-backends';
import { BackendName, backendSettings } from '@mcp/model-backends/registry';
import { configSchema } from '@mcp/service-kit';
import { z } from 'zod';

/**
 * Asks a real server through its backend, case by case, and keeps what came of it in `result.json`: for llama.cpp's
 * server `LLAMA_CPP_URL=http://127.0.0.1:8080 node bench/backends/run.ts --backend llama-cpp --chat smollm`.
 */
const { values } = parseArgs({
  options: {
    backend: { type: 'string' },
    chat: { type: 'string' },
    embedding: { type: 'string' },
    /** What is behind it, for the result. */
    server: { type: 'string' },
    /** What the result is kept under; the backend's name unless it is asked in another way, too. */
    as: { type: 'string' },
  },
});
const name = BackendName.parse(values.backend);
const { chat, embedding } = values;

const [backend] = await createBackends([name], configSchema(backendSettings([name])).parse(process.env));
if (backend === undefined) throw new Error(`the environment makes no backend ${name}`);

const options = (signal = AbortSignal.timeout(120_000)) => ({
  signal,
  deadline_ms: Date.now() + 120_000,
  traceparent: undefined,
});

async function say(
  one: ModelBackend,
  content: string,
  more: Partial<ChatCompletionRequest> = {},
): Promise<ModelEvent[]> {
  const request = {
    model: chat ?? '',
    messages: [{ role: 'user' as const, content }],
    max_tokens: 24,
    temperature: 0,
    stream: true,
    ...more,
  };
  const events: ModelEvent[] = [];
  for await (const event of one.generate(request, options())) events.push(event);
  return events;
}
const textOf = (events: readonly ModelEvent[]) =>
  events.map((event) => (event.type === 'text' ? event.text : '')).join('');
const finishOf = (events: readonly ModelEvent[]) =>
  events.find((event) => event.type === 'finish')?.reason.unified;
const usageOf = (events: readonly ModelEvent[]) => events.find((event) => event.type === 'usage')?.usage;

const SCHEMA = {
  type: 'object',
  properties: { city: { type: 'string', maxLength: 20 } },
  required: ['city'],
  additionalProperties: false,
};

const CASES: Readonly<Record<string, (one: ModelBackend) => Promise<void>>> = {
  async 'models described'(one) {
    const ids = (await one.models(AbortSignal.timeout(10_000))).map(({ id }) => id);
    for (const id of [chat, embedding]) if (id !== undefined) assert(ids.includes(id), `${id} of ${ids}`);
  },
  async 'text, whole'(one) {
    assert.notEqual(textOf(await say(one, 'What is a queue?', { stream: false })), '');
  },
  async 'text, streamed'(one) {
    const events = await say(one, 'What is a queue?');
    assert.equal(events[0]?.type, 'start');
    assert(textOf(events) !== '' && finishOf(events) !== undefined);
  },
  async usage(one) {
    const usage = usageOf(await say(one, 'What is a queue?'));
    assert(usage !== undefined && usage.input_tokens > 0 && usage.output_tokens > 0, 'no usage');
  },
  async 'finish reason length'(one) {
    assert.equal(finishOf(await say(one, 'Tell a long story.', { max_tokens: 4 })), 'length');
  },
  async 'finish reason stop, by a stop sequence'(one) {
    const whole = textOf(await say(one, 'What is a queue?'));
    const stop = whole.trim().split(/\s+/)[2] ?? '';
    const cut = await say(one, 'What is a queue?', { stop: [stop] });
    assert(!textOf(cut).includes(stop) && finishOf(cut) === 'stop', `stop at ${stop}`);
  },
  async 'output by JSON schema'(one) {
    const response_format = {
      type: 'json_schema' as const,
      json_schema: { name: 'place', schema: SCHEMA, strict: true },
    };
    const text = textOf(await say(one, 'Where is the Louvre? As JSON.', { response_format, max_tokens: 48 }));
    assert.deepEqual(Object.keys(JSON.parse(text) as object), ['city']);
  },
  async 'tokens counted by the server'(one) {
    const messages = [{ role: 'user' as const, content: 'What is a queue?' }];
    const { tokens, exact } = await one.countTokens({ model: chat ?? '', messages }, options());
    assert(exact, 'only estimated');
    assert.equal(tokens, usageOf(await say(one, 'What is a queue?'))?.input_tokens);
  },
  async 'unknown model'(one) {
    await assert.rejects(say(one, 'hi', { model: 'no-such-model' }), { code: 'model_not_found' });
  },
  async 'prompt too long'(one) {
    await assert.rejects(say(one, 'word '.repeat(30_000)), { code: 'context_length_exceeded' });
  },
  async 'abort in the middle'(one) {
    const abort = new AbortController();
    const reason = new PlatformError('cancelled', 'enough');
    const messages = [{ role: 'user' as const, content: 'Tell a long story.' }];
    const request = { model: chat ?? '', messages, max_tokens: 400, stream: true };
    await assert.rejects(
      async () => {
        for await (const event of one.generate(request, options(abort.signal)))
          if (event.type === 'text') abort.abort(reason);
      },
      (error) => error === reason,
    );
    assert.notEqual(textOf(await say(one, 'What is a queue?')), '');
  },
  async embeddings(one) {
    const input = ['a cat', 'a cat', 'a rocket engine'];
    const { vectors } = await one.embed({ model: embedding ?? '', input }, options());
    assert.equal(vectors.length, 3);
    assert.notDeepEqual(vectors[0], vectors[2]);
  },
};

const Results = z.record(z.string(), z.unknown());
const file = join(import.meta.dirname, 'result.json');
const cases: Record<string, string> = {};
for (const [title, run] of Object.entries(CASES)) {
  if (title === 'embeddings' ? embedding === undefined : chat === undefined && title !== 'models described')
    continue;
  cases[title] = await run(backend).then(
    () => 'passed',
    (error: unknown) => `failed: ${(error instanceof Error ? error.message : String(error)).slice(0, 200)}`,
  );
  console.log(`${title}: ${cases[title]}`);
}
await backend.close();
const before = Results.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data ?? {};
const now = { server: values.server ?? '', date: new Date().toISOString().slice(0, 10), cases };
writeFileSync(file, `${JSON.stringify({ ...before, [values.as ?? name]: now }, null, 2)}\n`);
