/** Embeddings of the question and the answers of one run, begun while models are still speaking, each text once. */
import { type CallContext, type ModelGatewayApi, PlatformError } from '@mcp/contracts';
import { embeddingModel, withoutQuotes } from '@mcp/conversation';
import { callScope } from '@mcp/service-kit';
import type { CoreKit } from '../kit.ts';

/** What is not embedded by then is done without: the fastest whole answer is taken. */
export const EMBED_TIMEOUT_MS = 5000;
/** Characters of a text that are embedded: small embedding models read some 250 tokens. */
const EMBED_CHARS = 800;
/** Texts that one run embeds ahead; what comes beyond is embedded when it is needed. */
const MAX_AHEAD = 32;

type Vector = readonly number[];

interface VectorDeps {
  readonly kit: Pick<CoreKit, 'log'>;
  readonly models: Pick<ModelGatewayApi, 'models' | 'embed'>;
}

export class AnswerVectors {
  readonly #deps: VectorDeps;
  readonly #call: CallContext;
  readonly #kept = new Map<string, Promise<Vector | undefined>>();
  /** What each message has said so far, until it is enough. */
  readonly #spoken = new Map<string, string>();
  #model: Promise<string | undefined> | undefined;

  constructor(deps: VectorDeps, call: CallContext) {
    this.#deps = deps;
    this.#call = call;
  }

  /** A text that will be needed: its embedding begins now. */
  expect(text: string): void {
    const input = shown(text);
    if (this.#kept.has(input) || this.#kept.size >= MAX_AHEAD) return;
    this.#keep([input], Date.now() + EMBED_TIMEOUT_MS);
  }

  /** Hears what is said: of a long answer the beginning is embedded while the rest is still to come. */
  hear({ message_id, text }: { readonly message_id: string; readonly text: string }): void {
    const before = this.#spoken.get(message_id) ?? '';
    if (before.length >= EMBED_CHARS) return;
    const said = (before + text).slice(0, EMBED_CHARS);
    this.#spoken.set(message_id, said);
    if (said.length >= EMBED_CHARS) this.expect(said);
  }

  /** The vectors of texts; undefined where there is no embedding model, or it fails or takes too long. */
  async of(
    texts: readonly string[],
  ): Promise<{ readonly vectors: readonly Vector[] | undefined; readonly timed_out: boolean }> {
    const inputs = texts.map(shown);
    const missing = [...new Set(inputs)].filter((input) => !this.#kept.has(input));
    if (missing.length > 0) this.#keep(missing, Date.now() + EMBED_TIMEOUT_MS);
    try {
      const vectors = await Promise.all(inputs.map((input) => this.#kept.get(input)));
      const known = vectors.flatMap((vector) => (vector === undefined ? [] : [vector]));
      return { vectors: known.length === vectors.length ? known : undefined, timed_out: false };
    } catch (error) {
      const { request_id } = this.#call;
      this.#deps.kit.log.warn({ err: error, request_id }, 'no embeddings for the arbitration');
      return {
        vectors: undefined,
        timed_out: error instanceof PlatformError && error.code === 'deadline_exceeded',
      };
    }
  }

  #keep(inputs: readonly string[], until_ms: number): void {
    const asked = this.#embed(inputs, until_ms);
    for (const [at, input] of inputs.entries()) {
      const one = asked.then((vectors) => vectors?.[at]);
      // What failed is asked for once more when it is needed again; who waits for it is told.
      one.catch(() => this.#kept.delete(input));
      this.#kept.set(input, one);
    }
  }

  async #embed(input: readonly string[], until_ms: number): Promise<readonly Vector[] | undefined> {
    const deadline_ms = Math.min(this.#call.deadline_ms, until_ms);
    const scope = callScope(this.#call.signal, deadline_ms);
    try {
      const bounded = { ...this.#call, signal: scope.signal, deadline_ms };
      this.#model ??= embeddingModel(this.#deps.models, bounded);
      const model = await this.#model;
      if (model === undefined) return undefined;
      return (await this.#deps.models.embed({ model, input: [...input] }, bounded)).vectors;
    } catch (error) {
      this.#model = undefined;
      throw error;
    } finally {
      scope.dispose();
    }
  }
}

/** What of a text is embedded. */
function shown(text: string): string {
  return withoutQuotes(text).slice(0, EMBED_CHARS).toWellFormed().trim() || '-';
}
