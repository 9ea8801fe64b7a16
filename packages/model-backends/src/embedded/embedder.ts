import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { PlatformError } from '@mcp/contracts';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { abortError } from '../abort.ts';

const MAX_TOKENS = 512;
/** A WordPiece token has at most about this many characters: longer texts need no counting to be too long. */
const MAX_CHARS_PER_TOKEN = 400;
const CACHE_ENTRIES = 2048;

/**
 * A sentence-transformers model in ONNX: mean pooling over the last hidden state, then L2 norm
 * (Reimers and Gurevych 2019). One text per run, for int8 vectors depend on what else is in the batch.
 */
export class Embedder {
  readonly #session: InferenceSession;
  readonly #tokenizer: Tokenizer;
  /** Least recently used vectors leave first. */
  readonly #cache = new Map<string, { vector: number[]; tokens: number }>();
  #dimensions = 0;

  private constructor(session: InferenceSession, tokenizer: Tokenizer) {
    this.#session = session;
    this.#tokenizer = tokenizer;
  }

  /** Loads `model.onnx` and `tokenizer.json` of a folder. */
  static async load(folder: string): Promise<Embedder> {
    const definition: unknown = JSON.parse(await readFile(join(folder, 'tokenizer.json'), 'utf8'));
    if (typeof definition !== 'object' || definition === null)
      throw new Error('tokenizer.json is not an object');
    const session = await InferenceSession.create(join(folder, 'model.onnx'), {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
    });
    const embedder = new Embedder(session, new Tokenizer(definition, {}));
    embedder.#dimensions = (await embedder.#run('dimensions')).vector.length;
    return embedder;
  }

  get dimensions(): number {
    return this.#dimensions;
  }

  /** Unit vectors in the order of the texts. Texts beyond 512 tokens are refused, never cut silently. */
  async embed(
    texts: readonly string[],
    signal: AbortSignal,
  ): Promise<{ vectors: number[][]; input_tokens: number }> {
    const vectors: number[][] = [];
    let input_tokens = 0;
    for (const text of texts) {
      if (signal.aborted) throw abortError(signal);
      const { vector, tokens } = await this.#cached(text);
      vectors.push(vector);
      input_tokens += tokens;
    }
    return { vectors, input_tokens };
  }

  async close(): Promise<void> {
    await this.#session.release();
  }

  async #cached(text: string): Promise<{ vector: number[]; tokens: number }> {
    const hit = this.#cache.get(text);
    if (hit !== undefined) {
      this.#cache.delete(text);
      this.#cache.set(text, hit);
      return hit;
    }
    const made = await this.#run(text);
    this.#cache.set(text, made);
    const oldest = this.#cache.keys().next().value;
    if (this.#cache.size > CACHE_ENTRIES && oldest !== undefined) this.#cache.delete(oldest);
    return made;
  }

  async #run(text: string): Promise<{ vector: number[]; tokens: number }> {
    if (text.length > MAX_TOKENS * MAX_CHARS_PER_TOKEN) throw tooLong(`more than ${MAX_TOKENS}`);
    const { ids } = this.#tokenizer.encode(text);
    const tokens = ids.length;
    if (tokens > MAX_TOKENS) throw tooLong(String(tokens));
    const tensor = (values: bigint[]) => new Tensor('int64', BigInt64Array.from(values), [1, tokens]);
    const feeds: Record<string, Tensor> = {
      input_ids: tensor(ids.map(BigInt)),
      attention_mask: tensor(ids.map(() => 1n)),
      token_type_ids: tensor(ids.map(() => 0n)),
    };
    const wanted = Object.fromEntries(
      this.#session.inputNames.flatMap((name) => (feeds[name] === undefined ? [] : [[name, feeds[name]]])),
    );
    const outputs = await this.#session.run(wanted);
    const hidden = outputs.last_hidden_state ?? outputs[this.#session.outputNames[0] ?? ''];
    if (hidden === undefined || !(hidden.data instanceof Float32Array))
      throw new Error('the model has no float output');
    return { vector: pooled(hidden.data, tokens), tokens };
  }
}

function tooLong(tokens: string): PlatformError {
  return new PlatformError(
    'context_length_exceeded',
    `A text has ${tokens} tokens; this embedding model reads at most ${MAX_TOKENS}. Split it.`,
    { param: 'input' },
  );
}

function pooled(hidden: Float32Array, tokens: number): number[] {
  const size = hidden.length / tokens;
  const sum = new Array<number>(size).fill(0);
  for (let at = 0; at < hidden.length; at++) sum[at % size] = (sum[at % size] ?? 0) + (hidden[at] ?? 0);
  const norm = Math.hypot(...sum) || 1;
  return sum.map((value) => value / norm);
}
