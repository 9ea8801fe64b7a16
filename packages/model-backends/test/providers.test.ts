/** What single providers do in a way of their own, beside the conformance suite. */
import type { ModelBackend } from '@mcp/contracts';
import { describe, expect, it } from 'vitest';
import { backendOf, eventsOf, refusalOf, signal } from './support.ts';
import { callOptions, type Handler } from './upstreams.ts';

const TITAN = 'amazon.titan-embed-text-v2:0';
const COHERE = 'eu.cohere.embed-v4:0';

describe('vectors of Bedrock', () => {
  const start = (handle: Handler) =>
    backendOf(
      'bedrock',
      (url) => ({
        BEDROCK_BASE_URL: url,
        BEDROCK_MODELS: ['chat', TITAN, COHERE].join(','),
        AWS_BEARER_TOKEN_BEDROCK: 'k',
      }),
      handle,
    );
  const embed = (backend: ModelBackend, model: string, input: string[]) =>
    backend.embed({ model, input }, callOptions(signal()));

  it('are asked of Titan text by text, in their order, however many there are', async () => {
    const bodies: object[] = [];
    const backend = await start(async (path, body, { json }) => {
      expect(path).toBe(`/model/${encodeURIComponent(TITAN)}/invoke`);
      bodies.push(body as object);
      const { inputText } = body as { inputText: string };
      json(200, { embedding: [Number(inputText), 0], inputTextTokenCount: 2 });
    });
    const texts = Array.from({ length: 20 }, (_, at) => String(at));
    const { vectors, input_tokens, model } = await backend.embed(
      { model: TITAN, input: texts, dimensions: 256 },
      callOptions(signal()),
    );
    expect(vectors).toEqual(texts.map((text) => [Number(text), 0]));
    expect([input_tokens, model]).toEqual([40, TITAN]);
    expect(bodies[0]).toEqual({ inputText: '0', dimensions: 256 });
  });

  it.each([
    ['alone', (vectors: number[][]) => vectors],
    ['by their type', (float: number[][]) => ({ float })],
  ])('come from Cohere %s, 96 texts at once, counted by a header', async (_, shape) => {
    const sizes: number[] = [];
    const backend = await start(async (path, body, { response }) => {
      expect(path).toBe(`/model/${encodeURIComponent(COHERE)}/invoke`);
      const { texts, input_type } = body as { texts: string[]; input_type: string };
      expect(input_type).toBe('search_document');
      sizes.push(texts.length);
      response
        .writeHead(200, {
          'content-type': 'application/json',
          'x-amzn-bedrock-input-token-count': String(texts.length * 3),
        })
        .end(JSON.stringify({ embeddings: shape(texts.map((text) => [Number(text)])) }));
    });
    const texts = Array.from({ length: 100 }, (_, at) => String(at));
    const { vectors, input_tokens } = await embed(backend, COHERE, texts);
    expect(vectors).toEqual(texts.map((text) => [Number(text)]));
    expect([sizes, input_tokens]).toEqual([[96, 4], 300]);
  });

  it('are those of models for them alone, which the list tells apart', async () => {
    const backend = await start(async (_path, _body, { json }) => json(200, { embedding: 'none' }));
    const kinds = (await backend.models(signal())).map(({ kind }) => kind);
    expect(kinds).toEqual(['chat', 'embedding', 'embedding']);
    expect(await refusalOf(embed(backend, 'chat', ['a']))).toMatchObject({ code: 'unsupported_parameter' });
    expect(await refusalOf(embed(backend, TITAN, ['a']))).toMatchObject({ code: 'upstream_failed' });
  });
});

describe('log-probabilities of Vertex AI', () => {
  const start = (handle: Handler) =>
    backendOf(
      'vertex',
      (url) => ({ VERTEX_BASE_URL: url, VERTEX_API_KEY: 'k', VERTEX_MODELS: 'gemini' }),
      handle,
    );
  const chosen = (token: string, logProbability?: number) => ({
    token,
    tokenId: 1,
    ...(logProbability === undefined ? {} : { logProbability }),
  });
  const candidate = (text: string, more: object) => ({
    candidates: [{ index: 0, content: { role: 'model', parts: text === '' ? [] : [{ text }] }, ...more }],
  });
  const RESULT = {
    logprobsResult: {
      chosenCandidates: [chosen('Hé', -0.25), chosen('!')],
      topCandidates: [{ candidates: [chosen('Hé', -0.25), chosen('Ho', -2)] }, { candidates: [] }],
    },
  };
  const LOGPROBS = [
    {
      token: 'Hé',
      logprob: -0.25,
      bytes: [72, 195, 169],
      top_logprobs: [
        { token: 'Hé', logprob: -0.25, bytes: [72, 195, 169] },
        { token: 'Ho', logprob: -2, bytes: [72, 111] },
      ],
    },
    { token: '!', logprob: -9999, bytes: [33], top_logprobs: [] },
  ];

  it.each([
    ['whole', false, 2, { responseLogprobs: true, logprobs: 2 }],
    ['streamed, without alternatives', true, undefined, { responseLogprobs: true }],
  ] as const)('come with their text: %s', async (_, stream, top_logprobs, config) => {
    const backend = await start(async (_path, body, { json, response }) => {
      expect(body).toMatchObject({ generationConfig: config });
      if (!stream) return json(200, candidate('Hé!', { ...RESULT, finishReason: 'STOP' }));
      const parts = [candidate('Hé!', RESULT), candidate('', { ...RESULT, finishReason: 'STOP' })];
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(parts.map((part) => `data: ${JSON.stringify(part)}\n\n`).join(''));
    });
    const request = {
      model: 'gemini',
      messages: [{ role: 'user' as const, content: 'hi' }],
      logprobs: true,
      stream,
      ...(top_logprobs === undefined ? {} : { top_logprobs }),
    };
    const events = await eventsOf(backend.generate(request, callOptions(signal())));
    const texts = events.filter((event) => event.type === 'text');
    const said = { type: 'text', choice: 0, text: 'Hé!', logprobs: LOGPROBS };
    // What comes with no text of its own is told all the same.
    expect(texts).toEqual(stream ? [said, { ...said, text: '' }] : [said]);
  });
});
