import {
  type BackendCallOptions,
  type CallContext,
  type ChatCompletionRequest,
  type EmbeddingsRequest,
  type EmbeddingsResult,
  type ModelEvent,
  type ModelInfo,
  PlatformError,
} from '@mcp/contracts';
import type { ServiceKit, Span } from '@mcp/service-kit';
import { Accounting, countTokens } from './accounting.ts';
import type { Entry } from './catalog.ts';
import type { Queues } from './queues.ts';

export interface InferenceDeps {
  readonly kit: Pick<ServiceKit, 'metrics' | 'tracer'>;
  readonly queues: Queues;
}

/** One inference by one model: waits its turn, is traced and counted. */
export async function* infer(
  { kit, queues }: InferenceDeps,
  { info, backend }: Entry,
  { request, call }: { request: ChatCompletionRequest; call: CallContext },
): AsyncGenerator<ModelEvent> {
  const span = startSpan(kit, info, { call, operation: 'chat' });
  const accounting = new Accounting({ metrics: kit.metrics, span, info });
  let leave: (() => void) | undefined;
  let failure: unknown;
  try {
    leave = await queues.of(info).enter(call.class, call.signal);
    accounting.queued();
    const asked = request.model === info.id ? request : { ...request, model: info.id };
    for await (const event of backend.generate(asked, optionsOf(call, span))) {
      accounting.see(event);
      yield event;
    }
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    leave?.();
    accounting.end(failure);
  }
}

/** Vectors by one model: the same turn-taking, tracing and counting. */
export async function embed(
  { kit, queues }: InferenceDeps,
  { info, backend }: Entry,
  { request, call }: { request: EmbeddingsRequest; call: CallContext },
): Promise<EmbeddingsResult> {
  const span = startSpan(kit, info, { call, operation: 'embeddings' });
  const started_ms = performance.now();
  let status = 'ok';
  let leave: (() => void) | undefined;
  try {
    leave = await queues.of(info).enter(call.class, call.signal);
    const result = await backend.embed(request, optionsOf(call, span));
    countTokens(kit.metrics, info, { input_tokens: result.input_tokens, output_tokens: 0 });
    span.set({ 'gen_ai.usage.input_tokens': result.input_tokens, tokens_in: result.input_tokens });
    span.end();
    return result;
  } catch (error) {
    status = error instanceof PlatformError ? error.code : 'internal';
    span.end(error);
    throw error;
  } finally {
    leave?.();
    kit.metrics.inc('model_inferences_total', { model: info.id, status, phase: 'embedding' });
    kit.metrics.observe(
      'model_inference_duration_seconds',
      { model: info.id, status, phase: 'total' },
      (performance.now() - started_ms) / 1000,
    );
  }
}

function optionsOf(call: CallContext, span: Span): BackendCallOptions {
  return { signal: call.signal, deadline_ms: call.deadline_ms, traceparent: span.traceparent };
}

/** `model.inference` with OpenTelemetry's GenAI attributes, the blueprint's `model_name` beside them. */
function startSpan(
  kit: InferenceDeps['kit'],
  info: ModelInfo,
  { call, operation }: { call: CallContext; operation: 'chat' | 'embeddings' },
): Span {
  return kit.tracer.start('model.inference', {
    traceparent: call.traceparent,
    kind: 'client',
    attributes: {
      'gen_ai.operation.name': operation,
      'gen_ai.provider.name': info.backend,
      'gen_ai.request.model': info.id,
      model_name: info.id,
    },
  });
}
