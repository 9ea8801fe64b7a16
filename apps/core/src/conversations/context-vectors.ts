import { type CallContext, type ModelGatewayApi, PlatformError } from '@mcp/contracts';
import { callScope } from '@mcp/service-kit';
import type { CoreKit } from '../kit.ts';

/** A context is compared by its words when this is not enough: a turn does not wait longer for its question. */
const TIMEOUT_MS = 2000;
/** Characters of a text that are embedded: small embedding models read some 500 tokens. */
const MAX_CHARS = 1200;

interface VectorDeps {
  readonly kit: Pick<CoreKit, 'log'>;
  readonly models: ModelGatewayApi;
}

/** Vectors of texts by the first embedding model that is ready; undefined where there is none, or it takes too long. */
export async function contextVectors(
  deps: VectorDeps,
  texts: readonly string[],
  call: CallContext,
): Promise<readonly (readonly number[])[] | undefined> {
  const deadline_ms = Math.min(call.deadline_ms, Date.now() + TIMEOUT_MS);
  const scope = callScope(call.signal, deadline_ms);
  try {
    const bounded = { ...call, signal: scope.signal, deadline_ms };
    const model = (await deps.models.models(bounded)).find(
      ({ kind, status }) => kind === 'embedding' && status === 'ready',
    );
    if (model === undefined) return undefined;
    const input = texts.map((text) => text.slice(0, MAX_CHARS).toWellFormed().trim() || '-');
    return (await deps.models.embed({ model: model.id, input }, bounded)).vectors;
  } catch (error) {
    if (call.signal.aborted || !(error instanceof PlatformError)) throw error;
    deps.kit.log.warn({ code: error.code, request_id: call.request_id }, 'no embeddings of the context');
    return undefined;
  } finally {
    scope.dispose();
  }
}
