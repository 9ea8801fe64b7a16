/** Embeddings of sentences for the safety policy: bounded in time, and done without where there are none. */
import { type CallContext, type ModelGatewayApi, PlatformError } from '@mcp/contracts';
import type { GatewayKit } from '../kit.ts';

/** Nobody waits longer before a model is asked. */
const TIMEOUT_MS = 1500;
/** After a failure nobody is asked again for so long. */
const COOL_DOWN_MS = 10_000;

interface Options {
  readonly kit: Pick<GatewayKit, 'log' | 'metrics'>;
  readonly inference: () => Pick<ModelGatewayApi, 'embed'>;
}

export class SentenceVectors {
  readonly #options: Options;
  #away_until_ms = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Vectors in the order of the texts; undefined where there are none in time. Throws when the call was aborted. */
  async of(
    model: string,
    texts: readonly string[],
    call: CallContext,
  ): Promise<readonly (readonly number[])[] | undefined> {
    if (Date.now() < this.#away_until_ms) return undefined;
    const { kit, inference } = this.#options;
    const started_ms = performance.now();
    const observe = (status: 'ok' | 'unavailable') =>
      kit.metrics.observe(
        'safety_embedding_duration_seconds',
        { status },
        (performance.now() - started_ms) / 1000,
      );
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const signal = AbortSignal.any([call.signal, timeout]);
    const bounded = { ...call, signal, deadline_ms: Math.min(call.deadline_ms, Date.now() + TIMEOUT_MS) };
    try {
      const { vectors } = await inference().embed({ model, input: [...texts] }, bounded);
      observe('ok');
      return vectors;
    } catch (error) {
      if (call.signal.aborted || !(error instanceof PlatformError || timeout.aborted)) throw error;
      observe('unavailable');
      // Where this caller's texts may not go says nothing about those of others.
      if (!(error instanceof PlatformError && error.code === 'wrong_region'))
        this.#away_until_ms = Date.now() + COOL_DOWN_MS;
      kit.log.warn({ err: error, request_id: call.request_id }, 'texts are read without embeddings');
      return undefined;
    }
  }
}
