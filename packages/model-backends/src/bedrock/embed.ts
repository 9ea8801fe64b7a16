/** Vectors by InvokeModel, whose body is another one for each maker of models: Amazon's Titan and Cohere's Embed. */
import {
  type BackendCallOptions,
  type EmbeddingsRequest,
  type EmbeddingsResult,
  PlatformError,
} from '@mcp/contracts';
import { z } from 'zod';
import { readAnswer } from '../read-answer.ts';
import type { Upstream } from '../upstream.ts';

/** Titan takes one text at a time; so many are asked for at once. */
const TITAN_AT_ONCE = 8;
/** Texts that Cohere takes at once. */
const COHERE_BATCH = 96;
const UNREADABLE = 'Bedrock sent vectors that cannot be read.';

const Vector = z.array(z.number());
const Titan = z.object({ embedding: Vector, inputTextTokenCount: z.number().int().nonnegative() });
/** By their type where a request names types, else alone. */
const Cohere = z.object({
  embeddings: z.union([
    z.array(Vector),
    z.object({ float: z.array(Vector) }).transform(({ float }) => float),
  ]),
});
const Counted = z.coerce.number().int().nonnegative().catch(0);

type Family = 'titan' | 'cohere';

/** Whose words an embedding model is asked in; undefined for another kind of model. */
export function embeddingFamilyOf(id: string): Family | undefined {
  if (/titan-embed-text/.test(id)) return 'titan';
  return /cohere\.embed/.test(id) ? 'cohere' : undefined;
}

interface Part {
  readonly vectors: readonly number[][];
  readonly input_tokens: number;
}

export async function embed(
  upstream: Upstream,
  request: EmbeddingsRequest,
  call: BackendCallOptions,
): Promise<EmbeddingsResult> {
  const { model } = request;
  const texts = [request.input].flat();
  const parts: Part[] = [];
  const family = embeddingFamilyOf(model);
  switch (family) {
    case 'titan':
      for (const some of batches(texts, TITAN_AT_ONCE))
        parts.push(...(await Promise.all(some.map((text) => byTitan(upstream, { ...request, text }, call)))));
      break;
    case 'cohere':
      for (const some of batches(texts, COHERE_BATCH))
        parts.push(await byCohere(upstream, { ...request, texts: some }, call));
      break;
    case undefined:
      throw new PlatformError(
        'unsupported_parameter',
        `Of Bedrock's models Titan Text Embeddings and Cohere Embed are asked for vectors; '${model.slice(0, 80)}' is another one.`,
        { param: 'model' },
      );
    default:
      return family satisfies never;
  }
  return {
    model,
    vectors: parts.flatMap(({ vectors }) => vectors),
    input_tokens: parts.reduce((sum, { input_tokens }) => sum + input_tokens, 0),
  };
}

type Asked = Pick<EmbeddingsRequest, 'model' | 'dimensions'>;

const pathOf = ({ model }: Asked) => `/model/${encodeURIComponent(model)}/invoke`;

async function byTitan(
  upstream: Upstream,
  asked: Asked & { readonly text: string },
  call: BackendCallOptions,
): Promise<Part> {
  const { dimensions } = asked;
  const body = { inputText: asked.text, ...(dimensions == null ? {} : { dimensions }) };
  const json = await upstream.postJson(pathOf(asked), body, call);
  const { embedding, inputTextTokenCount } = readAnswer(Titan, json, UNREADABLE);
  return { vectors: [embedding], input_tokens: inputTextTokenCount };
}

/** Texts are taken as documents: OpenAI's wire does not say which of them is a question. */
async function byCohere(
  upstream: Upstream,
  asked: Asked & { readonly texts: readonly string[] },
  call: BackendCallOptions,
): Promise<Part> {
  const { texts, dimensions } = asked;
  const body = {
    texts,
    input_type: 'search_document',
    ...(dimensions == null ? {} : { output_dimension: dimensions }),
  };
  const response = await upstream.post(pathOf(asked), body, call);
  const { embeddings } = readAnswer(Cohere, await upstream.json(response, call), UNREADABLE);
  return {
    vectors: embeddings,
    input_tokens: Counted.parse(response.headers['x-amzn-bedrock-input-token-count']),
  };
}

function* batches<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size);
}
