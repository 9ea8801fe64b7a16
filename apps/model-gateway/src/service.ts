import {
  type CallContext,
  type ChatCompletionRequest,
  type ModelBackend,
  type ModelEvent,
  type ModelGatewayApi,
  type ModelInfo,
  PlatformError,
} from '@mcp/contracts';
import type { ServiceKit } from '@mcp/service-kit';
import { Accounting, countTokens } from './accounting.ts';
import { Catalog, type Entry } from './catalog.ts';
import { ModelQueue } from './queue.ts';

export interface ModelGatewayOptions {
  readonly kit: Pick<ServiceKit, 'metrics' | 'tracer' | 'log'>;
  readonly backends: readonly ModelBackend[];
  readonly concurrency: number;
  readonly max_waiting: number;
  /** Models to ask instead, in order, when one fails before its first token. */
  readonly fallbacks: Readonly<Record<string, readonly string[]>>;
}

/** Chooses the backend, keeps the queue, counts tokens and cost, traces `model.inference`. */
export function createModelGateway(options: ModelGatewayOptions): ModelGatewayApi {
  const { kit, backends } = options;
  const catalog = new Catalog(backends);
  const queues = new Map<string, ModelQueue>();
  const queueOf = (info: ModelInfo): ModelQueue => {
    let queue = queues.get(info.id);
    if (queue === undefined) {
      queue = new ModelQueue(
        { model: info.id, concurrency: options.concurrency, max_waiting: options.max_waiting },
        (status) => {
          kit.metrics.set('queue_depth', { model: status.model, class: 'running' }, status.running);
          kit.metrics.set(
            'queue_depth',
            { model: status.model, class: 'interactive' },
            status.waiting_interactive,
          );
          kit.metrics.set('queue_depth', { model: status.model, class: 'batch' }, status.waiting_batch);
        },
      );
      queues.set(info.id, queue);
    }
    return queue;
  };

  async function* infer(
    entry: Entry,
    request: ChatCompletionRequest,
    call: CallContext,
  ): AsyncGenerator<ModelEvent> {
    const { info, backend } = entry;
    const span = kit.tracer.start('model.inference', {
      traceparent: call.traceparent,
      kind: 'client',
      attributes: attributesOf(info, 'chat'),
    });
    const accounting = new Accounting({ metrics: kit.metrics, span, info });
    let leave: (() => void) | undefined;
    let failure: unknown;
    try {
      leave = await queueOf(info).enter(call.class, call.signal);
      accounting.queued();
      const asked = request.model === info.id ? request : { ...request, model: info.id };
      for await (const event of backend.generate(asked, {
        signal: call.signal,
        deadline_ms: call.deadline_ms,
        traceparent: span.traceparent,
      })) {
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

  return {
    async *generate(request, call) {
      const candidates = [request.model, ...(options.fallbacks[request.model] ?? [])];
      for (const [at, model] of candidates.entries()) {
        const events = infer(await catalog.find(model, 'chat'), request, call);
        let first: IteratorResult<ModelEvent>;
        try {
          first = await events.next();
        } catch (error) {
          const next = candidates[at + 1];
          if (
            next === undefined ||
            !(error instanceof PlatformError) ||
            !error.retryable ||
            call.signal.aborted
          )
            throw error;
          kit.log.warn(
            { model, next, code: error.code, request_id: call.request_id },
            'falling back to another model',
          );
          continue;
        }
        if (first.done !== true) yield first.value;
        yield* events;
        return;
      }
    },
    async embed(request, call) {
      const { info, backend } = await catalog.find(request.model, 'embedding');
      const span = kit.tracer.start('model.inference', {
        traceparent: call.traceparent,
        kind: 'client',
        attributes: attributesOf(info, 'embeddings'),
      });
      const started_ms = performance.now();
      let status = 'ok';
      try {
        const leave = await queueOf(info).enter(call.class, call.signal);
        try {
          const result = await backend.embed(request, {
            signal: call.signal,
            deadline_ms: call.deadline_ms,
            traceparent: span.traceparent,
          });
          countTokens(kit.metrics, info, { input_tokens: result.input_tokens, output_tokens: 0 });
          span.set({ 'gen_ai.usage.input_tokens': result.input_tokens, tokens_in: result.input_tokens });
          span.end();
          return result;
        } finally {
          leave();
        }
      } catch (error) {
        status = error instanceof PlatformError ? error.code : 'internal';
        span.end(error);
        throw error;
      } finally {
        kit.metrics.inc('model_inferences_total', { model: info.id, status, phase: 'embedding' });
        kit.metrics.observe(
          'model_inference_duration_seconds',
          { model: info.id, status, phase: 'total' },
          (performance.now() - started_ms) / 1000,
        );
      }
    },
    async countTokens(request, call) {
      const { backend } = await catalog.find(request.model, 'chat');
      return backend.countTokens(request, {
        signal: call.signal,
        deadline_ms: call.deadline_ms,
        traceparent: call.traceparent,
      });
    },
    models: () => catalog.all(),
    async queues() {
      const models = await catalog.all();
      return models.map((info) => queueOf(info).status());
    },
  };
}

/** OpenTelemetry GenAI attributes, with the blueprint's `model_name` beside them. */
function attributesOf(info: ModelInfo, operation: 'chat' | 'embeddings'): Record<string, string> {
  return {
    'gen_ai.operation.name': operation,
    'gen_ai.provider.name': info.backend,
    'gen_ai.request.model': info.id,
    model_name: info.id,
  };
}
