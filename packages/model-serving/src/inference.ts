import {
  type BackendCallOptions,
  type CallContext,
  type ChatCompletionRequest,
  type EmbeddingsRequest,
  type EmbeddingsResult,
  type FallbackCause,
  type ModelBackend,
  type ModelEvent,
  type ModelInfo,
  PlatformError,
} from '@mcp/contracts';
import type { Span } from '@mcp/service-kit';
import { givenOf } from '@mcp/wire';
import { Accounting, countTokens } from './accounting.ts';
import type { EnergyMeter } from './energy/meter.ts';
import type { Expected } from './expected-tokens.ts';
import type { Queues } from './queues.ts';
import type { Route, Visit } from './route.ts';
import type { ServingKit } from './serving.ts';
import { WholeCharacters } from './whole-characters.ts';

export interface InferenceDeps {
  readonly kit: Pick<ServingKit, 'metrics' | 'tracer'>;
  readonly queues: Queues;
  readonly energy: EnergyMeter;
}

/** Where an attempt may go. */
export interface Offered {
  /** The model. */
  readonly id: string;
  /** Its name in the request or alias, which may name a server too. */
  readonly asked: string;
  /** The alias that it answers for. */
  readonly alias?: string;
  /** What went wrong with the attempt before. */
  readonly after?: FallbackCause;
  /** Servers that refuse for longer are not waited for; undefined: for 5 s at most. */
  readonly max_closed_ms?: number;
  /** It is asked beside another one that is slow. */
  readonly hedge?: true;
  /** At least one. */
  readonly routes: readonly Route[];
  /** Called when a server is about to be asked; throws when it must not be. */
  reach(route: Route): void;
}

/** One inference by one model: waits its turn, is traced and counted. */
export async function* infer(
  { kit, queues, energy }: InferenceDeps,
  offered: Offered,
  { request, call }: { request: ChatCompletionRequest; call: CallContext },
): AsyncGenerator<ModelEvent> {
  const { id } = offered;
  const { info } = offered.routes[0] as Route;
  const span = startSpan(kit, info, { call, operation: 'chat' });
  if (offered.alias !== undefined || offered.after !== undefined) span.set(hopOf(offered));
  const accounting = new Accounting({ metrics: kit.metrics, span, info });
  let visit: Visit | undefined;
  let measured: ((tokens: number) => void) | undefined;
  let failure: unknown;
  try {
    const { expected } = queues.of(id);
    visit = await placeOf(queues, offered, { call, expected: expected.of(request) });
    const { route } = visit;
    accounting.queued(route.info);
    measured = energy.begin(route.info);
    const forwarded = request.model === id ? request : { ...request, model: id };
    const characters = new WholeCharacters();
    const asked_ms = performance.now();
    let taken = false;
    let answered = false;
    for await (const event of route.backend.generate(forwarded, optionsOf(call, span))) {
      if (!taken) {
        taken = true;
        visit.accepted();
      }
      if (!answered && event.type !== 'start') {
        answered = true;
        visit.answered(performance.now() - asked_ms, request.stream === true);
      }
      accounting.see(event);
      if (event.type === 'usage') expected.learn(request, event.usage);
      for (const whole of characters.take(event))
        yield whole.type === 'start' ? startOf(whole, { request, offered, backend: route.backend }) : whole;
    }
  } catch (error) {
    failure = visit === undefined ? error : visit.failed(error);
    if (visit !== undefined && visit.route.circuit !== 'closed')
      span.set({ 'mcp.circuit': visit.route.circuit });
    throw failure;
  } finally {
    visit?.leave();
    measured?.(accounting.tokens);
    accounting.end(failure);
  }
}

type Start = Extract<ModelEvent, { type: 'start' }>;

/** A start under the name that was asked for, with the fields that its backend makes no use of. */
function startOf(
  start: Start,
  by: { request: ChatCompletionRequest; offered: Offered; backend: ModelBackend },
): Start {
  const { alias, asked } = by.offered;
  const ignored = givenOf(by.request, by.backend.ignores ?? []);
  return {
    ...start,
    model: alias ?? asked,
    ...(alias === undefined ? {} : { served_by: asked }),
    ...(ignored.length === 0 ? {} : { ignored }),
  };
}

/** How an attempt came to be, for its span. */
function hopOf({ alias, after, hedge }: Offered): Readonly<Record<string, string | boolean>> {
  return {
    ...(alias === undefined ? {} : { 'mcp.alias': alias, 'mcp.hedge': hedge === true }),
    ...(after === undefined ? {} : { 'mcp.fallback.cause': after }),
  };
}

/** Vectors by one model: the same turn-taking, tracing and counting. */
export async function embed(
  { kit, queues, energy }: InferenceDeps,
  offered: Offered,
  { request, call }: { request: EmbeddingsRequest; call: CallContext },
): Promise<EmbeddingsResult> {
  const { id, asked } = offered;
  const { info } = offered.routes[0] as Route;
  const span = startSpan(kit, info, { call, operation: 'embeddings' });
  const started_ms = performance.now();
  let status = 'ok';
  let visit: Visit | undefined;
  let measured: ((tokens: number) => void) | undefined;
  let tokens = 0;
  try {
    visit = await placeOf(queues, offered, { call, expected: queues.of(id).expected.ofTexts(request.input) });
    const { route } = visit;
    const asked_ms = performance.now();
    measured = energy.begin(route.info);
    const result = await route.backend.embed({ ...request, model: id }, optionsOf(call, span));
    tokens = result.input_tokens;
    visit.accepted();
    visit.answered(performance.now() - asked_ms, false);
    countTokens(kit.metrics, route.info, { input_tokens: result.input_tokens, output_tokens: 0 });
    span.set({ 'gen_ai.usage.input_tokens': result.input_tokens, tokens_in: result.input_tokens });
    span.end();
    return { ...result, model: asked };
  } catch (error) {
    const failure = visit === undefined ? error : visit.failed(error);
    status = failure instanceof PlatformError ? failure.code : 'internal';
    span.end(failure);
    throw failure;
  } finally {
    visit?.leave();
    measured?.(tokens);
    kit.metrics.inc('model_inferences_total', { model: info.id, status, phase: 'embedding' });
    kit.metrics.observe(
      'model_inference_duration_seconds',
      { model: info.id, status, phase: 'total' },
      (performance.now() - started_ms) / 1000,
    );
  }
}

/** Waits for a place at one of the servers. */
async function placeOf(
  queues: Queues,
  offered: Offered,
  { call, expected }: { readonly call: CallContext; readonly expected: Expected },
): Promise<Visit> {
  const { id, routes, max_closed_ms } = offered;
  const { class: cls, signal, place, principal, deadline_ms } = call;
  const time_left_ms = deadline_ms - Date.now();
  const ask = { who: principal.id, class: cls, expected, time_left_ms, signal, routes, place, max_closed_ms };
  const visit = await queues.of(id).enter(ask);
  try {
    offered.reach(visit.route);
    return visit;
  } catch (error) {
    visit.leave();
    throw error;
  }
}

function optionsOf(call: CallContext, span: Span): BackendCallOptions {
  const { signal, deadline_ms, hops } = call;
  return { signal, deadline_ms, traceparent: span.traceparent, hops };
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
