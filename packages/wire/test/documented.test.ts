/** What the codecs write is what the document of the public interface says, whatever a model says. */
import {
  type ModelEvent,
  type ModelInfo,
  PUBLIC_ROUTES,
  type PublicRoute,
  ResponsesRequest,
} from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import {
  anthropicEncoder,
  chatChunkEncoder,
  collect,
  completionEncoder,
  encodeAnthropicMessage,
  encodeAnthropicModel,
  encodeChatCompletion,
  encodeCompletion,
  encodeEmbeddings,
  encodeModelList,
  ResponseEncoder,
} from '../src/index.ts';
import { generation, stream } from './support.ts';

const routes: Readonly<Record<string, PublicRoute>> = PUBLIC_ROUTES;

/** The documented answer of a route: the JSON of it, or the data of each of its events. */
function answerOf(route: string, type: 'application/json' | 'text/event-stream'): z.ZodType {
  const answer = routes[route]?.answers.find(({ content_type }) => content_type === type);
  if (answer?.body === undefined) throw new Error(`${route} answers no ${type}`);
  return answer.body.schema;
}

const wired = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
/** A schema drops what it does not know: what is left must be all that was written. */
function expectDocumented(schema: z.ZodType, value: unknown): void {
  const wire = wired(value);
  const { data, error } = schema.safeParse(wire);
  expect(error, JSON.stringify(wire)).toBeUndefined();
  expect(data).toEqual(wire);
}

/** The data of each frame of an event stream. */
const dataOf = (frames: string): unknown[] =>
  frames
    .split('\n\n')
    .flatMap((frame) => /^data: (?!\[DONE\])(.*)$/m.exec(frame)?.[1] ?? [])
    .map((data) => JSON.parse(data) as unknown);

/** Calls whose ids and names the wire takes. */
const generations = generation.map((events) =>
  events.map((event): ModelEvent => {
    if (event.type !== 'tool_call' || event.id === undefined) return event;
    return { ...event, id: `call_${event.index}`, name: `f${event.index}` };
  }),
);
const single = generations.map((events) =>
  events.filter((event) => !('choice' in event) || event.choice === 0),
);
const few = { numRuns: 60 };

describe('what is written for clients is documented', () => {
  it.each([false, true])('as a chat completion, whole (functions: %s)', async (functions) => {
    const schema = answerOf('POST /v1/chat/completions', 'application/json');
    await fc.assert(
      fc.asyncProperty(generations, async (events) => {
        expectDocumented(schema, encodeChatCompletion(await collect(stream(events)), { functions }));
      }),
      few,
    );
  });

  it.each([false, true])('as a chat completion, in chunks (functions: %s)', (functions) => {
    const schema = answerOf('POST /v1/chat/completions', 'text/event-stream');
    fc.assert(
      fc.property(generations, fc.boolean(), (events, include_usage) => {
        const frames = events.map(chatChunkEncoder({ include_usage, functions })).join('');
        for (const chunk of dataOf(frames)) expectDocumented(schema, chunk);
        expect(dataOf(frames).length).toBeGreaterThan(0);
      }),
      few,
    );
  });

  it('as a completion of prompts, whole and in events', async () => {
    const options = { echoed: ['so ', 'thus '], n: 2 };
    await fc.assert(
      fc.asyncProperty(generations, fc.boolean(), async (events, include_usage) => {
        const whole = encodeCompletion(await collect(stream(events)), options);
        expectDocumented(answerOf('POST /v1/completions', 'application/json'), whole);
        const frames = events.map(completionEncoder({ ...options, include_usage })).join('');
        for (const chunk of dataOf(frames))
          expectDocumented(answerOf('POST /v1/completions', 'text/event-stream'), chunk);
      }),
      few,
    );
  });

  it("as Anthropic's message, whole and in events", async () => {
    await fc.assert(
      fc.asyncProperty(single, fc.boolean(), async (events, thinking) => {
        const message = encodeAnthropicMessage(await collect(stream(events)), { thinking });
        expectDocumented(answerOf('POST /v1/messages', 'application/json'), message);
        const { encode, end } = anthropicEncoder({ thinking });
        const frames = dataOf(events.map(encode).join('') + end());
        for (const frame of frames)
          expectDocumented(answerOf('POST /v1/messages', 'text/event-stream'), frame);
        expect(frames.length).toBeGreaterThan(4);
      }),
      few,
    );
  });

  it("as OpenAI's response, whole and in events", () => {
    const request = ResponsesRequest.parse({ model: 'm', input: 'hi', metadata: { a: 'b' } });
    fc.assert(
      fc.property(generations, (events) => {
        const encoder = new ResponseEncoder({ id: `resp_${'0'.repeat(48)}`, request, store: true });
        const frames = events.map((event) => encoder.encode(event)).join('') + encoder.close();
        const end = { store: true, completed_s: 1 };
        expectDocumented(answerOf('POST /v1/responses', 'application/json'), encoder.response(end));
        for (const frame of dataOf(frames + encoder.end(end)))
          expectDocumented(answerOf('POST /v1/responses', 'text/event-stream'), frame);
      }),
      few,
    );
  });

  it('as vectors and models', () => {
    const vectors = fc.array(
      fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)),
    );
    fc.assert(
      fc.property(vectors, fc.constantFrom('float', 'base64'), fc.nat(), (given, format, input_tokens) => {
        const list = encodeEmbeddings({ model: 'm', vectors: given, input_tokens }, format);
        expectDocumented(answerOf('POST /v1/embeddings', 'application/json'), list);
      }),
      few,
    );
    const model: ModelInfo = {
      id: 'm',
      backend: 'b',
      kind: 'chat',
      owned_by: 'o',
      max_context: 10,
      cost_input_per_mtok_usd: null,
      cost_output_per_mtok_usd: 0,
      status: 'loading',
      detail: 'half of it',
      own: true,
    };
    expectDocumented(answerOf('GET /v1/models', 'application/json'), encodeModelList([model]));
    expectDocumented(answerOf('GET /v1/models/:id{.+}', 'application/json'), encodeAnthropicModel(model));
  });
});
