import { type EmbeddingsResult, type ModelInfo, PlatformError } from '@mcp/contracts';
import { z } from 'zod';
import { parseUpstream } from './errors.ts';

const Item = z.object({
  index: z.number().int().nonnegative().nullish(),
  embedding: z.union([z.array(z.number()), z.string()]),
});
const Body = z.object({
  model: z.string().default(''),
  data: z.array(Item),
  usage: z.object({ prompt_tokens: z.number().int().nonnegative() }).nullish(),
});

/** The `list` object of `POST /v1/embeddings`; `base64` is little-endian float32, as OpenAI's clients ask for by default. */
export function encodeEmbeddings(
  result: EmbeddingsResult,
  format: 'float' | 'base64',
): Record<string, unknown> {
  return {
    object: 'list',
    data: result.vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: format === 'base64' ? toBase64(vector) : vector,
    })),
    model: result.model,
    usage: { prompt_tokens: result.input_tokens, total_tokens: result.input_tokens },
  };
}

/** Vectors of an embeddings answer, in the order of the inputs. */
export function decodeEmbeddings(json: unknown): EmbeddingsResult {
  const body = parseUpstream(Body, json, 'a list of embeddings');
  const vectors = body.data
    .map((item, at) => ({ ...item, index: item.index ?? at }))
    .sort((a, b) => a.index - b.index)
    .map(({ embedding }) => (typeof embedding === 'string' ? fromBase64(embedding) : embedding));
  return { model: body.model, vectors, input_tokens: body.usage?.prompt_tokens ?? 0 };
}

/** One entry of `GET /v1/models`, with what we know of the model beside OpenAI's fields. */
export function encodeModel(model: ModelInfo, created_s = 0): Record<string, unknown> {
  return { id: model.id, object: 'model', created: created_s, owned_by: model.owned_by, mcp: model };
}

/** The `list` object of `GET /v1/models`. */
export function encodeModelList(models: readonly ModelInfo[]): Record<string, unknown> {
  return { object: 'list', data: models.map((model) => encodeModel(model)) };
}

function toBase64(vector: readonly number[]): string {
  return Buffer.from(Float32Array.from(vector).buffer).toString('base64');
}

function fromBase64(text: string): number[] {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.byteLength % 4 !== 0)
    throw new PlatformError(
      'upstream_failed',
      'The model server sent an embedding that is not base64 of float32.',
    );
  return Array.from({ length: bytes.byteLength / 4 }, (_, i) => bytes.readFloatLE(i * 4));
}
