/** Function calls of a real small model, as an OpenAI client sees them. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AssetStore } from '@mcp/assets';
import type { Principal } from '@mcp/contracts';
import { type StartedServices, startServices } from '@mcp/service-kit';
import { callerHeaders, testIdentities } from '@mcp/testkit';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { definition } from '../src/definition.ts';

const MODEL = 'smollm2-135m-instruct';
const ALICE: Principal = { id: 'key:1', kind: 'key', name: 'alice', scopes: ['chat'] };
type Body = Omit<OpenAI.ChatCompletionCreateParamsNonStreaming, 'stream'>;

const Place = z.strictObject({ city: z.string() });
const tools: OpenAI.ChatCompletionFunctionTool[] = ['get_weather', 'get_time'].map((name) => ({
  type: 'function',
  function: {
    name,
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
}));

const call = (name: string, city: string) => `{"name": "${name}", "arguments": {"city": "${city}"}}`;
/** So small a model does what it sees done: here, write calls as they are written in earlier answers. */
const after = (write: (city: string) => string): Body['messages'] => [
  ...['Rome', 'Oslo', 'Lima'].flatMap((city) => [
    { role: 'user' as const, content: `Weather and time in ${city}?` },
    { role: 'assistant' as const, content: write(city) },
  ]),
  { role: 'user', content: 'Weather and time in Paris?' },
];
const marked = after(
  (city) => `<tool_call>[${call('get_weather', city)}, ${call('get_time', city)}]</tool_call>`,
);

describe('tools of an embedded model', { timeout: 60_000 }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'mcp-embedded-tools-'));
  let services: StartedServices;
  let client: OpenAI;
  const ask = (body: Partial<Body>): Body => ({
    model: MODEL,
    messages: marked,
    tools,
    temperature: 0,
    max_tokens: 80,
    ...body,
  });

  beforeAll(async () => {
    const models = [
      { id: MODEL, kind: 'chat', path: new AssetStore().expected(MODEL), max_context: 2048, parallel: 2 },
    ];
    services = await startServices(definition, {
      MCP_DATA: dir,
      ...testIdentities(),
      MCP_LOG_LEVEL: 'silent',
      MCP_MODEL_GATEWAY_PORT: '0',
      MODEL_BACKENDS: 'embedded',
      MCP_EMBEDDED_MODELS: JSON.stringify(models),
    });
    client = new OpenAI({
      baseURL: `http://127.0.0.1:${services.ports.get('model-gateway')}/v1`,
      apiKey: 'none',
      maxRetries: 0,
      // A caller's token is good for a minute.
      async fetch(url, init) {
        const headers = new Headers(init?.headers);
        const caller = await callerHeaders('gateway', 'model-gateway', ALICE);
        for (const [name, value] of Object.entries(caller)) headers.set(name, value);
        return fetch(url, { ...init, headers });
      },
    });
    for (let at = 0; at < 500; at++) {
      const { data } = await client.models.list();
      if (JSON.stringify(data).includes('"ready"')) return;
      await sleep(100);
    }
    throw new Error('the model was not loaded');
  });
  afterAll(async () => {
    await services.stop('end of test');
    rmSync(dir, { recursive: true, force: true });
  });

  const callsOf = (message: OpenAI.ChatCompletionMessage | undefined) =>
    (message?.tool_calls ?? []).map((one) => {
      if (one.type !== 'function') throw new Error(`a call of the type ${one.type}`);
      expect(one.id).toMatch(/^call_/);
      return { name: one.function.name, ...Place.parse(JSON.parse(one.function.arguments)) };
    });
  const PARIS = { city: 'Paris' };
  const BOTH = [
    { name: 'get_weather', ...PARIS },
    { name: 'get_time', ...PARIS },
  ];

  it.each([
    ["in SmolLM2's own syntax", marked, null],
    ['without a mark', after((city) => `${call('get_weather', city)}\n${call('get_time', city)}`), null],
    [
      'in a fence, after words',
      after(
        (city) => `I call both:\n\`\`\`json\n${call('get_weather', city)}\n${call('get_time', city)}\n\`\`\``,
      ),
      'I call both:',
    ],
  ])('are called %s, two at once', async (_, messages, content) => {
    const answer = await client.chat.completions.create(ask({ messages }));
    const [choice] = answer.choices;
    expect(choice).toMatchObject({ finish_reason: 'tool_calls', message: { content } });
    expect(callsOf(choice?.message)).toEqual(BOTH);
    expect(answer.usage?.completion_tokens).toBeGreaterThan(20);
    expect(answer.usage?.completion_tokens).toBeLessThan(80);
  });

  it('are called in pieces of a stream, the same as at once', async () => {
    const stream = client.chat.completions.stream({ ...ask({}), stream_options: { include_usage: true } });
    const deltas: OpenAI.ChatCompletionChunk.Choice.Delta.ToolCall[] = [];
    for await (const chunk of stream) deltas.push(...(chunk.choices[0]?.delta.tool_calls ?? []));
    expect(deltas.filter(({ id }) => id !== undefined).map(({ index }) => index)).toEqual([0, 1]);
    expect(deltas.filter(({ index }) => index === 0).length).toBeGreaterThan(3);
    const final = await stream.finalChatCompletion();
    expect(final.choices[0]?.finish_reason).toBe('tool_calls');
    expect(callsOf(final.choices[0]?.message)).toEqual(BOTH);
    expect(final.usage?.completion_tokens).toBeGreaterThan(20);
  });

  it('are called once without parallel_tool_calls', async () => {
    const answer = await client.chat.completions.create(ask({ parallel_tool_calls: false }));
    expect(answer.choices[0]?.finish_reason).toBe('tool_calls');
    expect(callsOf(answer.choices[0]?.message)).toEqual(BOTH.slice(0, 1));
  });

  it('are not called where words are enough, and words are streamed', async () => {
    const messages = [{ role: 'user' as const, content: 'Say hello.' }];
    const stream = client.chat.completions.stream(ask({ messages, max_tokens: 12 }));
    let pieces = 0;
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) pieces++;
    expect(pieces).toBeGreaterThan(3);
    const [choice] = (await stream.finalChatCompletion()).choices;
    expect(choice?.message.tool_calls ?? []).toEqual([]);
    expect(['stop', 'length']).toContain(choice?.finish_reason);
  });

  it('come as text when they are none of the given ones', async () => {
    const messages = after((city) => `{"name": "get_moon", "arguments": {"city": "${city}"}}`);
    const [choice] = (await client.chat.completions.create(ask({ messages }))).choices;
    expect(choice?.message.tool_calls ?? []).toEqual([]);
    expect(choice?.message.content).toBe('{"name": "get_moon", "arguments": {"city": "Paris"}}');
  });

  it('are not shown with none', async () => {
    const shown = await client.chat.completions.create(ask({ max_tokens: 40 }));
    const hidden = await client.chat.completions.create(ask({ max_tokens: 40, tool_choice: 'none' }));
    expect(hidden.choices[0]?.message.tool_calls ?? []).toEqual([]);
    expect(hidden.usage?.prompt_tokens).toBeLessThan((shown.usage?.prompt_tokens ?? 0) - 50);
  });

  it.each([
    ['required', 'required'],
    ['its name', { type: 'function', function: { name: 'set' } }],
  ] as const)(
    'are called where no call would be made, with %s, and fit their schema',
    async (_, tool_choice) => {
      const Scale = z.strictObject({
        unit: z.enum(['kelvin', 'rankine']),
        digits: z.array(z.int()).length(2),
      });
      const scale: OpenAI.ChatCompletionFunctionTool = {
        type: 'function',
        function: { name: 'set', parameters: z.toJSONSchema(Scale) },
      };
      const messages = [{ role: 'user' as const, content: 'Say hello.' }];
      const body = ask({ messages, tools: [scale], tool_choice, parallel_tool_calls: false });
      const [choice] = (await client.chat.completions.create(body)).choices;
      expect(choice).toMatchObject({ finish_reason: 'tool_calls', message: { content: null } });
      const [made] = choice?.message.tool_calls ?? [];
      if (made?.type !== 'function') throw new Error('no call');
      expect(made.function.name).toBe('set');
      Scale.parse(JSON.parse(made.function.arguments));
    },
  );

  it('end at max_tokens in the middle of a call', async () => {
    const answer = await client.chat.completions.create(ask({ max_tokens: 18 }));
    expect(answer.choices[0]?.finish_reason).toBe('length');
    expect(answer.usage?.completion_tokens).toBe(18);
  });

  it('end when the caller leaves in the middle of a call, and the next one is answered', async () => {
    const leave = new AbortController();
    const stream = await client.chat.completions.create(
      { ...ask({}), stream: true },
      { signal: leave.signal },
    );
    const read = async () => {
      for await (const chunk of stream) if (chunk.choices[0]?.delta.tool_calls !== undefined) leave.abort();
    };
    await read().catch(() => undefined);
    expect(leave.signal.aborted).toBe(true);
    expect(callsOf((await client.chat.completions.create(ask({}))).choices[0]?.message)).toEqual(BOTH);
  });

  it('give their results to the model', async () => {
    const asked = await client.chat.completions.create(
      ask({
        messages: [{ role: 'user', content: 'What is the weather in Paris?' }],
        tool_choice: 'required',
      }),
    );
    const message = asked.choices[0]?.message;
    if (message === undefined) throw new Error('no answer');
    const results = (message.tool_calls ?? []).map(({ id }) => ({
      role: 'tool' as const,
      tool_call_id: id,
      content: 'snow and 31 degrees below',
    }));
    const told = await client.chat.completions.create(
      ask({ messages: [{ role: 'user', content: 'What is the weather in Paris?' }, message, ...results] }),
    );
    expect(told.choices[0]?.message.content).toMatch(/snow|31/);
  });
});
