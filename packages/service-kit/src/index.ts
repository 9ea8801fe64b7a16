/** What every service is built on: configuration, HTTP, errors, telemetry, clients, the event bus, life cycle. */

export { type CallScope, callScope } from './clients/call-scope.ts';
export type { Clients } from './clients/clients.ts';
export { type HttpAnswer, httpCall } from './clients/http-call.ts';
export { restoreError } from './clients/http-client.ts';
export { ownCall } from './clients/own-call.ts';
export { RetryBudget } from './clients/retry-budget.ts';
export { apiApp } from './http/api-server.ts';
export {
  baseApp,
  errorResponse,
  internalApp,
  textAnswer,
} from './http/app.ts';
export {
  parseBody,
  parseJson,
  parseNestedQuery,
  parseQuery,
  readText,
  refuseBody,
  uuidParam,
} from './http/body.ts';
export { busyPause, type Coalescing, ReadAhead } from './http/coalesce.ts';
export type { KitContext, KitEnv, RequestState } from './http/context.ts';
export { streamBytes } from './http/download.ts';
export {
  fromZod,
  retryAfterSeconds,
  toAnthropicError,
  toOpenAiError,
  toPlatformError,
  toProblem,
} from './http/errors.ts';
export { requireAdmin, requireSubject } from './http/require-admin.ts';
export {
  type EventStreamOptions,
  errorFields,
  ndjson,
  type StreamOptions,
  streamEvents,
  streamText,
} from './http/stream.ts';
export { bytesAtMost, collectAtMost, textAtMost } from './http/text-at-most.ts';
export { acceptWebSocket } from './http/upgrade.ts';
export { decrypt, encrypt } from './runtime/aes.ts';
export { backOff } from './runtime/back-off.ts';
export { type Bus, connectBus, LOSABLE } from './runtime/bus.ts';
export { CommonEnv, ConfigError, configSchema, loadConfig } from './runtime/config.ts';
export { EventQueue } from './runtime/event-queue.ts';
export { type Flags, flagValue } from './runtime/flags.ts';
export { type IdentityRow, keySetOf, TokenSigner } from './runtime/identity.ts';
export { KeptValue } from './runtime/kept-value.ts';
export {
  createKit,
  defineService,
  type LocalApis,
  type MetricsOf,
  type ServiceDefinition,
  type ServiceInstance,
  type ServiceKit,
} from './runtime/kit.ts';
export { Reports } from './runtime/reports.ts';
export { runMain, type StartedServices, startServices } from './runtime/run.ts';
export { createLogger, type Logger } from './telemetry/log.ts';
export { openTraceStore, readTrace } from './telemetry/trace-store.ts';
export type { Span, Tracer } from './telemetry/tracer.ts';
